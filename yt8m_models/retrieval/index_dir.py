"""The directories of indices, and what their records say."""

from dataclasses import dataclass
from typing import Any

from yt8m_models import __version__
from yt8m_models.retrieval.quantizer import BITS
from yt8m_models.storage.artifact_dir import ArtifactDir, path_inside

HERE = "."


@dataclass(frozen=True)
class Shard:
    """A directory of vectors in that of an index.

    Attributes:
        path: of the directory, from that of the index; `HERE` where it is that.
        count: vectors that are stored there, with those of removed videos.
    """

    path: str
    count: int


@dataclass(frozen=True)
class Probed:
    """What approximate search finds with so many probes, and what it takes.

    Attributes:
        probes: cells that a query visits.
        recall: the share of the best videos of all that are found.
        ms: milliseconds a query.
    """

    probes: int
    recall: float
    ms: float


def _bits(value: Any) -> int | None:
    if value is not None and value not in BITS:
        raise ValueError(f"bits must be 2, 4, 8 or null; it is {value!r}")
    return int(value) if value is not None else None


def _shards(value: Any) -> list[Shard]:
    shards = [Shard(str(each["path"]), _natural(each["count"])) for each in value]
    for shard in shards:
        if shard.path != HERE and "/" in path_inside(shard.path):
            raise ValueError(f"the path of a shard must be a name; it is {shard.path!r}")
    if not shards:
        raise ValueError("shards must be one at least")
    return shards


def _curve(value: Any) -> list[Probed]:
    return [
        Probed(_natural(each["probes"]), float(each["recall"]), float(each["ms"])) for each in value
    ]


def _natural(value: Any) -> int:
    if type(value) is not int or value < 1:
        raise ValueError(f"a count must be a whole number, at least 1; it is {value!r}")
    return value


INDEX = ArtifactDir(
    "index.json",
    ("index",),
    "an index",
    "yt8m build-index",
    __version__,
    {"model": str, "size": int, "count": int, "bits": _bits, "approximate": bool},
    {"shards": _shards, "update": _natural, "probes": _natural, "recall_curve": _curve},
)


def shard_name(number: int) -> str:
    """The directory of a shard in that of its index."""
    return f"shard-{number:05d}"


def suffix_of(update: int | None) -> str:
    """What the names of ids end in after an update of an index."""
    return "" if update is None else f"_{update}"
