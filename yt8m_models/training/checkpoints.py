"""Checkpoints of a training directory: saving, resuming, and restoring a model from them.

`tf.train.CheckpointManager` does not save them, for three reasons. It stores a counter of its own
in each checkpoint, by which those of a resumed training would differ from those of one in one run.
It prunes only what it listed itself, with the times of saving, so that the checkpoints that a kill
left between writing and listing, and those of directories written before, would stay for ever. And
it keeps the checkpoints of later steps where training went back behind a damaged one.
"""

import contextlib
import logging
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import keras
import tensorflow as tf

from yt8m_models.config import DataConfig, ModelConfig, ResolvedModel
from yt8m_models.data.extraction_record import Extraction
from yt8m_models.engines.spread import absolute
from yt8m_models.layers.batch_normalization import MOVING_WEIGHT, settle_moving_statistics
from yt8m_models.storage import filesystems
from yt8m_models.storage.whole_file import join, write_text
from yt8m_models.training.annotation_run import is_annotation_run, load_annotation_model
from yt8m_models.training.train_dir import (
    BEST,
    CHECKPOINT_NAME,
    MODEL_RECORD,
    checkpoint_paths,
    read_model_flags,
    recorded_extraction,
    step_of,
)
from yt8m_models.training.weight_average import WeightAverage

AVERAGE = "average"  # the name in a checkpoint of the weights' moving average, if it has one
CHECKPOINT_CHOICES = ("auto", "best", "latest")
OBJECT_GRAPH = "_CHECKPOINTABLE_OBJECT_GRAPH"  # TensorFlow 2 stores it beside the weights
_LOGGER = logging.getLogger(__name__)


class Checkpoints:
    """The checkpoints `model.ckpt-N` of one directory, of which the latest few are kept.

    TensorFlow writes the tensors under temporary names, and a checkpoint's index last; a kill
    leaves the earlier checkpoints as they are.

    Args:
        directory: where they are; made at the first `save`.
        keep: how many to keep.
        trackables: what to save, by name (model, optimizer, variables).
        optimizer: the name of the optimizer among them. From a checkpoint without any optimizer,
            as an imported one is, `restore_latest` restores what there is and leaves the rest.
        optional: names of those that a checkpoint may lack, and that then stay as they are: not
            every training has them.
    """

    def __init__(
        self,
        directory: str,
        keep: int,
        *,
        optimizer: str | None = None,
        optional: Iterable[str] = (),
        **trackables: Any,
    ) -> None:
        self.directory = directory
        self.keep = keep
        self._checkpoint = tf.train.Checkpoint(**trackables)
        self._trackables = trackables
        self._optimizer = optimizer
        self._optional = frozenset(optional)

    def save(self, step: int) -> str:
        """Writes `model.ckpt-{step}` and lists it as the latest; its path.

        Removes the oldest beyond `keep`, those of later steps (training went back before them,
        because they could not be read) and what a kill left of unfinished ones.
        """
        tf.io.gfile.makedirs(self.directory)
        path: str = self._checkpoint.write(join(self.directory, f"{CHECKPOINT_NAME}-{step}"))
        earlier = [other for other in checkpoint_paths(self.directory) if step_of(other) < step]
        kept = [*earlier[max(0, len(earlier) + 1 - self.keep) :], path]
        self._list(kept)
        self._remove_all_but({step_of(path) for path in kept})
        return path

    def _list(self, paths: list[str]) -> None:
        """Writes the `checkpoint` file, by which `tf.train.latest_checkpoint` finds the last."""
        names = [path.rsplit("/", 1)[1] for path in paths]
        lines = [f'model_checkpoint_path: "{names[-1]}"']
        lines += [f'all_model_checkpoint_paths: "{name}"' for name in names]
        write_text(join(self.directory, "checkpoint"), "\n".join(lines) + "\n")

    def _remove_all_but(self, steps: set[int]) -> None:
        names = sorted(tf.io.gfile.listdir(self.directory), key=lambda name: ".index" not in name)
        for name in names:
            match = re.match(rf"{CHECKPOINT_NAME}-(\d+)[._]", name)
            if match and int(match[1]) not in steps:
                path = join(self.directory, name.rstrip("/"))
                remove = tf.io.gfile.rmtree if tf.io.gfile.isdir(path) else tf.io.gfile.remove
                remove(path)

    def restore_latest(self) -> str | None:
        """Restores the newest checkpoint that can be read; its path, or `None` without any.

        Raises:
            ValueError: there are checkpoints and none can be read, or they lack what is to be
                restored (those of another optimizer do).
        """
        paths = checkpoint_paths(self.directory)
        return restore_newest(self._of, paths, self.directory) if paths else None

    def _of(self, path: str) -> tf.train.Checkpoint:
        """What to restore from a checkpoint: everything but what it lacks and may lack."""
        stored = _stored_names(path)
        wanted = self._trackables
        if self._optimizer is not None and stored <= set(wanted) - {self._optimizer}:
            wanted = {name: wanted[name] for name in stored}
        lacking = self._optional - stored
        return tf.train.Checkpoint(**{k: v for k, v in wanted.items() if k not in lacking})


