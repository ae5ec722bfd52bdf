"""Embedding of all videos of a table of features."""

import dataclasses
import uuid
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Any, NamedTuple

import numpy as np

from yt8m_models.data.video_ids import VideoIds
from yt8m_models.embedding.embed.config import EmbedConfig
from yt8m_models.embedding.embedder import Embedder
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.embedding.embeddings_writer import EmbeddingsWriter
from yt8m_models.embedding.features_of_model import load_features_of_model
from yt8m_models.embedding.loading import load_embedding_model
from yt8m_models.engines.spread import absolute, spread
from yt8m_models.features.load_features import load_features
from yt8m_models.features.raw_features import RawFeatures


class _Source(NamedTuple):
    """Where embeddings come from: the videos, what embeds rows of them, and whose they are."""

    ids: VideoIds
    batches: Callable[[np.ndarray], Iterable[np.ndarray]]
    model: str
    size: int
    checkpoint: str = "auto"
    described: str = ""

    def writer(self, config: EmbedConfig) -> EmbeddingsWriter:
        return EmbeddingsWriter(
            config.output_dir, self.ids, self.model, self.size, config.shard_size
        )


def embed(config: EmbedConfig, spark: Any = None) -> Embeddings:
    """Embeds the videos of `config.features_dir` to `config.output_dir`, in their order.

    The output appears shard by shard; shards of an earlier run of the same model stay.

    Args:
        config: what to embed, by which model, and where the embeddings go.
        spark: a `SparkSession` whose workers each embed shards, as of `EngineOptions.session`; they
            find all directories under the same paths. `None` for this process.

    Raises:
        ValueError: the features are not those of the model, the directory has other embeddings, or
            an embedding is not finite (the video is named).
        OSError: Spark cannot finish its work.
    """
    source = _source(config)
    if source.described:
        print(f"Model: {source.described}")
    writer = source.writer(config)
    if spark is None:
        writer.write_all(source.batches)
    else:
        there = dataclasses.replace(
            config,
            train_dir=absolute(config.train_dir),
            checkpoint=source.checkpoint,
            features_dir=absolute(config.features_dir),
            output_dir=absolute(config.output_dir),
        )
        spread(spark, partial(_embed_shard, there, uuid.uuid4().hex), writer.pending)
        source.writer(config).finish()
    return Embeddings.load(config.output_dir)


def _source(config: EmbedConfig) -> _Source:
    if config.raw:
        features = load_features(config.features_dir, config.feature_names)
        raw = RawFeatures(features, config.per_feature_l2_norm, config.batch_size)
        return _Source(features.ids, raw.batches, raw.model, raw.size)
    network, trained = load_embedding_model(config.train_dir, config.checkpoint)
    table = load_features_of_model(
        config.features_dir, network.config, network.feature_names, network.feature_sizes
    )
    batches = Embedder(network, table, config.batch_size).batches
    size = network.config.embedding_size
    checkpoint = absolute(trained.path)
    return _Source(table.ids, batches, trained.model, size, checkpoint, trained.described())


def _embed_shard(config: EmbedConfig, run: str, shard: int) -> None:
    """What a worker does with a shard; it loads the model once in a run."""
    source, writer = _opened(config, run)
    writer.write(shard, np.concatenate(list(source.batches(writer.rows(shard)))))


@lru_cache(maxsize=1)
def _opened(config: EmbedConfig, run: str) -> tuple[_Source, EmbeddingsWriter]:
    source = _source(config)
    return source, source.writer(config)
