"""Directories of arrays, and of a JSON record that is written last and makes them an artifact."""

import contextlib
import json
import os
import tokenize
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np

from yt8m_models.storage import filesystems
from yt8m_models.storage.archives import DAMAGED_ARCHIVE
from yt8m_models.storage.whole_file import join, whole_file, write_text

# What NumPy raises where an .npy or .npz is damaged; a header is a Python literal to it.
DAMAGED_ARRAY = (
    *(*DAMAGED_ARCHIVE, ValueError, OverflowError, MemoryError),
    *(SyntaxError, tokenize.TokenError),
)

_CONTENTS = "contents"
_END_BYTES = 1 << 16


@dataclass(frozen=True)
class ArtifactDir:
    """The directories of one kind: how they are prepared, written and read.

        INDEX = ArtifactDir("index.json", ("index",), "an index", "yt8m build-index", "1.2",
                            {"model": str, "size": int})
        INDEX.prepare(directory)
        INDEX.write(directory, {"model": "m", "size": 8}, {"ids": ids, "vectors": vectors})
        size = INDEX.read(directory)["size"]
        vectors = read_array(directory, "vectors", np.float32, (len(ids), size))

    The record says its `kind`, the `maker` and the `version` of the package beside what its
    artifact needs, and the size and a checksum of each file, by which one that was cut, or is of
    another artifact, is noticed. A directory without it is none, as where its program was
    interrupted.

    Args:
        record: name of the record's file.
        kinds: what the record may say of its kind; the first is meant where it says nothing.
        what: an artifact in words, such as `an index`.
        maker: the program that writes it.
        version: of the package.
        values: makes a value of the record what it is to be; each of these must be there.
        optional: as `values`, of what may be absent, which is `None` then.
    """

    record: str
    kinds: tuple[str, ...]
    what: str
    maker: str
    version: str
    values: Mapping[str, Callable[[Any], Any]]
    optional: Mapping[str, Callable[[Any], Any]] = field(default_factory=dict)

    def is_in(self, directory: str | os.PathLike[str]) -> bool:
        """Whether a local directory holds an artifact of this kind."""
        return Path(directory, self.record).exists()

    def prepare(self, directory: str | os.PathLike[str], may_exist: bool = False) -> Path:
        """Makes the directory of a new artifact.

        Args:
            directory: receives the artifact.
            may_exist: the artifact may be there already, to be gone on with.

        Raises:
            ValueError: it is not local, or already holds an artifact of this kind.
        """
        if filesystems.scheme(str(directory)):
            raise ValueError(
                f"{directory} must be a local directory: the arrays of {self.what} are "
                "memory-mapped"
            )
        if not may_exist:
            self.refuse_existing(directory)
        path = Path(directory)
        path.mkdir(parents=True, exist_ok=True)
        return path

    def refuse_existing(self, directory: str | os.PathLike[str]) -> None:
        """Raises a `ValueError` where a directory already holds an artifact of this kind."""
        if self.is_in(directory):
            raise ValueError(f"{directory} already holds {self.what}; choose another directory")

    def write(
        self,
        directory: str | os.PathLike[str],
        record: Mapping[str, Any],
        arrays: Mapping[str, np.ndarray] | None = None,
        files: Iterable[str] = (),
    ) -> None:
        """Writes arrays by name, as of `write_array`, and then the record.

        Args:
            directory: as of `prepare`; remote where there are no arrays.
            record: as JSON takes it; `kind` is the first of `kinds` unless given.
            arrays: by the names of their files without `.npy`.
            files: names of others of the artifact, which are there already.
        """
        for name, array in (arrays or {}).items():
            write_array(directory, name, array)
        names = [*(f"{name}.npy" for name in arrays or {}), *files]
        if names:
            record = {**record, _CONTENTS: {name: _content(directory, name) for name in names}}
        made = {"maker": self.maker, "version": self.version}
        text = json.dumps({"kind": self.kinds[0], **record, **made}, indent=1)
        write_text(join(os.fspath(directory), self.record), text + "\n")

    def read(
        self, directory: str | os.PathLike[str], kind: str | None = None, check_files: bool = True
    ) -> dict[str, Any]:
        """What the record in a directory says.

        Args:
            directory: local or remote.
            kind: take this kind only; any of `kinds` unless given.
            check_files: whether the files must be those that were written.

        Raises:
            ValueError: there is no record, it is of another kind, or it is damaged; a file is not
                the one that was written; or their file system needs the extra `io`.
        """
        path = join(os.fspath(directory), self.record)
        filesystems.require(path)
        kinds = self.kinds if kind is None else (kind,)
        try:
            record: dict[str, Any] = json.loads(_text(path))
            record["kind"] = record.get("kind", self.kinds[0])
            contents = dict(record.pop(_CONTENTS, {}))
            for name in contents:
                path_inside(name)
            if record["kind"] not in kinds:
                raise ValueError(f"kind must be {' or '.join(kinds)}; it is {record['kind']!r}")
            record |= {name: value(record[name]) for name, value in self.values.items()}
            for name, value in self.optional.items():
                given = record.get(name)
                record[name] = None if given is None else value(given)
        except (FileNotFoundError, NotADirectoryError):
            raise ValueError(
                f"{directory} holds no {self.record}: {self.maker} has not finished there"
            ) from None
        except KeyError as error:
            raise ValueError(f"{path}: not the record of {self.what}: it lacks {error}") from None
        except (ValueError, TypeError, AttributeError, OverflowError, RecursionError) as error:
            raise ValueError(f"{path}: not the record of {self.what}: {error}") from error
        for name, written in contents.items() if check_files else ():
            if (found := _content(directory, name)) != written:
                raise ValueError(
                    f"{join(os.fspath(directory), name)} is not what {self.maker} wrote there: it "
                    + ("is missing" if found is None else f"has {found}, and had {written}")
                )
        return record

    @contextlib.contextmanager
    def opening(self, directory: str | os.PathLike[str]) -> Iterator[None]:
        """Says of a `ValueError` of its block, as arrays do not fit together, where they are."""
        try:
            yield
        except ValueError as error:
            if os.fspath(directory) in str(error):
                raise
            raise ValueError(f"{directory} holds {self.what}, damaged: {error}") from error


