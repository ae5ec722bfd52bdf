"""A trained embedding model, from its training directory."""

import hashlib
import json
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from yt8m_models.embedding.create import create_embedding_model
from yt8m_models.embedding.embedding_model import EmbeddingModel
from yt8m_models.embedding.model_record import ModelRecord
from yt8m_models.layers.batch_normalization import MOVING_WEIGHT
from yt8m_models.storage import filesystems
from yt8m_models.storage.whole_file import join
from yt8m_models.training.checkpoints import (
    chosen_checkpoints,
    described_checkpoint,
    record_errors,
    restore_newest,
)
from yt8m_models.training.train_dir import EMBEDDING_RECORD


@dataclass(frozen=True)
class TrainedEmbedding:
    """What is to be known of a trained embedding model beside its configuration.

    Attributes:
        model: the identity of its embeddings, `Embeddings.model`: a hash of all weights that embed
            and of the configuration, behind a word that people understand.
        step: steps that it was trained for.
        path: its checkpoint.
    """

    model: str
    step: int
    path: str

    def described(self) -> str:
        """Which model it is, for a line."""
        place = described_checkpoint(self.path, "validation NDCG")
        return f"{self.model} of step {self.step:,}, {place}"


def load_embedding_model(
    train_dir: str, checkpoint: str = "auto"
) -> tuple[EmbeddingModel, TrainedEmbedding]:
    """The model of a training directory, with the weights of a checkpoint.

    Args:
        train_dir: what `--train_dir` was in training.
        checkpoint: `auto` (the best if the training was validated, the latest otherwise), `best`
            (highest validation NDCG), `latest`, or the path of one, with or without its `.index`.

    Raises:
        ValueError: no embedding was trained there, there is no such checkpoint, or it cannot be
            read.

    Example:
        >>> model, trained = load_embedding_model("out/cdml")
        >>> model({"video_matrix": features})  # (batch, embedding_size)
    """
    filesystems.require(train_dir)
    record = ModelRecord.read(train_dir)
    paths = chosen_checkpoints(train_dir, checkpoint)
    with record_errors(join(train_dir, EMBEDDING_RECORD)):
        model = create_embedding_model(record.config, record.names, record.sizes)
    step = tf.Variable(0, dtype=tf.int64)
    wanted = tf.train.Checkpoint(model=model, step=step)
    path = restore_newest(lambda path: wanted, paths, train_dir)
    return model, TrainedEmbedding(model_identity(model), int(step.numpy()), path)


def model_identity(model: EmbeddingModel) -> str:
    """`Embeddings.model` of a model: the same only for the same configuration and weights."""
    description = [model.config.record(), model.feature_names, model.feature_sizes]
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    for weight in model.weights:
        if weight.name != MOVING_WEIGHT:  # which embeds nothing
            digest.update(np.ascontiguousarray(weight.numpy()).data)
    layers = "-".join(map(str, [*model.config.hidden_size, model.config.embedding_size]))
    return f"{model.config.fusion}-{layers}:{digest.hexdigest()[:16]}"
