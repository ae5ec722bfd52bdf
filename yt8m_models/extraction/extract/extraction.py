"""Records of video files, from the list of the videos to the manifest."""

import contextlib
import dataclasses
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache, partial
from itertools import islice
from typing import Any, NamedTuple

from yt8m_models.data.extraction_record import Extraction
from yt8m_models.engines.spread import absolute, spread
from yt8m_models.extraction.bad_videos import BadVideos
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.extraction.extract.config import ExtractConfig
from yt8m_models.extraction.extract.shards import ShardNotes, Shards, write_shard
from yt8m_models.extraction.extractor import Extracted, Extractor, Failure
from yt8m_models.extraction.video_list import Video, read_videos
from yt8m_models.extraction.workers import as_listed, as_workers_find_it
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
    config: ExtractConfig,
    extraction_config: ExtractionConfig,
    progress: bool = False,
    spark: Any = None,
) -> ExtractSummary:
    """Writes the records of video files, shard by shard; see `shards` for the directory.

    Args:
        config: the videos, and where their records go.
        extraction_config: how features are made.
        progress: show a progress bar on stderr.
        spark: a `SparkSession` whose workers each extract shards, as of `EngineOptions.session`;
            they find videos, weights and output under the same paths. `None` for this process.

    Raises:
        ValueError: a flag, the list of videos or the directory is wrong, more videos than
            `max_bad_videos` cannot be read, or none can.
        OSError: a file cannot be read or written, or Spark cannot finish its work.
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
    if spark is None:
        num_done = len(videos) - sum(len(shards.groups[number]) for number in missing)
        bar = Progress(
            len(videos),
            description="extracting",
            initial=num_done,
            enabled=progress and bool(missing),
        )
        results = extractor.extract([shards.groups[n] for n in missing], config.thumbnails)
        with bar, contextlib.closing(results):
            for number in missing:
                of_shard = islice(results, len(shards.groups[number]))
                shards.write(number, _counted(of_shard, bad, bar))
    else:
        shards.notes |= _extract_spread(spark, config, extraction_config, shards)
        for number in missing:
            for failure in shards.notes[number].failures:
                bad.add(failure["reason"])
    shards.finish()
    return _summary(shards.total, extractor)


def _extract_spread(
    spark: Any, config: ExtractConfig, extraction_config: ExtractionConfig, shards: Shards
) -> dict[int, ShardNotes]:
    """Writes the shards that are missing, each in a worker; their notes."""
    extraction_config = as_workers_find_it(extraction_config)
    output_dir, run = absolute(config.output_dir), uuid.uuid4().hex
    items = [
        _Shard(number, [(video, absolute(video.path)) for video in shards.groups[number]])
        for number in shards.missing
    ]
    work = partial(_extract_shard, extraction_config, config.thumbnails, output_dir, run)
    return dict(zip(shards.missing, spread(spark, work, items), strict=True))


class _Shard(NamedTuple):
    """A shard for a worker: its number, and its videos with where these are."""

    number: int
    videos: list[tuple[Video, str]]


def _extract_shard(
    config: ExtractionConfig, thumbnails: bool, output_dir: str, run: str, shard: _Shard
) -> ShardNotes:
    """What a worker does with a shard; it loads the networks once in a run."""
    group = [dataclasses.replace(video, path=path) for video, path in shard.videos]
    with contextlib.closing(_extractor(config, run).extract([group], thumbnails)) as results:
        named = map(as_listed, results, [video for video, _ in shard.videos])
        return write_shard(output_dir, shard.number, named)


@lru_cache(maxsize=1)
def _extractor(config: ExtractionConfig, run: str) -> Extractor:
    return Extractor(config)


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