def _content(directory: str | os.PathLike[str], name: str) -> str | None:
    """The size of a file and a checksum of both its ends; `None` where there is no such file."""
    path = Path(directory, name)
    if not path.is_file():
        return None
    size = path.stat().st_size
    with path.open("rb") as file:
        checksum = zlib.crc32(file.read(_END_BYTES))
        file.seek(max(size - _END_BYTES, 0))
        checksum = zlib.crc32(file.read(), checksum)
    return f"{size} bytes with the checksum {checksum:08x}"


def write_array(directory: str | os.PathLike[str], name: str, array: np.ndarray) -> None:
    """Writes `NAME.npy` in a local directory, whole or not at all."""
    with whole_file(Path(directory, f"{name}.npy")) as file:
        np.save(file, array)


@contextlib.contextmanager
def array_file(
    directory: str | os.PathLike[str],
    name: str,
    dtype: str | type[np.generic],
    width: int | None = None,
) -> Iterator[Callable[[np.ndarray], None]]:
    """Gives a function that appends blocks to `NAME.npy`, which appears whole or not at all.

    The array has the shape `(n,)`, or `(n, width)` where a width is given; n need not be known.
    """
    kept = np.dtype(dtype)
    row = () if width is None else (width,)
    length = 0
    with whole_file(Path(directory, f"{name}.npy")) as file:

        def write_header() -> None:
            header = {"descr": kept.str, "fortran_order": False, "shape": (length, *row)}
            np.lib.format.write_array_header_1_0(file, header)

        def append(block: np.ndarray) -> None:
            nonlocal length
            file.write(np.ascontiguousarray(block, kept).data)
            length += len(block)

        write_header()
        yield append
        file.seek(0)
        write_header()  # NumPy leaves room for any length


def read_array(
    directory: str | os.PathLike[str],
    name: str,
    dtypes: type[np.generic] | tuple[type[np.generic], ...],
    shape: tuple[int, ...] | None = None,
) -> np.ndarray:
    """The array of `NAME.npy` in a directory, memory-mapped; of one axis unless a shape is given.

    Raises:
        ValueError: it cannot be read, has none of the types or another shape.
    """
    path = Path(directory, f"{name}.npy")
    try:
        # np.asarray: indexing a memmap object costs more than indexing a plain view of it
        array = np.asarray(np.load(path, mmap_mode="r", allow_pickle=False))
    except DAMAGED_ARRAY as error:
        raise ValueError(f"{path} cannot be read: {error}") from error
    dtypes = dtypes if isinstance(dtypes, tuple) else (dtypes,)
    has_shape = array.ndim == 1 if shape is None else array.shape == shape
    if not has_shape or not any(np.issubdtype(array.dtype, dtype) for dtype in dtypes):
        names = " or ".join(dtype.__name__ for dtype in dtypes)
        wanted = "one axis" if shape is None else f"the shape {shape}"
        raise ValueError(
            f"{path} must be {names} of {wanted}; it is {array.dtype} of {array.shape}"
        )
    return array


def optional_int(value: Any) -> int | None:
    """A number of a record that may be absent."""
    return None if value is None else int(value)


def path_inside(value: Any) -> str:
    """A path of a record, relative and with `/`, that stays in the directory of the record.

    Raises:
        ValueError: it is none.
    """
    path = PurePosixPath(value) if isinstance(value, str) and "\\" not in value else None
    if path is None or path.is_absolute() or ".." in path.parts or not path.parts:
        raise ValueError(f"{value!r} must be the path of a file in the directory")
    return str(path)


def _text(path: str) -> str:
    """The text of a file.

    Raises:
        FileNotFoundError: there is none.
    """
    if not filesystems.scheme(path):
        return Path(path).read_text("utf-8")
    import tensorflow as tf

    if not tf.io.gfile.exists(path):
        raise FileNotFoundError(path)
    with tf.io.gfile.GFile(path) as file:
        return str(file.read())
