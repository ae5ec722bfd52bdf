"""A trained model of any kind, as an export needs it."""

from dataclasses import dataclass
from pathlib import PurePath
from typing import Any

import keras
import tensorflow as tf

from yt8m_models.config import DataConfig, model_flags
from yt8m_models.embedding.loading import load_embedding_model
from yt8m_models.export.export_dir import CLASSIFIER, EMBEDDING
from yt8m_models.storage import filesystems
from yt8m_models.storage.whole_file import join
from yt8m_models.training.annotation_run import is_annotation_run
from yt8m_models.training.checkpoints import restore_model
from yt8m_models.training.train_dir import EMBEDDING_RECORD, MODEL_RECORD


@dataclass(frozen=True)
class TrainedModel:
    """A model, and what is to be said of it.

    Attributes:
        model: takes a dict of `video_matrix` and, of frames, `num_frames`.
        kind: `classifier` or `embedding`.
        name: what people call it, such as `DSGMMModel`.
        data: the records that it takes; for an embedding `num_classes` says nothing.
        output_size: width of what it gives: classes, or dimensions of an embedding.
        flags: how it is made, for JSON.
        checkpoint: the last names of its path, such as `best/model.ckpt-300`.
        step: steps that it was trained for, where that is known.
    """

    model: keras.Model
    kind: str
    name: str
    data: DataConfig
    output_size: int
    flags: dict[str, Any]
    checkpoint: str
    step: int | None

    @property
    def output(self) -> str:
        """The name of what it gives: `predictions` or `embeddings`."""
        return "predictions" if self.kind == CLASSIFIER else "embeddings"


def load_trained_model(train_dir: str, checkpoint: str = "auto") -> TrainedModel:
    """The model of a directory of `yt8m train`, `yt8m train-embedding` or a run of `yt8m annotate`.

    Args:
        train_dir: the directory.
        checkpoint: `auto`, `best`, `latest` or a path, as of `restore_model`.

    Raises:
        ValueError: none of them trained there, there is no such checkpoint, or it cannot be read.
    """
    filesystems.require(train_dir)
    if tf.io.gfile.exists(join(train_dir, MODEL_RECORD)):
        return _classifier(train_dir, checkpoint)
    if tf.io.gfile.exists(join(train_dir, EMBEDDING_RECORD)):
        return _embedding(train_dir, checkpoint)
    if is_annotation_run(train_dir):
        return _annotation(train_dir, checkpoint)
    raise ValueError(
        f"--train_dir={train_dir} holds no trained model: no {MODEL_RECORD} of yt8m train, no "
        f"{EMBEDDING_RECORD} of yt8m train-embedding and no finished run of yt8m annotate"
    )


def _classifier(train_dir: str, checkpoint: str) -> TrainedModel:
    restored = restore_model(train_dir, checkpoint)
    print(f"Model: {restored.described()}")
    config, data = restored.model_config, restored.data_config
    return TrainedModel(
        restored.model,
        CLASSIFIER,
        config.model,
        data,
        data.num_classes,
        model_flags(config, data, restored.label_loss),
        _last_names(restored.path),
        restored.step,
    )


def _embedding(train_dir: str, checkpoint: str) -> TrainedModel:
    model, trained = load_embedding_model(train_dir, checkpoint)
    print(f"Model: {trained.described()}")
    return TrainedModel(
        model,
        EMBEDDING,
        trained.model,
        DataConfig(model.feature_names, model.feature_sizes, model.takes_frames),
        model.config.embedding_size,
        model.config.record(),
        _last_names(trained.path),
        trained.step,
    )


def _annotation(train_dir: str, checkpoint: str) -> TrainedModel:
    restored = restore_model(train_dir, checkpoint)
    print(f"Model: {restored.described()}")
    model = restored.model
    return TrainedModel(
        model,
        CLASSIFIER,
        restored.name,
        restored.data_config,
        model.num_classes,
        {
            "components": list(model.components),
            "num_mixtures": model.num_mixtures,
            "moe_l2": model.l2,
        },
        _last_names(restored.path),
        None,
    )


def _last_names(path: str) -> str:
    """The file and its directory where that says which it is; never where a training was."""
    name = PurePath(path)
    return f"best/{name.name}" if name.parent.name == "best" else name.name
