"""`evaluate`: the metrics of a model."""

import os
from typing import Any

import keras

from eval.program.config import DataFlags
from eval.program.evaluation import measure
from eval.program.measure_config import MeasureConfig
from yt8m_models.api.loading import load_model
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.patterns import match_files
from yt8m_models.hub.source import is_hub_source
from yt8m_models.models.base import BaseModel
from yt8m_models.program.command import Program
from yt8m_models.training.checkpoints import Restored, restore_model

_OURS = Program("evaluate", "Measures a model of this package.", MeasureConfig, DataFlags)
_OWN = Program("evaluate", "Measures a model of one's own.", MeasureConfig, DataConfig)


def evaluate(
    model: "str | os.PathLike[str] | keras.Model",
    pattern: str | os.PathLike[str],
    *,
    checkpoint: str = "auto",
    **settings: Any,
) -> dict[str, Any]:
    """The loss and the metrics of a model on labelled records, as `yt8m eval` measures them.

    It writes no files.

    Args:
        model: the directory of a training, or what else `load_model` takes; a model; or a Keras
            model of one's own, that gives predictions `(batch, num_classes)` for a dict of
            `video_matrix` and `num_frames`.
        pattern: the records, as of `read`.
        checkpoint: of a directory, as of `load_model`.
        **settings: flags of `yt8m eval` by name: `batch_size`, `top_k`, `label_loss`,
            `sample_frames`, `segment_labels`, …; and for a model of one's own those of the records:
            `feature_names`, `feature_sizes`, `frame_features`, `num_classes`, ….

    Returns:
        `loss`, `hit_at_one`, `perr`, `gap` and `map`, floats; `num_videos`; and of each class, as
        arrays `(num_classes,)`, `aps`, its average precision, and `positives`, its labels.

    Raises:
        ValueError: no file matches, a setting is wrong or not that of the model, or a record is
            bad; the message says which.

    Example:
        >>> yt.evaluate("models/netvlad", "validate*.tfrecord")["gap"]
    """
    given = {"eval_data_pattern": os.fspath(pattern), **settings}
    if isinstance(model, keras.Model) and not isinstance(model, BaseModel):
        arguments = _OWN.settings(**given)
        restored, expected = _unrecorded(model, ModelConfig(), arguments[DataConfig]), {}
    else:
        arguments = _OURS.settings(**given)
        restored = _restored(model, checkpoint)
        flags = vars(arguments[DataFlags])
        expected = {name: value for name, value in flags.items() if name in arguments.given}
    config = arguments[MeasureConfig]
    evaluation, problems = measure(
        restored, config, match_files(config.eval_data_pattern), expected
    )
    if problems:
        print(problems)
    return dict(evaluation.metrics)


def _restored(model: str | os.PathLike[str] | BaseModel, checkpoint: str) -> Restored:
    """A model of this package, and what is known of it."""
    if not isinstance(model, BaseModel):
        source = os.fspath(model)
        if not is_hub_source(source):
            return restore_model(source, checkpoint)
        loaded = load_model(source, checkpoint=checkpoint)
        if not isinstance(loaded, BaseModel):
            raise ValueError(
                f"{source} is a {type(loaded).__name__}, which does not know its records: give the "
                "loaded model, feature_names, feature_sizes and num_classes"
            )
        model = loaded
    return _unrecorded(model, model.config, model.data)


def _unrecorded(model: keras.Model, config: ModelConfig, data: DataConfig) -> Restored:
    """A model without a directory."""
    return Restored(
        model, config.resolved(), data, "CrossEntropyLoss", 0, f"the model {model.name}"
    )
