"""What a training directory holds: names, the model's flags, and what may be removed from it.

model_flags.json      the model and the data format that the directory's checkpoints have
training_flags.json   the learning rate and the clipping that the training goes on with
extraction.json       how the features of the records were made, where `yt8m extract` made them
checkpoint            the list of checkpoints that TensorFlow keeps
model.ckpt-N.*        checkpoints: weights, optimizer, position in the data
training.csv          a line for every logged step
validation.csv        a line for every validated checkpoint
train/ eval/          TensorBoard summaries, and what the evaluation program writes
best/                 the checkpoint with the lowest validation loss

The training of an embedding has embedding_model.json instead of model_flags.json, the checkpoint
with the highest NDCG in best/, its curves in curves.png, and in train/ what TensorBoard's
projector shows.
"""

import json
import re
from collections.abc import Callable, Container, Mapping
from typing import Any

import tensorflow as tf

from yt8m_models.config import (
    TRAINING_ONLY,
    DataConfig,
    ModelConfig,
    ResolvedModel,
    model_flags,
    parse_model_flags,
)
from yt8m_models.data.extraction_record import EXTRACTION_RECORD, Extraction, read_extraction
from yt8m_models.storage.same_flags import require_same_flags
from yt8m_models.storage.text_file import read_text
from yt8m_models.storage.whole_file import finished_name, join, write_text

MODEL_RECORD = "model_flags.json"
TRAINING_FLAGS = "training_flags.json"
EMBEDDING_RECORD = "embedding_model.json"
TRAINING_HISTORY = "training.csv"
VALIDATION_HISTORY = "validation.csv"
CURVES = "curves.png"
CHECKPOINT_NAME = "model.ckpt"
SUMMARIES = "train"
BEST = "best"
TO_REPLACE = "Give another --train_dir, the same flags, or --start_new_model to remove it."

_CHECKPOINT = r"checkpoint(\.partial)?|model\.ckpt-\d+\.(index|data-\d+-of-\d+)(\.tempstate\w*)?"
_TEMPORARY_CHECKPOINT = r"model\.ckpt-\d+_temp/part-\d+-of-\d+\.(index|data-\d+-of-\d+)"
_SUMMARY = r"events\.out\.tfevents\.[^/]*"
_WRITTEN = re.compile(
    "|".join(
        [
            rf"({BEST}/)?({_CHECKPOINT}|{_TEMPORARY_CHECKPOINT})",
            r"((model_flags|training_flags|extraction|embedding_model)\.json|(training|validation)\.csv|curves\.png)(\.partial)?",
            rf"(train|eval)/{_SUMMARY}",
            r"eval/(metrics\.json|per_class\.csv)(\.partial)?",
            r"train/(projector_config\.pbtxt|tensors\.tsv|metadata\.tsv)(\.partial)?",
        ]
    )
)
_DIRECTORY = re.compile(rf"train|eval|{BEST}|({BEST}/)?model\.ckpt-\d+_temp")


def read_model_flags(train_dir: str) -> tuple[ResolvedModel, DataConfig, str]:
    """The model, the data format and the label loss that a directory was trained with.

    Raises:
        ValueError: there is no `model_flags.json`, or it cannot be understood.
    """
    record = read_flags(train_dir)
    if record is None:
        raise ValueError(f"no {MODEL_RECORD} in --train_dir={train_dir}: nothing was trained there")
    try:
        model, data, label_loss = parse_model_flags(record)
        return model.resolved(), data, label_loss
    except (ValueError, TypeError, AttributeError) as error:
        raise ValueError(f"{join(train_dir, MODEL_RECORD)}: {error}") from error


def read_flags(train_dir: str) -> dict[str, Any] | None:
    """The content of `model_flags.json`; `None` where there is none.

    Raises:
        ValueError: it is not a JSON object.
    """
    path = join(train_dir, MODEL_RECORD)
    if not tf.io.gfile.exists(path):
        return None
    text = read_text(path)
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"{path}: {error}") from error
    if not isinstance(record, dict):
        raise ValueError(f"{path}: must hold a JSON object; received {text[:40]!r}")
    return record


