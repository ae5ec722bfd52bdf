"""Changing the index in a directory: videos that come and go, and shards that become one."""

import contextlib
import itertools
import logging
import os
import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np

from yt8m_models.data.packed_ids import BLOCK, PackedIds
from yt8m_models.data.video_ids import UNKNOWN, VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.embedding.embeddings_writer import EMBEDDINGS
from yt8m_models.retrieval.index import Index
from yt8m_models.retrieval.index_dir import HERE, INDEX, shard_name, suffix_of
from yt8m_models.retrieval.segment import LISTS, Segment
from yt8m_models.storage.file_lock import lock_file
from yt8m_models.storage.whole_file import finished_name

_LOGGER = logging.getLogger(__name__)
_SHARD = re.compile(r"shard-(\d{5,})")
_OF_UPDATES = re.compile(r"(ids(_\d+)?(_ends|_hashes|_rows)?|removed(_\d+)?)\.npy")
_OF_VECTORS = ("vectors.npy", "codes.npy", "values.npy", LISTS)


def update_index(
    directory: str | os.PathLike[str],
    embeddings: Embeddings | None = None,
    remove: Sequence[bytes | str] | np.ndarray = (),
    on_video: Callable[[int], None] = lambda count: None,
) -> Index:
    """Removes videos from the index in a directory, adds others, and opens it.

    What is stored stays. New videos become one more shard, with the quantiser and the cells of the
    index; removed ones are passed over by their numbers, until `compact_index` leaves them out. A
    video that is there already is replaced. Rows are those of the videos that are left, in their
    order, and then of the new ones.

    The record is replaced last. Until then the files of the new state have names of their own, so
    that a process that is killed leaves either state, whole.

    Args:
        directory: of the index.
        embeddings: of new videos, by the model of the index; none unless given.
        remove: ids of videos that go, before others come; those that are not there are passed over.
        on_video: receives the number of videos of each batch of new ones that is done, twice for
            each where there are lists.

    Raises:
        ValueError: as of `Index.load`; the embeddings are of another model, or one is not finite;
            no video would be left; or another process changes the index.
    """
    with _alone(directory) as change:
        index = change.index
        gone = index.ids.rows(remove)
        if num_unknown := int(np.count_nonzero(gone == UNKNOWN)):
            message = "%s of the %s videos to remove are not in the index"
            _LOGGER.warning(message, f"{num_unknown:,}", f"{len(gone):,}")
        if embeddings is not None:
            if (embeddings.model, embeddings.size) != (index.model, index.size):
                raise ValueError(
                    f"the index in {directory} is of the model {index.model}, width {index.size}, "
                    f"and the embeddings are of {embeddings.model}, width {embeddings.size}"
                )
            gone = np.concatenate([gone, index.ids.rows(embeddings.ids)])
        left = np.ones(len(index), bool)
        left[gone[gone != UNKNOWN]] = False
        if not (embeddings or left.any()):  # embeddings of no videos are false, as none are
            raise ValueError(f"no video would be left of the index in {directory}")
        ends = np.cumsum([len(segment) for segment in index.segments]).tolist()
        segments = [
            _without(segment, np.flatnonzero(~left[end - len(segment) : end]))
            for segment, end in zip(index.segments, ends, strict=True)
        ]
        ids, names = _ids(index.ids, np.flatnonzero(left)), change.names
        if embeddings:
            ids = itertools.chain(ids, embeddings.ids.blocks())
            (path,), names = change.new_shards(1)
            segment = index.segment_of(embeddings, path, on_video)
            Index(embeddings.ids, index.model, [segment]).finish(path)
            segments.append(segment)
        kept = index.probes, index.recall_curve
        change.finish(Index(VideoIds(PackedIds.pack(ids)), index.model, segments, *kept), names)
    return Index.load(directory)


def compact_index(directory: str | os.PathLike[str], num_shards: int = 1) -> Index:
    """Makes one shard, or several of equal size, of all that an index has, and opens it.

    Removed videos are left out. Vectors, codes and cells are copied as they are; fitting them anew
    to what the index has become takes a new index. It is as safe as `update_index`, and needs the
    room of both states meanwhile.

    Args:
        directory: of the index.
        num_shards: how many.

    Raises:
        ValueError: as of `Index.load`; there are fewer videos than shards; or another process
            changes the index.
    """
    with _alone(directory) as change:
        if not 1 <= num_shards <= len(change.index):
            raise ValueError(
                f"num_shards must be 1 to {len(change.index)}, the number of videos; "
                f"received {num_shards}"
            )
        paths, names = change.new_shards(num_shards)
        merged = change.index.merged(paths)
        for shard, path in zip(merged.shards(), paths, strict=True):
            shard.finish(path)
        change.finish(merged, names[-num_shards:])
    return Index.load(directory)


class _Change:
    """A change of the index in a directory, which no other process changes meanwhile.

    Attributes:
        index: as it is.
        names: of its shards.
    """

    def __init__(self, directory: Path) -> None:
        self.index = Index.load(directory)
        self._directory = directory
        record = INDEX.read(directory, check_files=False)
        self._update = record["update"]
        self.names = [HERE] if record["shards"] is None else [s.path for s in record["shards"]]
        self._clean()

    def new_shards(self, count: int) -> tuple[list[Path], list[str]]:
        """Directories for more shards, and the names of all."""
        numbers = [int(found[1]) for name in self.names if (found := _SHARD.fullmatch(name))]
        first = max(numbers, default=-1) + 1
        names = [shard_name(number) for number in range(first, first + count)]
        return [INDEX.prepare(self._directory / name) for name in names], [*self.names, *names]

    def finish(self, index: Index, names: Sequence[str]) -> None:
        """Puts an index of shards of these names in the place of the one that was there."""
        self._update = 1 if self._update is None else self._update + 1
        index.finish(self._directory, names, self._update)
        self.names = list(names)
        self._clean()

    def _clean(self) -> None:
        """Deletes what belongs to states before, and to changes that were killed."""
        suffix = suffix_of(self._update)
        names = (*VideoIds.array_names(f"ids{suffix}"), f"removed{suffix}")
        kept = {f"{name}.npy" for name in names}
        kept.update(_OF_VECTORS if HERE in self.names else ())
        for path in self._directory.iterdir():
            name = finished_name(path.name)
            if _SHARD.fullmatch(name) and name not in self.names:
                shutil.rmtree(path)
            elif name != path.name or (
                name not in kept and (_OF_UPDATES.fullmatch(name) or name in _OF_VECTORS)
            ):
                path.unlink()


@contextlib.contextmanager
def _alone(directory: str | os.PathLike[str]) -> Iterator[_Change]:
    path = Path(directory)
    INDEX.read(path, check_files=False)
    if EMBEDDINGS.is_in(path):  # whose `ids.npy` may be the same file
        raise ValueError(
            f"{directory} holds embeddings too: build the index in a directory of its own"
        )
    with (path / ".lock").open("w") as file:
        if not lock_file(file, wait=False):
            raise ValueError(f"another process changes the index in {directory}")
        yield _Change(path)


def _ids(ids: VideoIds, rows: np.ndarray) -> Iterator[np.ndarray]:
    """The ids of rows, some at a time."""
    for start in range(0, len(rows), BLOCK):
        yield ids[rows[start : start + BLOCK]]


def _without(segment: Segment, rows: np.ndarray) -> Segment:
    removed = np.union1d(segment.removed, segment.stored_rows(rows))
    return Segment(segment.stored, segment.lists, removed)
