"""Rows and seeds as runs: which there are, where they are kept, and what they found."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.experiments.cdml.config import CDMLConfig
from yt8m_models.experiments.common import runs as common
from yt8m_models.experiments.common.command_line import command_line
from yt8m_models.experiments.common.embedding_training import EmbeddingTrainingFlags
from yt8m_models.experiments.common.rows import Row
from yt8m_models.experiments.common.runs import RESULT, differing, directory_of, plan_runs
from yt8m_models.retrieval.evaluation.config import BITS, DIRECTIONS, EXACT, EvaluateRetrievalConfig
from yt8m_models.storage.whole_file import join

METRICS = {  # of a row, with their titles
    f"{direction.lower()}_{metric}": f"{direction} {title}"
    for direction in DIRECTIONS
    for metric, title in (("ndcg", "NDCG@{top_k}"), ("map", "MAP"))
}

# What a command that is printed does not say: where things are, and the seed.
_ELSEWHERE = ("train_dir", "output_dir", "graph_dir", "features_dir", "embeddings_dirs", "seed")
_UNIMPORTANT = {  # to what a run finds
    *("train_dir", "log_steps", "keep_checkpoints", "save_checkpoint_minutes"),
    *("projector_videos", "eval_batch_size", "seed", "graph_dir", "features_dir"),
}
_NORMS = ("intra_norm", "final_norm")


@dataclass(frozen=True)
class Result(common.Result):
    """What a run found.

    Attributes:
        quality: the value of each of `METRICS`, by the bits of a dimension.
        step: of the checkpoint that was measured; 0 without training.
        validation_ndcg: of that checkpoint, on training videos kept out; NaN without.
        num_parameters: of the network.
        seconds: training and measuring, without what an interruption left out.
    """

    quality: Mapping[int, Mapping[str, float]]
    step: int
    validation_ndcg: float
    num_parameters: int
    seconds: float

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Result":
        quality = {int(bits): dict(metrics) for bits, metrics in record["quality"].items()}
        return cls(**{**record, "quality": quality})


@dataclass(frozen=True)
class Run(common.Run[Result]):
    """Embeddings to make and to measure, in `embeddings` and `retrieval` of its directory.

    Attributes:
        content: `cdml`, `raw` or `random`.
        features: names of the content features.
        model: the network, whose `embedding_size` random vectors have too.
        training: of the network.
        retrieval: the graph, the bits and the measure.
        keep_embeddings: leave them in `embeddings`.
    """

    content: str
    features: tuple[str, ...]
    model: EmbeddingConfig
    training: EmbeddingTrainConfig
    retrieval: EvaluateRetrievalConfig
    keep_embeddings: bool

    def commands(self) -> list[str]:
        """Those that make and measure the embeddings."""
        lines = []
        if self.content == "cdml":
            lines.append(
                command_line(
                    "yt8m train-embedding", {**vars(self.model), **vars(self.training)}, _ELSEWHERE
                )
            )
        elif self.content == "raw":
            lines.append(
                command_line(
                    "yt8m embed", {"raw": True, "feature_names": self.features}, _ELSEWHERE
                )
            )
        return [*lines, command_line("yt8m evaluate-retrieval", vars(self.retrieval), _ELSEWHERE)]

    def result(self) -> Result | None:
        """What it found; `None` while it lacks any of the bits."""
        result = Result.read(join(self.directory, RESULT))
        is_done = result is not None and set(self.retrieval.bits) <= set(result.quality)
        return result if is_done else None

    def with_bits_of(self, other: "Run") -> "Run":
        """The same, measured also with the bits of another one."""
        both = {*self.retrieval.bits, *other.retrieval.bits}
        bits = tuple(bits for bits in BITS if bits in both)
        return dataclasses.replace(self, retrieval=dataclasses.replace(self.retrieval, bits=bits))


def plan(
    config: CDMLConfig,
    training: EmbeddingTrainingFlags,
    model: EmbeddingConfig,
    features: Sequence[str],
    rows: Sequence[Row],
) -> dict[tuple[str, int], Run]:
    """The run of each row's name and seed; rows that differ in bits alone have one run.

    Raw features need no training: their run is the same for all seeds.
    """
    measure = {name: getattr(config, name) for name in ("top_k", "relevance", "max_queries")}
    sources = {name: getattr(config, name) for name in ("graph_dir", "features_dir")}

    def run_of(row: Row, seed: int) -> Run:
        content = row.changes.get("content", "cdml")
        names = tuple(row.changes.get("features", features))
        row_model = dataclasses.replace(model, **_of(EmbeddingConfig, row))
        flags = dataclasses.replace(training, **_of(EmbeddingTrainingFlags, row))
        seed = 0 if content == "raw" else seed
        settings: dict[str, Any] = {"content": content, **sources, **measure}
        title = content
        if content == "random":
            settings["embedding_size"] = row_model.embedding_size
            title = f"random-{row_model.embedding_size}"
        else:
            settings["features"] = list(names)
        if content == "cdml":
            settings |= differing(vars(row_model), EmbeddingConfig, (*_UNIMPORTANT, *_NORMS))
            record = row_model.record()  # which lacks those of before there were flags for them
            settings |= {name: record[name] for name in _NORMS if name in record}
            if "hidden_size" in settings:  # directories are named by what it was called at first
                settings["hidden"] = settings.pop("hidden_size")
            flag_values = {"feature_names": names, **vars(flags)}
            settings |= differing(flag_values, EmbeddingTrainConfig, _UNIMPORTANT)
            widths = map(str, (*row_model.hidden_size, row_model.embedding_size))
            title = f"{row_model.fusion}-{'-'.join(widths)}"
        directory = directory_of(config.output_dir, title, settings, seed)
        return Run(
            name=f"{row.name}, seed {seed}",
            directory=directory,
            settings=settings,
            content=content,
            features=names,
            model=row_model,
            training=flags.train_config(
                train_dir=join(directory, "train"), feature_names=names, seed=seed, **sources
            ),
            retrieval=EvaluateRetrievalConfig(
                graph_dir=config.graph_dir,
                embeddings_dirs=(f"{title}={join(directory, 'embeddings')}",),
                bits=(bits_of(row),),
                output_dir=join(directory, "retrieval"),
                **measure,
            ),
            keep_embeddings=config.keep_embeddings,
        )

    return plan_runs(rows, config.seeds, run_of, Run.with_bits_of)


def bits_of(row: Row) -> int:
    """The bits of a dimension that a row is about."""
    bits: int = row.changes.get("bits", EXACT)
    return bits


def _of(config: type, row: Row) -> dict[str, Any]:
    """The row's changes of a dataclass."""
    names = {field.name for field in dataclasses.fields(config)}
    return {name: value for name, value in row.changes.items() if name in names}
