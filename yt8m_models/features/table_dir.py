"""What the directories of feature and frame tables have in common.

features.json   kind of the table, names and sizes of the features, number of videos; written last
ids.npy         the video ids by row, bytes
"""

from collections.abc import Sequence

from yt8m_models import __version__
from yt8m_models.storage.artifact_dir import ArtifactDir

VIDEO, FRAME = "video", "frame"
TABLE = ArtifactDir(
    "features.json",
    (VIDEO, FRAME),
    "features",
    "yt8m build-features",
    __version__,
    {
        "names": lambda names: tuple(map(str, names)),
        "sizes": lambda sizes: tuple(map(int, sizes)),
        "num_videos": int,
    },
)


def selected(names: Sequence[str], available: Sequence[str]) -> list[int]:
    """The places of features, by name.

    Raises:
        ValueError: no name is given, one is given twice or not there.
    """
    missing = [name for name in names if name not in available]
    if missing or not names or len(set(names)) < len(names):
        raise ValueError(
            f"features must be some of {', '.join(available)}, each once; received "
            f"{', '.join(names) if names else 'none'}"
        )
    return [list(available).index(name) for name in names]