def record_model_flags(
    train_dir: str, model: ModelConfig, data: DataConfig, label_loss: str
) -> None:
    """Writes `model_flags.json` as of `write_record`; `TRAINING_ONLY` may change.

    Raises:
        ValueError: the directory belongs to another model or data format.
    """
    wanted = model_flags(model.resolved(), data, label_loss)
    write_record(
        train_dir,
        MODEL_RECORD,
        wanted,
        wanted,
        lambda: model_flags(*read_model_flags(train_dir)),
        "model",
        TRAINING_ONLY,
    )


def record_extraction(train_dir: str, extraction: Extraction | None) -> None:
    """Writes `extraction.json` as of `write_record`, where it is known how features were made.

    Raises:
        ValueError: the directory was trained on features that were made otherwise.
    """
    if extraction is None:
        return
    there = recorded_extraction(train_dir)
    write_record(
        train_dir,
        EXTRACTION_RECORD,
        extraction.record,
        extraction.described,
        lambda: there.described if there else {},
        "extraction of features",
        (),
    )


def recorded_extraction(train_dir: str) -> Extraction | None:
    """How the features that a directory was trained on were made; `None` where that is not known.

    Raises:
        ValueError: `extraction.json` is damaged.
    """
    return read_extraction(join(train_dir, EXTRACTION_RECORD))


def write_record(
    train_dir: str,
    name: str,
    record: Mapping[str, Any],
    now: Mapping[str, Any],
    there: Callable[[], Mapping[str, Any]],
    what: str,
    may_change: Container[str],
) -> None:
    """Writes what a training is, or checks that the record that is there describes the same.

    A record without a checkpoint, left by a run that failed before its first, is replaced. So are
    the flags that may change, and what changes is printed.

    Args:
        train_dir: of the training.
        name: of the record's file.
        record: its content, for JSON.
        now: the same by flag.
        there: reads the record that is there, by flag.
        what: it is the record of.
        may_change: flags that a training may go on with other values of.

    Raises:
        ValueError: another flag differs; the message names each with both values.
    """
    path = join(train_dir, name)
    if tf.io.gfile.exists(path) and checkpoint_paths(train_dir):
        heading = f"--train_dir={train_dir} belongs to another {what}:"
        changes = require_same_flags(there(), now, heading, TO_REPLACE, may_change)
        if not changes:
            return
        print("\n".join(["The training goes on with other flags:", *changes]))
    write_text(path, json.dumps(record, indent=2) + "\n")


def checkpoint_paths(directory: str) -> list[str]:
    """The complete checkpoints of a directory, `…/model.ckpt-N`, from the oldest to the newest."""
    if not tf.io.gfile.isdir(directory):
        return []
    names = tf.io.gfile.listdir(directory)
    found = [re.fullmatch(rf"({CHECKPOINT_NAME}-\d+)\.index", name) for name in names]
    return sorted((join(directory, match[1]) for match in found if match), key=step_of)


def step_of(path: str) -> int:
    """The step N of `…/model.ckpt-N`."""
    return int(path.rsplit("-", 1)[1])


def remove_training(train_dir: str) -> None:
    """Removes what training, validation and evaluation wrote to a directory, and nothing else.

    Raises:
        ValueError: the directory holds anything else; the message lists it, and nothing is removed.
    """
    if not tf.io.gfile.exists(train_dir):
        return
    root = train_dir.rstrip("/")
    files: list[str] = []
    directories: list[str] = []
    strange: list[str] = []
    for parent, names, file_names in tf.io.gfile.walk(root):
        inside = parent.rstrip("/")[len(root) + 1 :]
        prefix = f"{inside}/" if inside else ""
        for name in (name.rstrip("/") for name in names):
            known = _DIRECTORY.fullmatch(prefix + name)
            (directories if known else strange).append(prefix + name)
        for name in filter(None, file_names):
            known = _WRITTEN.fullmatch(finished_name(prefix + name))
            (files if known else strange).append(prefix + name)
    if strange:
        raise ValueError(
            f"--start_new_model: --train_dir={train_dir} holds what training did not write, so "
            f"nothing was removed: {', '.join(sorted(strange)[:20])}"
        )
    # A kill while removing must leave no checkpoint that looks like another model's.
    for name in sorted(files, key=lambda name: name in (MODEL_RECORD, EMBEDDING_RECORD)):
        tf.io.gfile.remove(join(root, name))
    for name in sorted(directories, key=len, reverse=True):
        tf.io.gfile.rmtree(join(root, name))
