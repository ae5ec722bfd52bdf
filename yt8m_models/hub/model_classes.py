"""The classes of models that a folder for the Hub can have, and their settings."""

import inspect
from collections.abc import Mapping
from typing import Any

import keras

from yt8m_models.embedding.early_fusion import EarlyFusion
from yt8m_models.embedding.frame_embedding import FrameEmbedding
from yt8m_models.embedding.late_fusion import LateFusion
from yt8m_models.models import FrameLevelModel, VideoLevelModel
from yt8m_models.models.annotation_model import AnnotationModel

_CLASSES: dict[str, Any] = {
    cls.__name__: cls
    for cls in (
        *(FrameLevelModel, VideoLevelModel, AnnotationModel),
        *(EarlyFusion, LateFusion, FrameEmbedding),
    )
}


def settings_of(model: keras.Model) -> dict[str, Any]:
    """The arguments that make a model like this one, for JSON.

    Raises:
        ValueError: it is of none of the classes.
    """
    names = _arguments(type(model).__name__)
    return {name: value for name, value in model.get_config().items() if name in names}


def built_model(class_name: str, settings: Mapping[str, Any]) -> keras.Model:
    """A model with fresh weights.

    Nothing is imported or run for what settings say: they are numbers, texts and lists of these,
    not the objects that Keras would make of others.

    Raises:
        ValueError: the class is not known, or the settings are not those of it.
    """
    names = _arguments(class_name)
    if set(settings) != names:
        raise ValueError(
            f"settings of {class_name} must be {', '.join(sorted(names))}; there are "
            f"{', '.join(map(str, sorted(settings))) or 'none'}"
        )
    for name, value in settings.items():
        for inner, each in value.items() if isinstance(value, dict) else [(name, value)]:
            if not _is_plain(each):
                raise ValueError(
                    f"{inner} must be a number, a text or a list of them; received {each!r}"
                )
    try:
        model: keras.Model = _CLASSES[class_name].from_config(dict(settings))
        model.build()
    except (TypeError, AttributeError, LookupError, OverflowError) as error:
        raise ValueError(f"settings of {class_name} are not right: {error}") from error
    return model


def _arguments(class_name: str) -> set[str]:
    """The names of the arguments of a class."""
    if class_name not in _CLASSES:
        raise ValueError(
            f"class_name must be one of {', '.join(_CLASSES)}; received {class_name!r}"
        )
    return set(inspect.signature(_CLASSES[class_name].__init__).parameters) - {"self", "kwargs"}


def _is_plain(value: Any) -> bool:
    entries = value if isinstance(value, list | tuple) else [value]
    return all(isinstance(entry, int | float | str | None) for entry in entries)
