"""A trained model as one `.tgz` file: its flags and one checkpoint."""

import json
import os
import shutil
import tarfile
import tempfile
import zlib
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

import tensorflow as tf

from yt8m_models.config import model_flags
from yt8m_models.data.extraction_record import EXTRACTION_RECORD, write_extraction
from yt8m_models.storage import filesystems
from yt8m_models.storage.whole_file import join, whole_file, write_text
from yt8m_models.training.checkpoints import Checkpoints, Restored
from yt8m_models.training.train_dir import MODEL_RECORD


def pack_model(restored: Restored, path: str) -> None:
    """Writes a model to a `.tgz`, without its optimizer, which is most of a training's checkpoint.

    Raises:
        ValueError: it is a model of `yt8m annotate`.
        OSError: the file cannot be written.
    """
    if restored.is_annotation:
        raise ValueError(
            "--output_model_tgz packs models of yt8m train; that of a run of yt8m annotate is one "
            f"file already, {restored.path}"
        )
    flags = model_flags(restored.model_config, restored.data_config, restored.label_loss)
    step = tf.Variable(restored.step, dtype=tf.int64)
    with tempfile.TemporaryDirectory() as directory:
        write_text(join(directory, MODEL_RECORD), json.dumps(flags, indent=2) + "\n")
        if restored.extraction is not None:
            write_extraction(directory, restored.extraction)
        Checkpoints(directory, keep=1, model=restored.model, step=step).save(restored.step)
        with whole_file(path) as file, tarfile.open(fileobj=file, mode="w|gz") as archive:
            for entry in sorted(os.listdir(directory)):
                archive.add(os.path.join(directory, entry), arcname=entry)


def unpack_model(path: str, directory: str) -> str:
    """Unpacks a model in `directory`, which is made where it is missing.

    Nothing is written unless every member of the archive is a regular file (or a directory) that
    stays inside `directory`: absolute paths, `..`, links and devices are refused.

    Returns:
        The path of the checkpoint, for `restore_model(directory, checkpoint=…)`.

    Raises:
        ValueError: the archive cannot be read, a member is refused (it is named), or there is no
            `model_flags.json` or not one checkpoint in it.
        OSError: the archive cannot be opened or a file not be written.
    """
    filesystems.require(path)
    root = os.path.realpath(directory)
    try:
        with (
            tf.io.gfile.GFile(path, "rb") as file,
            tarfile.open(fileobj=file, mode="r:*") as archive,
        ):
            targets = {member: _target(member, root, path) for member in archive.getmembers()}
            _require_room(targets, root, path)
            checkpoint = _checkpoint(list(targets.values()), root, path)
            _remove_others_record(list(targets.values()), root)
            for member, target in targets.items():
                source = archive.extractfile(member)
                if source is not None:
                    os.makedirs(os.path.dirname(target), exist_ok=True)
                    with source, open(target, "wb") as output:
                        shutil.copyfileobj(source, output)
    except (tarfile.TarError, EOFError, zlib.error, tf.errors.OutOfRangeError) as error:
        raise ValueError(f"--input_model_tgz={path} is not a whole .tgz file: {error}") from error
    except tf.errors.OpError as error:
        raise OSError(f"--input_model_tgz={path} cannot be read: {error.message}") from error
    return checkpoint


def _target(member: tarfile.TarInfo, root: str, path: str) -> str:
    """Where a member goes, inside `root`."""
    name = PurePosixPath(member.name)
    target = os.path.join(root, *name.parts)
    if name.is_absolute() or ".." in name.parts:
        problem = "leaves the directory that it is unpacked in"
    elif not (member.isreg() or member.isdir()):
        problem = "is neither a regular file nor a directory"
    elif os.path.realpath(target) != os.path.normpath(target):
        problem = f"would be written through a link, to {os.path.realpath(target)}"
    else:
        return os.path.normpath(target)
    raise ValueError(f"--input_model_tgz={path}: the member {member.name!r} {problem}")


def _require_room(members: Iterable[tarfile.TarInfo], root: str, path: str) -> None:
    """Refuses what would fill the disk, as a small file can say that it becomes a large one."""
    parents = (Path(root), *Path(root).parents)
    free = shutil.disk_usage(next(parent for parent in parents if parent.exists())).free
    size = sum(member.size for member in members)
    if size > free:
        raise ValueError(
            f"--input_model_tgz={path} grows to {size:,} bytes, and {root} has room for {free:,}"
        )


def _remove_others_record(targets: list[str], root: str) -> None:
    """Removes the record of features that a model that was unpacked before may have left."""
    record = os.path.join(root, EXTRACTION_RECORD)
    if record not in targets and os.path.isfile(record):
        os.remove(record)


def _checkpoint(targets: list[str], root: str, path: str) -> str:
    if os.path.join(root, MODEL_RECORD) not in targets:
        raise ValueError(f"--input_model_tgz={path} has no {MODEL_RECORD}")
    found = [target.removesuffix(".index") for target in targets if target.endswith(".index")]
    if len(found) != 1:
        raise ValueError(
            f"--input_model_tgz={path} must hold one checkpoint (*.index); it holds {len(found)}"
        )
    return found[0]
