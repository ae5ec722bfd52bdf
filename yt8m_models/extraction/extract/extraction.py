"""Records of video files, from the list of the videos to the manifest."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from yt8m_models.data.extraction_record import Extraction
from yt8m_models.extraction.bad_videos import BadVideos
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.extraction.extract.config import ExtractConfig
from yt8m_models.extraction.extract.shards import ShardNotes, Shards
from yt8m_models.extraction.extractor import Extracted, Extractor, Failure
from yt8m_models.extraction.video_list import read_videos
from yt8m_models.prediction.metric_tables import class_names
from yt8m_models.program.progress import Progress

_MUCH_CLIPPED = 0.01
_SHOWN = 5


@dataclass(frozen=True)
class ExtractSummary:
    """What an extraction did, interrupted runs before it included.

    Attributes:
        num_videos: videos that have a record.
        num_frames: their frames.
        num_shards: files of records.
        data_flags: the flags by which programs read the records.
        problems: what was wrong, in lines; `None` where nothing was.
    """

    num_videos: int
    num_frames: int
    num_shards: int
    data_flags: str
    problems: str | None


def extract(
    config: ExtractConfig, extraction_config: ExtractionConfig, progress: bool = False
) -> ExtractSummary:
    """Writes the records of video files, shard by shard; see `shards` for the directory.

    Args:
        config: the videos, and where their records go.
        extraction_config: how features are made.
        progress: show a progress bar on stderr.

    Raises:
        ValueError: a flag, the list of videos or the directory is wrong, more videos than
            `max_bad_videos` cannot be read, or none can.
        OSError: a file cannot be read or written.
    """
    names = class_names(config.vocabulary) if config.vocabulary else None
    videos = read_videos(config.videos, config.labels, names)
    extractor = Extractor(extraction_config)
    shards = Shards(
        config.output_dir,
        videos,
        config.videos_per_shard,
        Extraction(extractor.settings, extraction_config.flags),
        {"max_frames": extraction_config.max_frames, "thumbnails": config.thumbnails},
    )
    missing = shards.missing
    bad = BadVideos(config.max_bad_videos)
    for failure in shards.total.failures:
        bad.add(failure["reason"])
    num_done = len(videos) - sum(len(shards.groups[number]) for number in missing)
    bar = Progress(
        len(videos), description="extracting", initial=num_done, enabled=progress and bool(missing)
    )
    results = extractor.extract([shards.groups[n] for n in missing], config.thumbnails)
    with bar, contextlib.closing(results):
        for number in missing:
            of_shard = islice(results, len(shards.groups[number]))
            shards.write(number, _counted(of_shard, bad, bar))
    shards.finish()
    return _summary(shards.total, extractor)


def _counted(
    results: Iterator[Extracted | Failure], bad: BadVideos, bar: Progress
) -> Iterator[Extracted | Failure]:
    for result in results:
        if isinstance(result, Failure):
            bar.write(f"left out: {result.reason}")
            bad.add(result.reason)
        yield result
        bar.update()


def _summary(notes: ShardNotes, extractor: Extractor) -> ExtractSummary:
    videos = notes.videos
    if not videos:
        raise ValueError(f"no video could be read: {notes.failures[0]['reason']}")
    lines = []
    if notes.failures:
        lines.append(f"{_count(len(notes.failures))} could not be read; manifest.json names them")
        lines += [f"  {failure['reason']}" for failure in notes.failures[:_SHOWN]]
        if len(notes.failures) > _SHOWN:
            lines.append(f"  … and {len(notes.failures) - _SHOWN} more")
    if silent := sum(video["has_sound"] is False for video in videos):
        lines.append(f"{_count(silent)} without sound: the sound features are of silence")
    if damaged := sum(video["damaged_packets"] > 0 for video in videos):
        lines.append(f"{_count(damaged)} with packets that could not be decoded")
    lines += [
        _clipped_line(name, videos, extractor.settings[f"{name}_pca"] != "none")
        for name in extractor.sizes
        if _clipped(name, videos)
    ]
    return ExtractSummary(
        len(videos),
        sum(video["num_frames"] for video in videos),
        len({video["shard"] for video in videos}),
        _data_flags(extractor),
        "\n".join(lines) or None,
    )


def _data_flags(extractor: Extractor) -> str:
    sizes = extractor.sizes
    flags = [
        f"--feature_names={','.join(sizes)}",
        f"--feature_sizes={','.join(map(str, sizes.values()))}",
    ]
    if extractor.config.level == "frame":
        flags += [
            "--frame_features",
            *([] if extractor.config.is_quantized else ["--float_frames"]),
        ]
    return " ".join(flags)


def _clipped(name: str, videos: list[dict[str, Any]]) -> float:
    """The share of a feature's values in all frames that were clipped."""
    num_frames = sum(video["num_frames"] for video in videos)
    return float(sum(video["clipped"][name] * video["num_frames"] for video in videos) / num_frames)


def _clipped_line(name: str, videos: list[dict[str, Any]], has_pca: bool) -> str:
    share = _clipped(name, videos)
    line = f"{share:.2%} of the values of {name} lay outside of -2 to 2, and were clipped"
    if share <= _MUCH_CLIPPED:
        return line
    advice = "" if has_pca else f", a PCA makes them small (yt8m fit-pca, --{name}_pca)"
    return f"WARNING: {line}: --quantize=none keeps them{advice}"


def _count(number: int) -> str:
    return f"{number:,} video{'' if number == 1 else 's'}"
