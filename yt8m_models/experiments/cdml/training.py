"""A run: training, the embeddings of all videos, cold-start retrieval."""

import shutil
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial

import numpy as np

from yt8m_models.embedding.embedder import Embedder
from yt8m_models.embedding.embeddings_writer import DEFAULT_SHARD_SIZE, EmbeddingsWriter
from yt8m_models.embedding.loading import load_embedding_model
from yt8m_models.embedding.training.trainer import train
from yt8m_models.experiments.cdml.runs import Result, Run
from yt8m_models.experiments.common.runs import RESULT
from yt8m_models.features.load_features import load_features
from yt8m_models.features.raw_features import RawFeatures
from yt8m_models.retrieval.evaluation.evaluation import evaluate_retrieval
from yt8m_models.storage.whole_file import join


@dataclass(frozen=True)
class _Trained:
    """Of a network: its checkpoint's step and validation NDCG, and its number of parameters."""

    step: int = 0
    validation_ndcg: float = float("nan")
    num_parameters: int = 0


def train_and_measure(run: Run) -> Result | None:
    """Does a run, from where an earlier try stopped, and writes its result.

    Returns:
        The result; `None` where a signal ended the training.

    Raises:
        ValueError: as from `train`, `EmbeddingsWriter` and `evaluate_retrieval`.
        OSError: a file cannot be read or written.
    """
    start = time.monotonic()
    trained = _train(run) if run.content == "cdml" else _Trained()
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
        **vars(trained),
        seconds=round(time.monotonic() - start, 1),
    )
    result.write(join(run.directory, RESULT))
    if not run.keep_embeddings:
        shutil.rmtree(directory)
    return result


def _train(run: Run) -> _Trained | None:
    """Trains the network; `None` where a signal ended it."""
    found = train(run.training, run.model)
    if found["signal"] is not None:
        return None
    model, trained = load_embedding_model(run.training.train_dir)
    ndcg = found["best_validation_ndcg"]
    return _Trained(trained.step, float("nan") if ndcg is None else ndcg, model.count_params())


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
