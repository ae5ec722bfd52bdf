"""Which video files there are, with their ids and labels."""

import csv
import io
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from yt8m_models.data.packed_ids import MOST_BYTES
from yt8m_models.data.patterns import match_files
from yt8m_models.data.video_ids import nothing_in_common, too_long
from yt8m_models.storage.text_file import read_text

_FORBIDDEN = "\n\r\0"


@dataclass(frozen=True)
class Video:
    """A video file.

    Attributes:
        id: that of its record.
        path: of the file.
        labels: class ids.
    """

    id: str
    path: str
    labels: tuple[int, ...] = ()


def read_videos(
    videos: str, labels: str = "", class_names: Mapping[int, str] | None = None
) -> list[Video]:
    """The videos that `--videos` and `--labels` name, in the order in which they are named.

    The id of a video is the name of its file without the last suffix unless a CSV gives another.

    Args:
        videos: a data pattern as of `match_files`, or the path of a `.csv` with the column `path`
            and, where wanted, `video_id` and `labels`; paths are relative to the current directory.
        labels: a CSV with the columns `video_id` and `labels`: class ids with spaces between, or
            class names with semicolons between.
        class_names: by class id.

    Raises:
        ValueError: no file matches, two videos have one id, an id cannot be used in records and
            submissions, a column is missing, or a label is neither a class id nor a class name. The
            message names the file and the line.
        OSError: a CSV cannot be read.
    """
    classes = _ClassReader({} if class_names is None else class_names)
    if videos.lower().endswith(".csv"):
        found, has_labels = _listed(videos, classes)
    else:
        files = match_files(videos, "videos")
        found, has_labels = [(Video(_stem(path), path), path) for path in files], False
    _check_ids(found)
    listed = [video for video, _ in found]
    if not labels:
        return listed
    if has_labels:
        raise ValueError(f"--labels={labels} and the column labels of {videos} are both given")
    return _labelled(listed, labels, classes)


def _listed(path: str, classes: "_ClassReader") -> tuple[list[tuple[Video, str]], bool]:
    """The videos of a CSV, each with what errors call it; and whether it has labels."""
    rows, columns = _rows(path, "videos", {"path"})
    found = []
    for place, row in rows:
        if not row["path"]:
            raise ValueError(f"--videos={place}: path is empty")
        video_id = row.get("video_id") or _stem(row["path"])
        labels = classes.read(row.get("labels", ""), f"--videos={place}")
        found.append((Video(video_id, row["path"], labels), place))
    if not found:
        raise ValueError(f"--videos={path} lists no video")
    return found, "labels" in columns


def _labelled(videos: Sequence[Video], path: str, classes: "_ClassReader") -> list[Video]:
    rows, _ = _rows(path, "labels", {"video_id", "labels"})
    labels: dict[str, tuple[int, ...]] = {}
    for place, row in rows:
        if row["video_id"] in labels:
            raise ValueError(f"--labels={place}: the video {row['video_id']!r} is there twice")
        labels[row["video_id"]] = classes.read(row["labels"], f"--labels={place}")
    if not any(video.id in labels for video in videos):
        here = nothing_in_common("--videos", [v.id for v in videos], "--labels", list(labels))
        raise ValueError(here)
    return [replace(video, labels=labels.get(video.id, ())) for video in videos]


def _rows(
    path: str, flag: str, needed: set[str]
) -> tuple[list[tuple[str, dict[str, str]]], Sequence[str]]:
    """The rows of a CSV, each with its file and line, and the columns."""
    try:
        reader = csv.DictReader(io.StringIO(read_text(path), newline=""), restval="")
    except (OSError, ValueError) as error:
        raise OSError(f"--{flag}={error}") from None
    columns = reader.fieldnames or ()
    if missing := needed - set(columns):
        raise ValueError(
            f"--{flag}={path} must have the column {' and '.join(sorted(missing))}; it has "
            f"{', '.join(columns) or 'none'}"
        )
    try:
        rows = [(f"{path}, line {reader.line_num}", row) for row in reader]
    except csv.Error as error:
        raise ValueError(f"--{flag}={path}, line {reader.line_num}: {error}") from None
    for place, row in rows:
        if None in row:
            raise ValueError(f"--{flag}={place}: there are more fields than columns")
    return rows, columns


class _ClassReader:
    """Reads fields of labels, by the names of the classes where there are any."""

    def __init__(self, class_names: Mapping[int, str]) -> None:
        self.class_names = class_names
        self._ids = {name: label for label, name in class_names.items()}

    def read(self, text: str, place: str) -> tuple[int, ...]:
        """Class ids, ascending, of a field with class ids or class names."""
        words = text.split()
        if all(word.isdecimal() for word in words):
            return self._checked(set(map(int, words)), place)
        names = {name.strip() for name in text.split(";") if name.strip()}
        for name in names - self._ids.keys():
            vocabulary = f" of {len(self._ids):,} classes" if self._ids else ", and there is none"
            raise ValueError(
                f"{place}: labels must be class ids with spaces between, or names of classes with "
                f"semicolons between; {name!r} is not in the --vocabulary{vocabulary}"
            )
        return tuple(sorted(self._ids[name] for name in names))

    def _checked(self, labels: set[int], place: str) -> tuple[int, ...]:
        for label in labels:
            if self.class_names and label not in self.class_names:
                raise ValueError(f"{place}: the class {label} is not in the --vocabulary")
            if label >= 1 << 63:
                raise ValueError(f"{place}: a class id must be below 2^63; received {label}")
        return tuple(sorted(labels))


def _check_ids(found: Sequence[tuple[Video, str]]) -> None:
    paths: dict[str, str] = {}
    for video, place in found:
        encoded = video.id.encode()
        if len(encoded) > MOST_BYTES:
            raise ValueError(f"--videos: {place}: {too_long(encoded)}")
        for character in _FORBIDDEN:
            if character in video.id:
                raise ValueError(
                    f"--videos: {place}: an id must not have {character!r}, which no submission "
                    f"can hold; received {video.id!r}. {_GIVE_IDS}"
                )
        if video.id in paths:
            raise ValueError(
                f"--videos: {paths[video.id]} and {video.path} would have one id, {video.id!r}. "
                f"{_GIVE_IDS}"
            )
        paths[video.id] = video.path


_GIVE_IDS = "A CSV with the columns path and video_id (--videos=list.csv) gives other ids"


def _stem(path: str) -> str:
    return os.path.splitext(os.path.basename(path))[0]
