"""The presets as a table, for `--list_models`."""

from concurrent.futures import ThreadPoolExecutor

import keras

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.models.create import create_model
from yt8m_models.presets import FRAME_LEVEL, PAPERS, PRESETS, TRAINING
from yt8m_models.storage.text_tables import aligned

_HEADER = (
    *("model", "level", "pooling", "parameters"),
    *("learning_rate", "decay", "decay_examples", "clip_mode", "paper"),
)


def list_models() -> str:
    """Each preset with what it is, how it is trained, and its paper, in aligned columns.

    Parameters are counted at the preset's own sizes, for the features (1024 + 128) and the 3,862
    classes of YouTube-8M. The learning rate falls by the factor `decay` every so many videos.
    """
    return "\n".join(aligned([_HEADER, *(_row(name) for name in PRESETS)], "<<<>>>><<"))


def count_parameters(config: ModelConfig, data: DataConfig) -> int:
    """The number of weights of a model, those of batch normalisation included.

    The weights themselves are not made, so that large models take neither time nor memory.
    """
    return sum(layer_parameters(config, data).values())


def layer_parameters(config: ModelConfig, data: DataConfig) -> dict[str, int]:
    """The same of each layer with weights, the classifier last; poolings say of which feature."""
    # Keras remembers, thread by thread, the weights that it has yet to make: it forgets these.
    with ThreadPoolExecutor(max_workers=1) as executor:
        return executor.submit(_count, config, data).result()


def _count(config: ModelConfig, data: DataConfig) -> dict[str, int]:
    with keras.StatelessScope(initialize_variables=False):
        model = create_model(config, data)
        poolings = getattr(model, "pooling", [])
        features = data.feature_names if len(poolings) > 1 else ("frames",)
        names = {
            id(layer): f"{model.config.pooling} of {feature}"
            for layer, feature in zip(poolings, features, strict=False)
        }
        return {
            names.get(id(layer), layer.name): int(layer.count_params())
            for layer in sorted(model.layers, key=lambda layer: layer is model.classifier)
            if layer.count_params()
        }


def _row(name: str) -> tuple[str, ...]:
    config = ModelConfig(model=name)
    frame_level = name in FRAME_LEVEL
    names = ("rgb", "audio") if frame_level else ("mean_rgb", "mean_audio")
    parameters = count_parameters(config, DataConfig(names, (1024, 128), frame_level))
    training = TRAINING[name]
    return (
        name,
        "frame" if frame_level else "video",
        config.resolved().pooling if frame_level else "none",
        f"{parameters:,}",
        f"{training.base_learning_rate:g}",
        f"{training.learning_rate_decay:g}",
        f"{training.learning_rate_decay_examples:,.0f}",
        training.clip_mode,
        PAPERS[name],
    )
