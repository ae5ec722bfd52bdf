"""Reading checkpoints of the original TensorFlow 1 programs."""

import re
from typing import Any

import numpy as np
import tensorflow as tf

from yt8m_models.compat.tf1_variables import local_name
from yt8m_models.storage import filesystems
from yt8m_models.training.checkpoints import OBJECT_GRAPH
from yt8m_models.training.train_dir import checkpoint_paths

_STEP = "global_step"
_SLOT = re.compile(r"(Adam|AdamW|Momentum|Adagrad|Adadelta|RMSProp|Ftrl)(_\d+)?")
_COUNTER = re.compile(rf"({_STEP}|beta[12]_power)(_\d+)?")


class TF1Checkpoint:
    """The model's variables in a checkpoint, without those of the optimizer.

    Args:
        path: the checkpoint, with or without its `.index`.

    Attributes:
        path: without `.index`.
        shapes: local name (see `tf1_variables.local_name`) -> shape of each variable.
        num_dropped: variables of the optimizer: slots, powers of beta, the step.
        step: steps that the model was trained for.

    Raises:
        ValueError: there is no such checkpoint, it cannot be read, it is not one of TensorFlow 1,
            or two of its variables have the same local name.
    """

    def __init__(self, path: str) -> None:
        self.path = path.removesuffix(".index")
        filesystems.require(self.path)
        if not tf.io.gfile.exists(f"{self.path}.index"):
            raise ValueError(f"no checkpoint {self.path}: there is no file {self.path}.index")
        try:
            self._reader = tf.train.load_checkpoint(self.path)
            shapes = self._reader.get_variable_to_shape_map()
        except (tf.errors.OpError, ValueError, LookupError, RuntimeError) as error:
            raise self._unreadable(error) from error
        if OBJECT_GRAPH in shapes:
            raise ValueError(
                f"{self.path} is not a checkpoint of TensorFlow 1; the programs here read it as it "
                "is, by --train_dir"
            )
        self._names: dict[str, str] = {}
        for name in sorted(shapes):
            if not _is_dropped(name, shapes):
                other = self._names.setdefault(local_name(name), name)
                if other != name:
                    raise ValueError(
                        f"{self.path}: the variables {other} and {name} are the same part of the "
                        "model; checkpoints of several models in one are not supported"
                    )
        self.shapes = {local: tuple(shapes[name]) for local, name in self._names.items()}
        self.num_dropped = len(shapes) - len(self.shapes)
        self.step = self._step(shapes)

    def name(self, local: str) -> str:
        """The name of a variable in the checkpoint."""
        return self._names[local]

    def read(self, local: str) -> np.ndarray:
        """The value of a variable.

        Raises:
            ValueError: the file is damaged.
        """
        return self._tensor(self._names[local])

    def _step(self, shapes: dict[str, Any]) -> int:
        if _STEP in shapes:
            return int(self._tensor(_STEP))
        match = re.search(r"-(\d+)$", self.path)
        return int(match[1]) if match else 0

    def _tensor(self, name: str) -> np.ndarray:
        try:
            return self._reader.get_tensor(name)
        except (tf.errors.OpError, ValueError, LookupError, RuntimeError) as error:
            raise self._unreadable(error) from error

    def _unreadable(self, error: Exception) -> ValueError:
        reason = str(getattr(error, "message", error)).splitlines()[0]
        return ValueError(f"the checkpoint {self.path} cannot be read: {reason}")


def latest_checkpoint(train_dir: str) -> str:
    """The checkpoint `model.ckpt-N` of the most steps in a directory.

    Raises:
        ValueError: there is no such directory, or no checkpoint in it.
    """
    filesystems.require(train_dir)
    if not tf.io.gfile.isdir(train_dir):
        raise ValueError(f"--tf1_train_dir={train_dir}: there is no such directory")
    paths = checkpoint_paths(train_dir)
    if not paths:
        raise ValueError(
            f"--tf1_train_dir={train_dir} holds no checkpoint model.ckpt-N.index; "
            "--tf1_checkpoint names one of another name"
        )
    return paths[-1]


def _is_dropped(name: str, names: dict[str, Any]) -> bool:
    """Whether a variable is the optimizer's: a counter, or a slot, named after its variable."""
    scope, _, leaf = name.rpartition("/")
    return bool(_COUNTER.fullmatch(leaf) or _SLOT.fullmatch(leaf)) or scope in names
