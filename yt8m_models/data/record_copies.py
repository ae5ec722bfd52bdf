"""Copies of record files, made file by file, so that an interrupted run goes on."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.patterns import match_files
from yt8m_models.data.record_reader import BadRecord
from yt8m_models.storage import filesystems
from yt8m_models.storage.whole_file import join, write_text

_SECONDS = 5.0


@dataclass(frozen=True)
class Copied:
    """An input file that is done.

    Attributes:
        bytes: its size.
        counts: what was counted in it, by name.
        bad: records that were left out.
    """

    bytes: int
    counts: Mapping[str, int]
    bad: list[BadRecord]


class RecordCopies:
    """Files of records that are copied, changed or not, to files of the same names.

    `<work>.json` in the output directory notes the settings and the files that are done.

    Args:
        pattern: the input, as of `match_files`.
        output_dir: receives the copies; may be remote.
        work: what is done, in a word that names the JSON file, such as `split`.
        entries: what that file calls its entries.
        settings: those of an earlier run in the directory must be the same.
        max_bad_records: how many records may be left out.
        parts: directories in `output_dir` for the copies; the directory itself unless given.
        name_of: gives the name of a copy by that of its file, which it has unless given.

    Attributes:
        files: the input, by the names that it has in the output.
        done: the files that are copied, by name.
        ledger: the bad records.

    Raises:
        ValueError: two files have one name, the directory has other files of these names or was
            written with other settings, or an input has changed since.
        OSError: the directory cannot be written.
    """

    def __init__(
        self,
        pattern: str,
        output_dir: str,
        work: str,
        entries: str,
        settings: Mapping[str, Any],
        max_bad_records: int,
        parts: Sequence[str] = ("",),
        name_of: Callable[[str], str] = str,
    ) -> None:
        self.output_dir = output_dir
        self.work = work
        self.entries = entries
        self.settings = dict(settings)
        self.parts = parts
        self._manifest = join(output_dir, f"{work}.json")
        self.files = self._by_name(match_files(pattern, "input_data_pattern"), name_of)
        self.done: dict[str, Copied] = {}
        self.ledger = Ledger(max_bad_records)
        filesystems.require(output_dir)
        with self._writing():
            self._prepare()

    def targets(self, name: str) -> list[str]:
        """Where the copies of a file go, one for each part."""
        return [join(self.output_dir, *filter(None, (part, name))) for part in self.parts]

    def copy(self, copy_file: Callable[[str, str], Mapping[str, int]]) -> None:
        """Calls `copy_file(name, path)`, which gives what it counted, for each file not done yet.

        Raises:
            OSError: a file cannot be written.
        """
        try:
            with self._writing():
                for name in [name for name in self.files if name not in self.done]:
                    num_bad = len(self.ledger.bad)
                    counts = copy_file(name, self.files[name])
                    self.done[name] = Copied(self.size(name), counts, self.ledger.bad[num_bad:])
                    if time.monotonic() - self._written_at > _SECONDS:
                        self._write()
        finally:
            self._write()

    def total(self, count: str) -> int:
        """A count over all files of the input."""
        return sum(self.done[name].counts[count] for name in self.files if name in self.done)

    def size(self, name: str) -> int:
        """The bytes of a file of the input."""
        return int(tf.io.gfile.stat(self.files[name]).length)

    def _by_name(self, paths: Sequence[str], name_of: Callable[[str], str]) -> dict[str, str]:
        files: dict[str, str] = {}
        for path in paths:
            name = name_of(os.path.basename(path))
            if name in files:
                raise ValueError(
                    f"--input_data_pattern: {files[name]} and {path} would have one name in the "
                    "output"
                )
            files[name] = path
        return files

    def _prepare(self) -> None:
        for part in self.parts:
            tf.io.gfile.makedirs(join(self.output_dir, part) if part else self.output_dir)
        if tf.io.gfile.exists(self._manifest):
            self._read()
        else:
            for target in (target for name in self.files for target in self.targets(name)):
                if tf.io.gfile.exists(target):
                    raise ValueError(
                        f"--output_dir={self.output_dir} already has {target}, and no "
                        f"{self.work}.json; choose another directory"
                    )
        self._write()

    def _read(self) -> None:
        try:
            with tf.io.gfile.GFile(self._manifest) as file:
                record = json.load(file)
            for name, entry in record.pop(self.entries).items():
                bad = [BadRecord(*each) for each in entry.pop("bad")]
                self.done[name] = Copied(entry.pop("bytes"), entry, bad)
            found = {name: record.get(name) for name in self.settings}
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise ValueError(
                f"{self._manifest} is not the record of a {self.work}: {error!r}"
            ) from None
        for name, value in self.settings.items():
            if found[name] != value:
                raise ValueError(
                    f"{self._manifest} is of a {self.work} with {name} {found[name]}, not {value}; "
                    "choose another --output_dir"
                )
        for name in self.files.keys() & self.done.keys():
            if self.size(name) != self.done[name].bytes:
                raise ValueError(
                    f"{self.files[name]} has {self.size(name)} bytes, and had "
                    f"{self.done[name].bytes} when it was copied; choose another "
                    "--output_dir"
                )
            for record in self.done[name].bad:
                self.ledger.add_bad(record)

    def _write(self) -> None:
        entries = {
            name: {"bytes": each.bytes, **each.counts, "bad": each.bad}
            for name, each in sorted(self.done.items())
        }
        write_text(
            self._manifest, json.dumps({**self.settings, self.entries: entries}, indent=1) + "\n"
        )
        self._written_at = time.monotonic()

    @contextlib.contextmanager
    def _writing(self) -> Iterator[None]:
        try:
            yield
        except tf.errors.OpError as error:
            raise OSError(
                f"cannot write to --output_dir={self.output_dir}: {error.message}"
            ) from None
