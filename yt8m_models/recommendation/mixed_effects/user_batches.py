"""The events of many users as padded batches."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

_MOST_OVER_LEAST = 1.25
_LEAST_ELEMENTS = 1 << 18
_BLOCK_ROWS = 1 << 14


@dataclass(frozen=True)
class UserBatch:
    """The events of some users, padded to the largest number of them.

    Attributes:
        users: which, `(b,)`.
        designs: 1 and the embedding of each event's video, float64 `(b, n, 1 + d)`; 0 in padding.
        labels: 0 or 1, `(b, n)`; 0 in padding.
        is_event: false in padding, `(b, n)`.
    """

    users: np.ndarray
    designs: np.ndarray
    labels: np.ndarray
    is_event: np.ndarray


class UserBatches:
    """Cuts users into batches of about equally many events, so that little is padded.

    Args:
        vectors: embeddings of the videos `(m, d)`.
        offsets: the events of user u are those from `offsets[u]` to `offsets[u + 1]`.
        video_rows: the video of each event, a row of `vectors`.
        labels: of each event, 0 or 1.
        max_elements: numbers in the designs of a batch; a user with more events than that has a
            batch alone. Unless given, enough to be worth the `(1 + d, 1 + d)` matrix that comes
            from each batch.

    Raises:
        ValueError: a user has no event, a label is not 0 or 1, or a vector is not finite.
    """

    def __init__(
        self,
        vectors: np.ndarray,
        offsets: np.ndarray,
        video_rows: np.ndarray,
        labels: np.ndarray,
        max_elements: int | None = None,
    ) -> None:
        if np.diff(offsets).min(initial=1) < 1:
            raise ValueError(f"user {np.diff(offsets).argmin()} has no event; each must have one")
        # They may be larger than memory: what is made of all of them at once would not be mapped.
        for start in range(0, len(labels), _BLOCK_ROWS):
            block = labels[start : start + _BLOCK_ROWS]
            if not np.isin(block, (0, 1)).all():
                raise ValueError(f"labels must be 0 or 1; received {np.unique(block)[:5]}")
        for start in range(0, len(vectors), _BLOCK_ROWS):
            is_finite = np.isfinite(vectors[start : start + _BLOCK_ROWS]).all(axis=1)
            if not is_finite.all():
                row = start + int(is_finite.argmin())
                raise ValueError(f"vectors must be finite; that of row {row} is not")
        self.vectors = vectors
        self.offsets = offsets
        self.video_rows = video_rows
        self.labels = labels
        self.size = 1 + vectors.shape[1]
        if max_elements is None:
            max_elements = max(_LEAST_ELEMENTS, 4 * self.size**2)
        self._groups = list(groups_of_like_size(np.diff(offsets), max_elements // self.size))

    def __len__(self) -> int:
        return len(self._groups)

    def __getitem__(self, number: int) -> UserBatch:
        users = self._groups[number]
        starts, counts = self.offsets[users], np.diff(self.offsets)[users]
        places = np.arange(counts.max())
        is_event = places < counts[:, None]
        events = np.where(is_event, starts[:, None] + places, 0)
        designs = np.empty((*events.shape, self.size))
        designs[..., 0] = 1
        designs[..., 1:] = self.vectors[self.video_rows[events]]
        designs[~is_event] = 0
        return UserBatch(users, designs, np.where(is_event, self.labels[events], 0.0), is_event)


def groups_of_like_size(counts: np.ndarray, max_places: int) -> Iterator[np.ndarray]:
    """Cuts users into groups with about equally many events each.

    Args:
        counts: events of each user `(users,)`.
        max_places: most users of a group times its largest count, where it has two users or more.

    Yields:
        Users, by rising count; in a table as wide as the largest count of the group, at most a
        fifth is padding.
    """
    order = np.argsort(counts, kind="stable")
    ordered = counts[order]
    start = 0
    while start < len(order):
        stop = int(np.searchsorted(ordered, ordered[start] * _MOST_OVER_LEAST, side="right"))
        largest = max(int(ordered[stop - 1]), 1)
        stop = min(stop, start + max(1, max_places // largest))
        yield order[start:stop]
        start = stop
