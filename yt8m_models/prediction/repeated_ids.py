"""The ids that come more than once among very many."""

import contextlib
import pickle
import tempfile
import zlib
from collections.abc import Iterable, Iterator
from typing import IO

_MOST_IN_MEMORY = 1 << 18
_NUM_PARTS = 64


class RepeatedIds:
    """Collects ids, and says in the end how many different ones came more than once.

        repeated = RepeatedIds()
        repeated.add([b"a", b"b"])
        repeated.add([b"a"])
        repeated.find()  # (1, b"a")

    Some 260,000 are held in memory. More are dealt out to temporary files by a hash, all of one id
    to the same file, and of those one is in memory at a time.

    Args:
        most_in_memory: how many are held.
    """

    def __init__(self, most_in_memory: int = _MOST_IN_MEMORY) -> None:
        self.most_in_memory = most_in_memory
        self._held: list[bytes] = []
        self._files: list[IO[bytes]] = []

    def add(self, ids: Iterable[bytes]) -> None:
        """Adds ids."""
        self._held += ids
        if len(self._held) > self.most_in_memory:
            self._deal_out()

    def find(self) -> tuple[int, bytes | None]:
        """How many ids came more than once, and one of them; the files are gone afterwards."""
        count, example = 0, None
        with contextlib.ExitStack() as closing:
            if self._files:
                self._deal_out()
            for file in self._files:
                closing.enter_context(file)
            for part in map(_read, self._files) if self._files else [iter([self._held])]:
                seen: set[bytes] = set()
                repeated: set[bytes] = set()
                for ids in part:
                    for video_id in ids:
                        (repeated if video_id in seen else seen).add(video_id)
                count += len(repeated)
                example = min(repeated, default=None) if example is None else example
        return count, example

    def complaint(self) -> str | None:
        """What to say of ids that came more than once, if there are any; instead of `find`."""
        count, example = self.find()
        if example is None:
            return None
        return (
            f"{count:,} ids came more than once, such as {example.decode(errors='replace')!r}; "
            "Kaggle, yt8m ensemble and yt8m score refuse a submission with a video twice"
        )

    def _deal_out(self) -> None:
        if not self._files:
            self._files = [tempfile.TemporaryFile(prefix="yt8m-ids-") for _ in range(_NUM_PARTS)]  # noqa: SIM115
        parts: list[list[bytes]] = [[] for _ in self._files]
        for video_id in self._held:
            parts[zlib.crc32(video_id) % _NUM_PARTS].append(video_id)
        for file, ids in zip(self._files, parts, strict=True):
            pickle.dump(ids, file, protocol=5)
        self._held = []


def _read(file: IO[bytes]) -> Iterator[list[bytes]]:
    """The lists of ids in a file."""
    file.seek(0)
    with contextlib.suppress(EOFError):
        while True:
            yield pickle.load(file)
