"""Embedding of all videos of a table of features."""

from yt8m_models.embedding.embed.config import EmbedConfig
from yt8m_models.embedding.embedder import Embedder
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.embedding.embeddings_writer import EmbeddingsWriter
from yt8m_models.embedding.features_of_model import load_features_of_model
from yt8m_models.embedding.loading import load_embedding_model
from yt8m_models.features.load_features import load_features
from yt8m_models.features.raw_features import RawFeatures


def embed(config: EmbedConfig) -> Embeddings:
    """Embeds the videos of `config.features_dir` to `config.output_dir`, in their order.

    The output appears shard by shard; shards of an earlier run of the same model stay.

    Raises:
        ValueError: the features are not those of the model, the directory has other embeddings, or
            an embedding is not finite (the video is named).
    """
    if config.raw:
        table = load_features(config.features_dir, config.feature_names)
        raw = RawFeatures(table, config.per_feature_l2_norm, config.batch_size)
        batches, model, size = raw.batches, raw.model, raw.size
    else:
        network, trained = load_embedding_model(config.train_dir, config.checkpoint)
        print(f"Model: {trained.described()}")
        table = load_features_of_model(
            config.features_dir, network.config, network.feature_names, network.feature_sizes
        )
        batches = Embedder(network, table, config.batch_size).batches
        model, size = trained.model, network.config.embedding_size
    writer = EmbeddingsWriter(config.output_dir, table.ids, model, size, config.shard_size)
    writer.write_all(batches)
    return Embeddings.load(config.output_dir)