def has_average(path: str) -> bool:
    """Whether a checkpoint has a moving average of the weights beside them."""
    return AVERAGE in _stored_names(path)


def _stored_names(path: str) -> set[str]:
    names = tf.train.load_checkpoint(path).get_variable_to_shape_map()
    return {name.split("/")[0] for name in names if "/" in name}


@dataclass(frozen=True)
class Restored:
    """A trained model.

    Attributes:
        model: with the checkpoint's weights.
        model_config: what it is.
        data_config: the format of the records that it takes.
        label_loss: the name of the loss that it was trained with.
        step: steps that it was trained for.
        path: the checkpoint.
        extraction: how the features of the training were made, where that is known.
        is_annotation: whether it is a model of `yt8m annotate`, of which `model_config` has the
            experts alone.
    """

    model: keras.Model
    model_config: ResolvedModel
    data_config: DataConfig
    label_loss: str
    step: int
    path: str
    extraction: Extraction | None = None
    is_annotation: bool = False

    @property
    def checkpoint(self) -> str:
        """What stands for these weights where workers restore them, whatever comes later."""
        return "auto" if self.is_annotation else absolute(self.path)

    @property
    def name(self) -> str:
        """What people call it, such as `DSGMMModel`."""
        return type(self.model).__name__ if self.is_annotation else self.model_config.model

    def described(self) -> str:
        """Which model it is, for a line."""
        if self.is_annotation:
            features = "+".join(self.data_config.feature_names)
            return f"{self.model_config.moe_num_mixtures} mixtures on {features}: {self.path}"
        place = described_checkpoint(self.path, "validation loss")
        return f"{self.model_config.model} of step {self.step:,}, {place}"


def described_checkpoint(path: str, measure: str) -> str:
    """The path of a checkpoint, behind what it is the best by where it is the best."""
    directory = path.rpartition("/")[0]
    is_best = directory.rpartition("/")[2] == BEST
    return f"the best by {measure}: {path}" if is_best else path


def restore_model(train_dir: str, checkpoint: str = "auto") -> Restored:
    """The model of a training directory, with the weights of a checkpoint or their average.

    Args:
        train_dir: what `--train_dir` was in training, or the directory of a run of `yt8m annotate`,
            of which `auto` is the only checkpoint.
        checkpoint: `auto` (the best where the training was validated, the latest otherwise),
            `best` (lowest validation loss), `latest` (the newest that can be read), or the path of
            one, with or without its `.index`.

    Raises:
        ValueError: nothing was trained there, there is no such checkpoint, or it cannot be read.
    """
    from yt8m_models.models import create_model

    filesystems.require(train_dir)
    if is_annotation_run(train_dir):
        return _annotation(train_dir, checkpoint)
    model_config, data_config, label_loss = read_model_flags(train_dir)
    paths = chosen_checkpoints(train_dir, checkpoint)
    with record_errors(join(train_dir, MODEL_RECORD)):
        model = create_model(model_config, data_config)
    step = tf.Variable(0, dtype=tf.int64)
    wanted = tf.train.Checkpoint(model=model, step=step)
    path = restore_newest(lambda path: wanted, paths, train_dir)
    if has_average(path):
        average = WeightAverage(model)
        tf.train.Checkpoint(**{AVERAGE: average}).read(path).assert_existing_objects_matched()
        average.apply()
    extraction = recorded_extraction(train_dir)
    return Restored(
        model, model_config, data_config, label_loss, int(step.numpy()), path, extraction
    )


@contextlib.contextmanager
def record_errors(path: str) -> Iterator[None]:
    """Names the record of a model that its block cannot make."""
    try:
        yield
    except (ValueError, TypeError, OverflowError, tf.errors.OpError) as error:
        reason = getattr(error, "message", error)
        raise ValueError(f"{path}: such a model cannot be made: {reason}") from error


