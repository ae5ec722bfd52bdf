"""The experiments from the flags to the files, and a run: training, embedding, retrieval."""

import shutil
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.embedder import Embedder
from yt8m_models.embedding.embeddings_writer import DEFAULT_SHARD_SIZE, EmbeddingsWriter
from yt8m_models.embedding.features_of_model import load_features_of_model
from yt8m_models.embedding.loading import load_embedding_model
from yt8m_models.embedding.training.trainer import train
from yt8m_models.experiments.cdml.config import CDMLConfig
from yt8m_models.experiments.cdml.paper import paper_figures
from yt8m_models.experiments.cdml.rows import tables
from yt8m_models.experiments.cdml.runs import METRICS, Result, Run, bits_of, plan
from yt8m_models.experiments.common.embedding_training import EmbeddingTrainingFlags
from yt8m_models.experiments.common.report import Report
from yt8m_models.experiments.common.rows import Row, Table, rows_of
from yt8m_models.experiments.common.running import in_own_process, run_experiment
from yt8m_models.experiments.common.runs import RESULT
from yt8m_models.features.load_features import load_features
from yt8m_models.features.raw_features import RawFeatures
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.retrieval.evaluation.evaluation import evaluate_retrieval
from yt8m_models.storage import filesystems
from yt8m_models.storage.whole_file import join


def run_cdml(
    config: CDMLConfig, training: EmbeddingTrainingFlags, model: EmbeddingConfig
) -> int | None:
    """Trains and measures what is not done yet, and writes the report of all that is.

    Returns:
        The number of the signal that ended the runs, or `None`.

    Raises:
        ValueError: a flag is wrong, or a run failed; finished runs are kept.
    """
    filesystems.require(config.output_dir)
    CoWatchGraph.load(config.graph_dir)
    features = load_features(config.features_dir, config.feature_names).names
    found = tables(config, model, features)
    planned = plan(config, training, model, features, rows_of(found))
    by_fusion = {run.model.fusion: run for run in planned.values() if run.content == "cdml"}
    for run in by_fusion.values():
        load_features_of_model(config.features_dir, run.model, run.features)

    def shown(result: Result) -> dict[str, float]:
        best = result.quality[max(result.quality)]
        return {f"T2E NDCG@{config.top_k}": best["t2e_ndcg"], "seconds": result.seconds}

    report = CDMLReport(config, found, planned)
    return run_experiment("cdml", report, partial(in_own_process, train_and_measure), shown)


def train_and_measure(run: Run) -> Result | None:
    """Does a run, from where an earlier try stopped, and writes its result.

    Returns:
        The result; `None` where a signal ended the training.

    Raises:
        ValueError: as from `train`, `EmbeddingsWriter` and `evaluate_retrieval`.
        OSError: a file cannot be read or written.
    """
    start = time.monotonic()
    trained = _trained(run)
    if trained is None:
        return None
    (directory,) = run.retrieval.directories.values()
    _embed(run, directory)
    evaluation = evaluate_retrieval(run.retrieval, progress=True)
    quality: dict[int, dict[str, float]] = {}
    for (_, bits, direction), found in evaluation.results.items():
        name = direction.lower()
        quality.setdefault(bits, {}).update({f"{name}_ndcg": found.ndcg, f"{name}_map": found.map})
    result = Result(
        settings=run.settings,
        seed=run.training.seed,
        quality=quality,
        **trained,
        seconds=round(time.monotonic() - start, 1),
    )
    result.write(join(run.directory, RESULT))
    if not run.keep_embeddings:
        shutil.rmtree(directory)
    return result


def _trained(run: Run) -> dict[str, Any] | None:
    """The network's part of a `Result`, after its training; `None` where a signal ended that."""
    if run.content != "cdml":
        return {"step": 0, "validation_ndcg": float("nan"), "num_parameters": 0}
    found = train(run.training, run.model)
    if found["signal"] is not None:
        return None
    model, trained = load_embedding_model(run.training.train_dir)
    ndcg = found["best_validation_ndcg"]
    return {
        "step": trained.step,
        "validation_ndcg": float("nan") if ndcg is None else ndcg,
        "num_parameters": model.count_params(),
    }


def _embed(run: Run, directory: str) -> None:
    """Writes the embeddings of all videos with features."""
    table = load_features(run.training.features_dir, run.features)
    size, seed = run.model.embedding_size, run.training.seed
    batches: Callable[[np.ndarray], Iterable[np.ndarray]]
    if run.content == "cdml":
        network, trained = load_embedding_model(run.training.train_dir)
        batches, model = Embedder(network, table).batches, trained.model
    elif run.content == "raw":
        raw = RawFeatures(table)
        batches, model, size = raw.batches, raw.model, raw.size
    else:
        batches, model = partial(_random_vectors, seed, size), f"random-{size}, seed {seed}"
    EmbeddingsWriter(directory, table.ids, model, size).write_all(batches)


def _random_vectors(seed: int, size: int, rows: np.ndarray) -> list[np.ndarray]:
    """Vectors for the rows `(n,)` of a shard, one batch."""
    rng = np.random.default_rng([seed, rows[0] // DEFAULT_SHARD_SIZE])
    return [rng.standard_normal((len(rows), size), np.float32)]


class CDMLReport(Report[Result]):
    """`results.csv`, `runs.csv`, `results.md` and an image of each table.

    The paper's figures stand beside the measured ones.
    """

    config: CDMLConfig
    metrics = tuple(METRICS)
    more = tuple(f"paper_{metric}" for metric in METRICS)
    columns = ("bits", *METRICS, "step", "validation_ndcg", "num_parameters", "seconds")

    def __init__(
        self, config: CDMLConfig, tables: Sequence[Table], planned: Mapping[tuple[str, int], Run]
    ) -> None:
        super().__init__(config, tables, planned)
        self.paper = paper_figures(tables)

    @property
    def titles(self) -> dict[str, str]:
        return {name: title.format(top_k=self.config.top_k) for name, title in METRICS.items()}

    @property
    def introduction(self) -> str:
        config = self.config
        return (
            "Cold-start retrieval of evaluation videos for training videos (T2E) and the reverse "
            f"(E2T): means over seeds {', '.join(map(str, config.seeds))} ± their standard "
            f"deviation. Graph `{config.graph_dir}`, features `{config.features_dir}`, "
            f"{config.relevance} gains.\n"
            "Columns with “paper” are what Lee et al. (KDD 2018) report of 278 million videos of "
            "YouTube; other videos give other figures."
        )

    def metrics_of(self, row: Row, result: Result) -> Mapping[str, float]:
        return result.quality[bits_of(row)]

    def lines_of(self, result: Result) -> list[list[object]]:
        """A line for each number of bits."""
        lines = []
        for bits, metrics in result.quality.items():
            values = {**vars(result), "bits": bits, **metrics}
            lines.append([values[column] for column in self.columns])
        return lines
