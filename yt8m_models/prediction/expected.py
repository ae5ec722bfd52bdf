"""Flags of a model on the command lines of programs that read it from its directory."""

import dataclasses
from collections.abc import Mapping
from typing import Any

from yt8m_models.config import TRAINING_ONLY, ModelConfig, model_flags
from yt8m_models.program.command import Arguments
from yt8m_models.storage.same_flags import require_same_flags
from yt8m_models.training.checkpoints import Restored


def as_expected(restored: Restored, expected: Mapping[str, Any]) -> Restored:
    """A trained model, after a check that it is what the flags say.

    Args:
        restored: the model.
        expected: fields of `DataConfig` and `ModelConfig` that flags have set, by name. Those that
            predictions do not depend on (`TRAINING_ONLY`) may differ from the training;
            `max_frames`, `unequal_frames` and `sample_random_frames` then say how records are read.

    Raises:
        ValueError: another one differs; the message has a line for each, with both values.
    """
    require_same_flags(
        model_flags(restored.model_config, restored.data_config, restored.label_loss),
        {k: ",".join(map(str, v)) if isinstance(v, tuple) else v for k, v in expected.items()},
        f"{restored.path} is of another model:",
        may_differ=TRAINING_ONLY,
    )
    model, data = restored.model_config, restored.data_config
    sampling = expected.get("sample_random_frames", model.sample_random_frames)
    reading = {k: v for k, v in expected.items() if k in ("max_frames", "unequal_frames")}
    return dataclasses.replace(
        restored,
        model_config=dataclasses.replace(model, sample_random_frames=sampling),
        data_config=dataclasses.replace(data, **reading),
    )


def print_unused(arguments: Arguments, training_flags: type) -> None:
    """Says which flags of the command line are for training alone and change nothing here.

    Args:
        arguments: the command line.
        training_flags: the group of the flags that the program accepts, and leaves unused.
    """
    model = {field.name for field in dataclasses.fields(ModelConfig)} & set(TRAINING_ONLY)
    names = {field.name for field in dataclasses.fields(training_flags)} | model
    names -= {"sample_random_frames"}  # which says how frames are sampled
    unused = [f"--{flag}" for name, flag in arguments.typed.items() if name in names]
    if unused:
        print(f"Flags of training, which change nothing here: {', '.join(unused)}")
