"""One feature of records or of arrays, in blocks of rows."""

from collections.abc import Iterator, Mapping

import numpy as np
import tensorflow as tf

from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.quantization import dequantize
from yt8m_models.data.record_reader import BadRecord, read_records
from yt8m_models.extraction.frame_features import frames_of, parse_sequence
from yt8m_models.extraction.quantization import require_finite
from yt8m_models.storage.artifact_dir import DAMAGED_ARRAY

_ROWS = 1024
_ARRAY = ".npy"


class FeatureRows:
    """Reads a feature, of whatever width the first row has.

    Args:
        feature_name: of records: a feature list or a video-level feature.
        ledger: takes the bad records.

    Attributes:
        size: how wide the rows are; 0 before the first.
    """

    def __init__(self, feature_name: str, ledger: Ledger) -> None:
        self.feature_name = feature_name
        self.ledger = ledger
        self.size = 0

    def blocks(self, path: str, start: int = 0) -> Iterator[tuple[np.ndarray, int]]:
        """Yields rows `(n, size)` of a file, float32, and where the next block starts.

        Args:
            path: an `.npy`, or else a file of records.
            start: begin at this record, or at this row of an array.

        Raises:
            ValueError: the file cannot be read; there are more bad records than the ledger takes;
                or rows of an array are not as wide as those before, or not finite.
        """
        return (
            self._of_array(path, start) if path.endswith(_ARRAY) else self._of_records(path, start)
        )

    def _of_array(self, path: str, start: int) -> Iterator[tuple[np.ndarray, int]]:
        try:
            array = np.load(path, mmap_mode="r", allow_pickle=False)
        except DAMAGED_ARRAY as error:
            raise ValueError(f"{path} cannot be read: {error}") from None
        if array.ndim != 2 or not np.issubdtype(array.dtype, np.floating):
            raise ValueError(
                f"{path} must have floats of the shape (n, size); it is {array.dtype} of "
                f"{array.shape}"
            )
        for first in range(start, len(array), _ROWS):
            rows = np.asarray(array[first : first + _ROWS], np.float32)
            try:
                self._check(rows, f"the block from row {first} on")
            except ValueError as error:
                raise ValueError(f"{path}: {error}") from None
            yield rows, first + len(rows)

    def _of_records(self, path: str, start: int) -> Iterator[tuple[np.ndarray, int]]:
        block: list[np.ndarray] = []
        number = start - 1
        for number, content in read_records(path):
            if number < start:
                continue
            if isinstance(content, BadRecord):
                self.ledger.add_bad(content)
                continue
            try:
                rows = self._rows(content)
            except ValueError as error:
                self.ledger.add_bad(BadRecord(path, number, str(error)))
                continue
            if len(rows):
                block.append(rows)
            if sum(map(len, block)) >= _ROWS:
                yield np.concatenate(block), number + 1
                block = []
        if block:
            yield np.concatenate(block), number + 1

    def _rows(self, content: bytes) -> np.ndarray:
        """The rows of a record."""
        example = parse_sequence(content)
        lists, context = example.feature_lists.feature_list, example.context.feature
        name = self.feature_name
        if name in lists:
            rows = frames_of(lists, name)
            if rows.dtype == np.uint8:
                rows = dequantize(rows)
        elif name in context and context[name].HasField("float_list"):
            rows = np.array(context[name].float_list.value, np.float32)[None]
        else:
            raise ValueError(
                f"there is no feature list {name!r} and no feature of that name with floats; there "
                f"are the lists {_names(lists)} and the features {_names(context)} (--feature_name)"
            )
        if len(rows):
            self._check(rows, f"feature {name!r}")
        return rows

    def _check(self, rows: np.ndarray, what: str) -> None:
        """Refuses rows that are not as wide as those before, or not finite."""
        self.size = self.size or rows.shape[1]
        if rows.shape[1] != self.size:
            raise ValueError(f"{what} has {rows.shape[1]} values a row, and before {self.size}")
        require_finite(rows, what)


def _names(features: Mapping[str, tf.train.FeatureList | tf.train.Feature]) -> str:
    return ", ".join(sorted(features)) if features else "none"
