"""Rows and seeds as runs: which there are, where they are kept, and what they found."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.experiments.cdml.config import CDMLConfig, EmbeddingTrainingFlags
from yt8m_models.experiments.dsgmm.rows import Row
from yt8m_models.retrieval.evaluation.config import (
    BITS,
    DIRECTIONS,
    EvaluateRetrievalConfig,
)
from yt8m_models.retrieval.evaluation.row_vectors import EXACT
from yt8m_models.storage.whole_file import join, write_text

RESULT = "result.json"
METRICS = {  # of a row, with their titles
    f"{direction.lower()}_{metric}": f"{direction} {title}"
    for direction in DIRECTIONS
    for metric, title in (("ndcg", "NDCG@{top_k}"), ("map", "MAP"))
}

_UNIMPORTANT = {  # to what a run finds
    *("train_dir", "log_steps", "keep_checkpoints", "save_checkpoint_minutes"),
    *("projector_videos", "eval_batch_size", "seed", "graph_dir", "features_dir"),
}


@dataclass(frozen=True)
class Quality:
    """What so many bits of a run's embeddings are worth: the value of each of `METRICS`."""

    metrics: Mapping[str, float]


@dataclass(frozen=True)
class Result:
    """What a run found.

    Attributes:
        settings: those of the run.
        seed: of the run.
        quality: by the bits of a dimension.
        step: of the checkpoint that was measured; 0 without training.
        validation_ndcg: of that checkpoint, on training videos kept out; NaN without.
        num_parameters: of the network.
        seconds: training and measuring, without what an interruption left out.
    """

    settings: Mapping[str, Any]
    seed: int
    quality: Mapping[int, Quality]
    step: int
    validation_ndcg: float
    num_parameters: int
    seconds: float

    def write(self, path: str) -> None:
        """Writes a JSON file that appears whole or not at all."""
        quality = {bits: each.metrics for bits, each in self.quality.items()}
        write_text(path, json.dumps({**vars(self), "quality": quality}, indent=1) + "\n")

    @classmethod
    def read(cls, path: str) -> "Result":
        """The result that `write` wrote.

        Raises:
            ValueError: the file is not one.
        """
        with tf.io.gfile.GFile(path) as file:
            text = file.read()
        try:
            record = json.loads(text)
            quality = {int(bits): Quality(dict(each)) for bits, each in record["quality"].items()}
            return cls(**{**record, "quality": quality})
        except (ValueError, TypeError, KeyError, AttributeError) as error:
            raise ValueError(f"{path} is not a result of a run: {error!r}") from error


@dataclass(frozen=True)
class Run:
    """Embeddings to make and to measure.

    Attributes:
        name: of the first row that it is for, and the seed.
        directory: for its training (`train`), measures (`retrieval`) and result (`result.json`). It
            is named by the settings, so that equal runs are one, also those of another command.
        settings: all that the result depends on but the seed and the bits, where it is not the
            default.
        content: `cdml`, `raw` or `random`.
        features: names of the content features.
        model: the network, whose `embedding_size` random vectors have too.
        training: of the network.
        retrieval: the graph, the bits and the measure.
        keep_embeddings: leave them in `embeddings`.
    """

    name: str
    directory: str
    settings: Mapping[str, Any]
    content: str
    features: tuple[str, ...]
    model: EmbeddingConfig
    training: EmbeddingTrainConfig
    retrieval: EvaluateRetrievalConfig
    keep_embeddings: bool

    def result(self) -> Result | None:
        """What it found; `None` while it lacks any of the bits."""
        path = join(self.directory, RESULT)
        if not tf.io.gfile.exists(path):
            return None
        result = Result.read(path)
        return result if set(self.retrieval.bits) <= set(result.quality) else None


def plan(
    config: CDMLConfig,
    training: EmbeddingTrainingFlags,
    model: EmbeddingConfig,
    features: Sequence[str],
    rows: Sequence[Row],
) -> dict[tuple[str, int], Run]:
    """The run of each row's name and seed; rows that differ in bits alone have one run.

    All rows come with the first seed before any comes with the second. Raw features need no
    training: their run is the same for all seeds.
    """
    wanted = {
        (row.name, seed): _run(config, training, model, tuple(features), row, seed)
        for seed in config.seeds
        for row in rows
    }
    by_directory: dict[str, Run] = {}
    for run in wanted.values():
        first = by_directory.setdefault(run.directory, run)
        both = {*first.retrieval.bits, *run.retrieval.bits}
        retrieval = dataclasses.replace(
            first.retrieval, bits=tuple(bits for bits in BITS if bits in both)
        )
        by_directory[run.directory] = dataclasses.replace(first, retrieval=retrieval)
    return {key: by_directory[run.directory] for key, run in wanted.items()}


def bits_of(row: Row) -> int:
    """The bits of a dimension that a row is about."""
    return row.changes.get("bits", EXACT)


def _run(
    config: CDMLConfig,
    training: EmbeddingTrainingFlags,
    model: EmbeddingConfig,
    all_features: tuple[str, ...],
    row: Row,
    seed: int,
) -> Run:
    content = row.changes.get("content", "cdml")
    features = row.changes.get("features", all_features)
    row_model = dataclasses.replace(model, **_of(EmbeddingConfig, row))
    flags = dataclasses.replace(training, **_of(EmbeddingTrainingFlags, row))
    seed = 0 if content == "raw" else seed
    settings: dict[str, Any] = {
        "content": content,
        **{name: getattr(config, name) for name in ("graph_dir", "features_dir", "top_k")},
        **{name: getattr(config, name) for name in ("relevance", "max_queries")},
    }
    if content == "random":
        settings["embedding_size"] = row_model.embedding_size
        name = f"random-{row_model.embedding_size}"
    else:
        settings["features"] = list(features)
        name = content
    train_config = flags.train_config(
        train_dir="unknown yet",
        graph_dir=config.graph_dir,
        features_dir=config.features_dir,
        feature_names=features,
        seed=seed,
    )
    if content == "cdml":
        settings |= _differing(vars(row_model), EmbeddingConfig)
        settings |= _differing(vars(train_config), EmbeddingTrainConfig)
        widths = map(str, (*row_model.hidden, row_model.embedding_size))
        name = f"{row_model.fusion}-{'-'.join(widths)}"
    digest = hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:10]
    directory = join(config.output_dir, "runs", f"{name}-{digest}", f"seed{seed}")
    return Run(
        name=f"{row.name}, seed {seed}",
        directory=directory,
        settings=settings,
        content=content,
        features=features,
        model=row_model,
        training=dataclasses.replace(train_config, train_dir=join(directory, "train")),
        retrieval=config.retrieval_config(
            embeddings_dirs=(f"{name}={join(directory, 'embeddings')}",),
            bits=(bits_of(row),),
            output_dir=join(directory, "retrieval"),
        ),
        keep_embeddings=config.keep_embeddings,
    )


def _of(config: type, row: Row) -> dict[str, Any]:
    """The row's changes of a dataclass."""
    names = {field.name for field in dataclasses.fields(config)}
    return {name: value for name, value in row.changes.items() if name in names}


def _differing(values: Mapping[str, Any], config: type) -> dict[str, Any]:
    """The values that are not the defaults, so that flags of later versions change no name."""
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    return {
        name: value
        for name, value in values.items()
        if name not in _UNIMPORTANT and value != defaults[name]
    }
