"""Small models of every class, with weights by NumPy: the same on every backend of Keras.

`python -m tests.hub.models` writes `predictions.npz`: what TensorFlow gives of each.
"""

from pathlib import Path

import keras
import numpy as np
import pytest

from tests.small_sizes import SIZES
from yt8m_models.config import ASSIGNMENTS, DataConfig, ModelConfig
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.create import create_embedding_model
from yt8m_models.hub.model_classes import settings_of
from yt8m_models.hub.record import CLASSIFIER, EMBEDDING, HubRecord
from yt8m_models.models import create_model
from yt8m_models.models.annotation_model import AnnotationModel
from yt8m_models.poolings import POOLINGS
from yt8m_models.presets import FRAME_LEVEL, PRESETS

NUM_CLASSES = 5
ALL_STATISTICS = ("weights", "means", "covariances")
CLASSIFIERS = {
    **{name: {"model": name} for name in PRESETS if name != "NeXtVLADModel"},
    "NeXtVLADModel": {"model": "NeXtVLADModel", "gating_reduction": 2},
    **{f"pooling={name}": {"model": "DSGMMModel", "pooling": name} for name in POOLINGS},
    **{
        f"assignment={name}": {"model": "NetVLADModelLF", "assignment": name}
        for name in ASSIGNMENTS
    },
    "statistics": {"model": "DSGMMModel", "statistics": ALL_STATISTICS, "assignment": "diagonal"},
    "frame_layers": {"model": "DSGMMModel", "frame_layers": (7, 4)},
    "stacked": {"model": "GruModel", "recurrent_backward": True, "recurrent_state": "all"},
    "per_feature": {"model": "DbofModel", "per_feature_l2_norm": True},
}
EMBEDDINGS = {
    "early": {"fusion": "early"},
    "late": {"fusion": "late", "hidden_size": (7, 6)},
    "frames": {"fusion": "frames"},
    "coupled": {"fusion": "frames", "pooling": "netvlad", "assignment": "shared_diagonal"},
}
NAMES = (*CLASSIFIERS, *EMBEDDINGS, "annotation")
# All take PyTorch a few seconds; JAX compiles each operation, and TensorFlow's were recorded.
FEW = ("DSGMMModel", "MoeModel", "NeXtVLADModel", "assignment=diagonal", "late", "annotation")
EACH = [
    name
    if name in FEW or keras.backend.backend() == "torch"
    else pytest.param(name, marks=pytest.mark.slow)
    for name in NAMES
]


def _model(name):
    """A model by its name, and the features that it takes."""
    if name == "annotation":
        model = AnnotationModel((6, 2), (3, 1), NUM_CLASSES, num_mixtures=2)
        model.build()
        return model, _data(False)
    if name in EMBEDDINGS:
        sizes = {"hidden_size": (7,), "embedding_size": 4, "num_clusters": 4}
        config = EmbeddingConfig(**{**sizes, **EMBEDDINGS[name]})
        data = _data(config.fusion == "frames")
        return create_embedding_model(config, data.feature_names, data.feature_sizes), data
    config = ModelConfig(**{**SIZES, **CLASSIFIERS[name]})
    data = _data(config.model in FRAME_LEVEL)
    return create_model(config, data), data


def _data(frame_features):
    names = ("rgb", "audio") if frame_features else ("mean_rgb", "mean_audio")
    return DataConfig(names, (6, 2), frame_features, num_classes=NUM_CLASSES)


def build(name):
    """A model, and its record; weights are NumPy's, and variances among them positive."""
    model, data = _model(name)
    rng = np.random.default_rng(3)
    for weight in model.weights:
        low = 0.5 if weight.name in ("moving_variance", "moving_weight") else -0.5
        weight.assign(rng.uniform(low, low + 1, weight.shape).astype("float32"))
    kind = EMBEDDING if name in EMBEDDINGS else CLASSIFIER
    record = HubRecord(
        kind=kind,
        model=name,
        class_name=type(model).__name__,
        settings=settings_of(model),
        feature_names=data.feature_names,
        feature_sizes=data.feature_sizes,
        frame_features=data.frame_features,
        max_frames=data.max_frames,
        output_size=4 if kind == EMBEDDING else NUM_CLASSES,
        class_names=None if kind == EMBEDDING else tuple("abcdé"),
        license="Apache-2.0",
        checkpoint="best/model.ckpt-1200",
        step=1200,
    )
    return model, record


def predict(model, record):
    """What a model gives of a few videos, as an array."""
    rng = np.random.default_rng(4)
    inputs = {"video_matrix": rng.normal(size=(4, 8)).astype("float32")}
    if record.frame_features:
        frames = rng.integers(0, 256, (4, 9, 8), np.uint8)
        inputs = {"video_matrix": frames, "num_frames": np.array([9, 5, 1, 0], np.int32)}
    return keras.ops.convert_to_numpy(model(inputs))


if __name__ == "__main__":
    assert keras.backend.backend() == "tensorflow"
    found = {name: predict(*build(name)) for name in NAMES}
    np.savez_compressed(Path(__file__).with_name("predictions.npz"), **found)
