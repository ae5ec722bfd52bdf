"""What feature tables and frame tables have in common, in memory and in their directories.

features.json   kind of the table, names and sizes of the features, number of videos; written last
ids*.npy        the video ids by row, see `VideoIds.arrays`
"""

from abc import ABC, abstractmethod
from collections.abc import Sequence
from typing import Any, TypeVar

import numpy as np

from yt8m_models import __version__
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.storage.artifact_dir import ArtifactDir

Kind = TypeVar("Kind", str, int)
VIDEO, FRAME = "video", "frame"


def _some(values: Any, kind: type[Kind]) -> tuple[Kind, ...]:
    """The values of a list of the record, which must have any."""
    if not isinstance(values, list) or not values:
        raise ValueError(f"names and sizes must be lists of one feature or more; one is {values!r}")
    return tuple(map(kind, values))


TABLE = ArtifactDir(
    "features.json",
    (VIDEO, FRAME),
    "features",
    "yt8m build-features",
    __version__,
    {
        "names": lambda names: _some(names, str),
        "sizes": lambda sizes: _some(sizes, int),
        "num_videos": int,
    },
)


class Table(ABC):
    """Features of many videos, to be read at random.

    Attributes:
        ids: the video of each row.
        names: of the features.
        sizes: of the features.
    """

    def __init__(self, ids: VideoIds, names: Sequence[str], sizes: Sequence[int]) -> None:
        self.ids = ids
        self.names = tuple(names)
        self.sizes = tuple(sizes)

    @property
    def num_features(self) -> int:
        """The sum of the sizes."""
        return sum(self.sizes)

    def __len__(self) -> int:
        return len(self.ids)

    @abstractmethod
    def inputs(self, rows: np.ndarray) -> dict[str, np.ndarray]:
        """The input of a model for rows `(n,)`: `video_matrix`, and what else it takes.

        Raises:
            ValueError: a row is not in the table.
        """

    @abstractmethod
    def take(self, rows: np.ndarray) -> np.ndarray:
        """The features of rows `(n,)`, of frames their mean, float32 `(n, num_features)`.

        Raises:
            ValueError: a row is not in the table.
        """

    @abstractmethod
    def select(self, names: Sequence[str]) -> "Table":
        """The same videos with some of the features, in the order of `names`; nothing is copied.

        Raises:
            ValueError: no name is given, one is given twice or not in the table.
        """

    def _places(self, names: Sequence[str]) -> list[int]:
        """The places of features by name; errors as of `select`."""
        missing = [name for name in names if name not in self.names]
        if missing or not names or len(set(names)) < len(names):
            raise ValueError(
                f"features must be some of {', '.join(self.names)}, each once; received "
                f"{', '.join(names) if names else 'none'}"
            )
        return [self.names.index(name) for name in names]
