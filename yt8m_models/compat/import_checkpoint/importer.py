"""Importing a TensorFlow 1 checkpoint."""

import dataclasses
import math
from collections.abc import Iterator, Mapping
from typing import Any

import keras
import tensorflow as tf

from yt8m_models.compat.import_checkpoint.config import ImportConfig
from yt8m_models.compat.tf1_checkpoint import TF1Checkpoint, latest_checkpoint
from yt8m_models.compat.tf1_settings import num_classes_of, settings_of, unseen_settings
from yt8m_models.compat.tf1_variables import Places, variable_places
from yt8m_models.config import DataConfig, ModelConfig, ResolvedModel, parse_model_flags
from yt8m_models.layers.batch_normalization import settle_moving_statistics
from yt8m_models.models import create_model
from yt8m_models.storage import filesystems
from yt8m_models.training.checkpoints import Checkpoints
from yt8m_models.training.train_dir import (
    checkpoint_paths,
    read_flags,
    record_model_flags,
    remove_training,
)


def import_checkpoint(config: ImportConfig, given: Mapping[str, Any]) -> str:
    """Writes a training directory with the weights of a TensorFlow 1 checkpoint.

    Args:
        config: from where to where.
        given: fields of `ModelConfig` and `DataConfig`, which go before those that
            `model_flags.json` has.

    Returns:
        What was done, in lines for the user: from where to where, the model, how many variables,
        and the settings that the variables do not show.

    Raises:
        ValueError: a file cannot be read; `config.train_dir` holds checkpoints; the model is not
            known, or a setting contradicts the variables; a variable has no place in the model, or
            a weight gets no variable. The message names the file, flag or variables.
        OSError: a file cannot be written.
    """
    filesystems.require(config.train_dir)
    path = config.tf1_checkpoint
    checkpoint = TF1Checkpoint(path if path else latest_checkpoint(config.tf1_train_dir))
    model_config, data, label_loss = _configs(
        checkpoint, read_flags(config.tf1_train_dir) or {}, given
    )
    model = create_model(model_config, data)
    num_variables = _assign(model, checkpoint)
    if config.start_new_model:
        remove_training(config.train_dir)
    if paths := checkpoint_paths(config.train_dir):
        raise ValueError(
            f"--train_dir={config.train_dir} already holds a model, {paths[-1]}; give another "
            "directory, or --start_new_model to remove it"
        )
    record_model_flags(config.train_dir, model_config, data, label_loss)
    counters = {name: tf.Variable(0, dtype=tf.int64) for name in ("step", "epoch", "batch")}
    counters["step"].assign(checkpoint.step)
    written = Checkpoints(config.train_dir, keep=1, model=model, **counters).save(checkpoint.step)
    lines = [
        f"{checkpoint.path} -> {written}",
        f"{model.config.model} of step {checkpoint.step:,}: {num_variables} variables; "
        f"{checkpoint.num_dropped} of the optimizer left out",
    ]
    if unseen := unseen_settings(model.config, data.frame_features):
        settings = " ".join(f"--{name}={value}" for name, value in unseen.items())
        lines.append(
            "The checkpoint does not show these settings; give the flags that it was trained "
            f"with where they differ: {settings}"
        )
    return "\n".join(lines)


def _configs(
    checkpoint: TF1Checkpoint, record: Mapping[str, Any], given: Mapping[str, Any]
) -> tuple[ResolvedModel, DataConfig, str]:
    """The model, the data format and the label loss: by flags, the record and the variables."""
    model, data, label_loss = parse_model_flags(dict(record))
    missing = {"model", "feature_names", "feature_sizes"} - set(record) - set(given)
    if missing:
        raise ValueError(
            f"no model_flags.json says what {checkpoint.path} is: give "
            f"{', '.join(f'--{name}' for name in sorted(missing))}"
        )
    names = {field.name for field in dataclasses.fields(ModelConfig)}
    model = dataclasses.replace(model, **{k: v for k, v in given.items() if k in names})
    data = dataclasses.replace(data, **{k: v for k, v in given.items() if k not in names})
    try:
        num_classes = num_classes_of(checkpoint.shapes)
        seen = settings_of(checkpoint.shapes, model.model)
    except ValueError as error:
        raise ValueError(f"{checkpoint.path}: {error}") from error
    said = {**dataclasses.asdict(model), "num_classes": given.get("num_classes", num_classes)}
    wrong = [
        f"  --{name}: {said[name]} by the flags, {value} by the variables"
        for name, value in {**seen, "num_classes": num_classes}.items()
        if said[name] not in (None, value)
    ]
    if wrong:
        raise ValueError("\n".join([f"{checkpoint.path} is of another model:", *wrong]))
    model = dataclasses.replace(model, **seen)
    return model.resolved(), dataclasses.replace(data, num_classes=num_classes), label_loss


def _assign(model: keras.Model, checkpoint: TF1Checkpoint) -> int:
    """Gives the model's weights their values; the number of variables."""
    places = variable_places(model)
    problems = [
        f"  variable {checkpoint.name(name)} {checkpoint.shapes[name]}: the model has no such part"
        for name in checkpoint.shapes
        if name not in places
    ]
    problems += [
        f"  weight {place.weight.path} {tuple(place.weight.shape)}: there is no variable {name}"
        for name, place in places.items()
        if name not in checkpoint.shapes
    ]
    if not problems:
        problems = list(_fill(places, checkpoint))
    settled = settle_moving_statistics(model.weights)
    placed = {id(weight) for weight in (*settled, *(place.weight for place in places.values()))}
    problems += [
        f"  weight {weight.path} {tuple(weight.shape)}: the original model has no such variable"
        for weight in model.weights
        if id(weight) not in placed
    ]
    if problems:
        raise ValueError(
            "\n".join([f"{checkpoint.path} does not fit {model.config.model}:", *problems])
        )
    return len(places)


def _fill(places: Places, checkpoint: TF1Checkpoint) -> Iterator[str]:
    """Assigns each variable; yields those that are too large or too small for their weight."""
    for name, (weight, layout) in places.items():
        if math.prod(checkpoint.shapes[name]) == math.prod(weight.shape):
            weight.assign(layout(checkpoint.read(name)))
        else:
            yield (
                f"  variable {checkpoint.name(name)} {checkpoint.shapes[name]}: "
                f"the weight {weight.path} is {tuple(weight.shape)}"
            )
