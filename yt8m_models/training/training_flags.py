"""`training_flags.json`: the flags whose defaults depend on the model, as a directory has them.

A training goes on with them, whatever the defaults of its model have become, unless the command
line says otherwise.
"""

from typing import Any

from yt8m_models.presets import TrainingDefaults
from yt8m_models.storage.result_file import read_result, write_result
from yt8m_models.storage.whole_file import join
from yt8m_models.training.config import ResolvedTrainConfig, TrainConfig
from yt8m_models.training.history import read_history
from yt8m_models.training.train_dir import TRAINING_FLAGS, TRAINING_HISTORY, checkpoint_paths


def resolve_training_flags(
    config: TrainConfig, model: str, num_replicas: int
) -> ResolvedTrainConfig:
    """A training with the values of its flags, of its directory or of its model's preset.

    Args:
        config: the flags.
        model: the name of the preset.
        num_replicas: batches in a step.

    Raises:
        ValueError: `training_flags.json` cannot be understood.
    """
    is_new = config.start_new_model or not checkpoint_paths(config.train_dir)
    return config.resolved(model, {} if is_new else _recorded(config, num_replicas))


def record_training_flags(config: ResolvedTrainConfig) -> None:
    """Writes the flags to the directory of the training."""
    flags = {name: getattr(config, name) for name in TrainingDefaults._fields}
    write_result(join(config.train_dir, TRAINING_FLAGS), flags)


def _recorded(config: TrainConfig, num_replicas: int) -> dict[str, Any]:
    """The flags that a directory with a checkpoint was trained with."""
    recorded = read_result(
        join(config.train_dir, TRAINING_FLAGS),
        lambda flags: TrainingDefaults(**flags)._asdict(),
        "the flags of a training",
    )
    return _of_the_curve(config, num_replicas) if recorded is None else recorded


def _of_the_curve(config: TrainConfig, num_replicas: int) -> dict[str, Any]:
    """The flags of a directory that has no record of them; none where nothing was trained there.

    Before there was a record, all models had the starter code's defaults; the learning rate that
    was reached is in the curve.
    """
    rows = read_history(join(config.train_dir, TRAINING_HISTORY))
    if not rows:
        return {}
    usual = TrainingDefaults()
    decay, decay_examples = (
        getattr(usual if getattr(config, name) is None else config, name)
        for name in ("learning_rate_decay", "learning_rate_decay_examples")
    )
    examples = (int(rows[-1]["step"]) - 1) * config.batch_size * num_replicas
    rate = rows[-1]["learning_rate"] / decay ** (examples // int(decay_examples))
    return usual._replace(base_learning_rate=rate)._asdict()