def _annotation(directory: str, checkpoint: str) -> Restored:
    """The model of a run of `yt8m annotate`."""
    if checkpoint != "auto":
        raise ValueError(
            "--checkpoint must be auto for a run of yt8m annotate, which keeps its model in one "
            f"file; received --checkpoint={checkpoint}"
        )
    model, names, path = load_annotation_model(directory)
    experts = ModelConfig("MoeModel", moe_num_mixtures=model.num_mixtures, moe_l2=model.l2)
    data = DataConfig(names, model.sizes, num_classes=model.num_classes)
    extraction = recorded_extraction(directory)
    return Restored(
        *(model, experts.resolved(), data, "CrossEntropyLoss", 0, path, extraction),
        is_annotation=True,
    )


def candidate_checkpoints(train_dir: str, checkpoint: str) -> list[str]:
    """The checkpoints that `auto`, `best`, `latest` or a path mean, the one to take last."""
    if checkpoint not in CHECKPOINT_CHOICES:
        path = checkpoint.removesuffix(".index")
        return [path] if tf.io.gfile.exists(f"{path}.index") else []
    latest = [] if checkpoint == "best" else checkpoint_paths(train_dir)
    return latest + ([] if checkpoint == "latest" else checkpoint_paths(join(train_dir, BEST)))


def chosen_checkpoints(train_dir: str, checkpoint: str) -> list[str]:
    """The same, at least one.

    Raises:
        ValueError: there is none.
    """
    paths = candidate_checkpoints(train_dir, checkpoint)
    if not paths:
        place = {"best": join(train_dir, BEST)}.get(checkpoint, train_dir)
        missing = f"in {place}" if checkpoint in CHECKPOINT_CHOICES else checkpoint
        raise ValueError(f"no checkpoint {missing} (--train_dir={train_dir})")
    return paths


def restore_newest(
    wanted: Callable[[str], tf.train.Checkpoint], paths: list[str], directory: str
) -> str:
    """Restores `wanted(path)` from the last of `paths` that can be read; its path.

    Moving statistics that were saved before there were moving weights count as settled.

    Raises:
        ValueError: none can be read, or the last that can is of something else.
    """
    reasons = []
    for path in reversed(paths):
        try:
            checkpoint = wanted(path)
            unsaved = _unsaved_moving_weights(checkpoint, path)
            status = (_without(unsaved, checkpoint) if unsaved else checkpoint).read(path)
            status.assert_existing_objects_matched()
            status.expect_partial()
            settle_moving_statistics(unsaved)
            return path
        except (AssertionError, ValueError) as error:
            require_own_checkpoint(path)
            reason = str(error).splitlines()[0]
            raise ValueError(f"{path} is of another model or --optimizer: {reason}") from error
        except (tf.errors.OpError, LookupError, RuntimeError) as error:
            reason = str(getattr(error, "message", error)).splitlines()[0]
            _LOGGER.warning("Checkpoint %s cannot be read, trying another: %s", path, reason)
            reasons.append(f"{path}: {reason}")
    raise ValueError(f"no checkpoint of {directory} can be read:\n" + "\n".join(reasons))


def require_own_checkpoint(path: str) -> None:
    """Raises a `ValueError` where a checkpoint is one of TensorFlow 1."""
    if not tf.train.load_checkpoint(path).has_tensor(OBJECT_GRAPH):
        raise ValueError(
            f"{path} is a checkpoint of TensorFlow 1; `yt8m import-checkpoint` turns it into one "
            "that can be read here"
        )


def _unsaved_moving_weights(checkpoint: tf.train.Checkpoint, path: str) -> list[Any]:
    """All those of batch normalisations, unless the file has some."""
    names = tf.train.load_checkpoint(path).get_variable_to_shape_map()
    if any(f"/{MOVING_WEIGHT}/" in name for name in names):
        return []
    objects = tf.train.TrackableView(checkpoint).descendants()
    return [each for each in objects if getattr(each, "name", None) == MOVING_WEIGHT]


def _without(left_out: list[Any], checkpoint: tf.train.Checkpoint) -> tf.train.Checkpoint:
    """The same variables under the same names, without some that would have to be in the file."""
    view = tf.train.TrackableView(checkpoint)
    ids = {id(each) for each in left_out}
    copies: dict[int, Any] = {}

    def copy(trackable: Any) -> Any:
        children = view.children(trackable)
        if not children:
            return trackable
        if id(trackable) not in copies:
            copied = copies[id(trackable)] = tf.train.Checkpoint()  # children may lead back to it
            for name, child in children.items():
                if id(child) not in ids:
                    setattr(copied, name, copy(child))
        return copies[id(trackable)]

    return copy(checkpoint)
