"""The page of an extraction."""

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from yt8m_models.data.extraction_record import MANIFEST
from yt8m_models.report.cards import Card, Cards, Score
from yt8m_models.report.facts import Facts
from yt8m_models.report.page import Page
from yt8m_models.report.section import Block, Section
from yt8m_models.report.settings_table import settings_table
from yt8m_models.report.table import Table
from yt8m_models.report.thumbnails import Thumbnails
from yt8m_models.storage import filesystems
from yt8m_models.storage.result_file import read_result
from yt8m_models.storage.whole_file import join

_MOST_PICTURES = 240
_MOST_ROWS = 2000
_CLIPPED = 0.01


class _Video(NamedTuple):
    """What the manifest says of a video."""

    id: str
    path: str
    shard: str
    num_frames: int
    has_sound: bool
    damaged_packets: int
    clipped: Mapping[str, float]


class _Failure(NamedTuple):
    """A video that could not be read."""

    id: str
    path: str
    reason: str


class _Manifest(NamedTuple):
    """What the page needs of it."""

    settings: Mapping[str, Any]
    is_finished: bool
    videos: Sequence[_Video]
    failures: Sequence[_Failure]


def extraction_page(directory: str, thumbnails: str) -> Page:
    """The page of a directory that `yt8m extract` has written.

    Args:
        directory: with `manifest.json`.
        thumbnails: of the pictures; `thumbnails` in the directory unless given.

    Raises:
        ValueError: the directory has no `manifest.json`, or it is damaged.
        OSError: it cannot be read.
    """
    filesystems.require(directory)
    manifest = read_result(join(directory, MANIFEST), _parsed, "the manifest of an extraction")
    if manifest is None:
        raise ValueError(f"no {MANIFEST} in --extraction_dir={directory}")
    pictures = Thumbnails(thumbnails or join(directory, "thumbnails"), width=240)
    note = "" if manifest.is_finished else "This extraction has not finished."
    sections = [
        Section("Summary", [_summary(manifest)], note),
        Section("Failures", _failures(manifest.failures), _cut(manifest.failures)),
        _contact_sheet(manifest.videos, pictures),
        Section("Videos", _videos(manifest.videos), _cut(manifest.videos)),
        Section("Settings", [settings_table(manifest.settings)]),
    ]
    return Page("Extraction", directory.rstrip("/").rpartition("/")[2], directory, sections)


def _parsed(record: Mapping[str, Any]) -> _Manifest:
    return _Manifest(
        dict(record["settings"]),
        bool(record["is_finished"]),
        [_Video(*(video[name] for name in _Video._fields)) for video in record["videos"]],
        [_Failure(*(each[name] for name in _Failure._fields)) for each in record["failures"]],
    )


def _summary(manifest: _Manifest) -> Facts:
    videos = manifest.videos
    num_shards = len({video.shard for video in videos})
    frames = sum(video.num_frames for video in videos)
    facts: list[tuple[str, str] | tuple[str, str, str]] = [
        ("Videos", f"{len(videos):,}", f"in {_count(num_shards, 'file')}"),
        ("Failures", f"{len(manifest.failures):,}"),
        ("Frames", f"{frames:,}", f"{frames / max(len(videos), 1):,.1f} a video"),
        ("Without sound", f"{sum(not video.has_sound for video in videos):,}"),
    ]
    for name in dict.fromkeys(name for video in videos for name in video.clipped):
        share = sum(video.clipped.get(name, 0.0) * video.num_frames for video in videos)
        facts.append((f"Clipped, {name}", f"{share / max(frames, 1):.2%}", "of the values"))
    return Facts(facts)


def _count(number: int, name: str) -> str:
    return f"{number:,} {name}" + "s" * (number != 1)


def _failures(failures: Sequence[_Failure]) -> list[Block]:
    if not failures:
        return []
    header = ("video", "file", "reason")
    return [
        Table(
            "Videos that could not be read", header, [list(each) for each in failures[:_MOST_ROWS]]
        )
    ]


def _contact_sheet(videos: Sequence[_Video], thumbnails: Thumbnails) -> Section:
    """The first videos that have a picture."""
    cards: list[Card] = []
    for video in videos:
        if len(cards) == _MOST_PICTURES:
            break
        if picture := thumbnails.of(video.id):
            cards.append(Card(video.id, "", picture, [Score("frames", f"{video.num_frames:,}")]))
    remarks = [thumbnails.remarks]
    if len(cards) == _MOST_PICTURES:
        remarks.insert(0, f"The first {_MOST_PICTURES} videos.")
    blocks: list[Block] = [Cards("One picture a video", cards, True)] if cards else []
    return Section("Contact sheet", blocks, " ".join(filter(None, remarks)))


def _videos(videos: Sequence[_Video]) -> list[Block]:
    if not videos:
        return []
    names = list(dict.fromkeys(name for video in videos for name in video.clipped))
    shares = [f"clipped {name}" for name in names]
    rows = [
        [
            *(video.id, video.num_frames, "yes" if video.has_sound else "no"),
            *(video.damaged_packets, *(video.clipped.get(name) for name in names)),
            *(video.shard, video.path),
        ]
        for video in videos[:_MOST_ROWS]
    ]
    header = ["video", "frames", "sound", "damaged packets", *shares, "shard", "file"]
    marked = [
        row
        for row, video in enumerate(videos[:_MOST_ROWS])
        if max(video.clipped.values(), default=0.0) > _CLIPPED
    ]
    formats = dict.fromkeys(shares, ".2%")
    mark = f"more than {_CLIPPED:.0%} clipped"
    return [Table("Every video", header, rows, formats, marked=marked, mark=mark)]


def _cut(entries: Sequence[Any]) -> str:
    """What a table leaves out, so that the page is small."""
    most, num = f"{_MOST_ROWS:,}", f"{len(entries):,}"
    return f"The first {most} of {num}." if len(entries) > _MOST_ROWS else ""
