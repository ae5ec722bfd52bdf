"""The table of labels on the terminal, printed video by video."""

from collections.abc import Mapping, Sequence

from yt8m_models.extraction.labelled import Label, Labelled, Times

_WIDEST = 40


class Table:
    """Prints the labels of each video as soon as they are known.

    Args:
        ids: of all videos.
        names: of classes, by number.
        num_classes: of the model.
        has_segments: whether segments are labelled too.
    """

    def __init__(
        self, ids: Sequence[str], names: Mapping[int, str], num_classes: int, has_segments: bool
    ) -> None:
        self._has_segments = has_segments
        self._id_width = min(max(map(len, ("video", *ids))), _WIDEST)
        classes = names.values() or (str(num_classes),)
        self._class_width = min(max(map(len, ("class", *classes))), _WIDEST)
        self._is_headed = False

    def print(self, labelled: Labelled) -> None:
        """Prints the rows of a video."""
        if not self._is_headed:
            self._row("video", "time", "class", "score")
            self._is_headed = True
        self._rows(labelled.video.id, "", labelled.labels)
        for times, labels in labelled.segments.items():
            self._rows("", _clock(times), labels)

    def _rows(self, video_id: str, times: str, labels: Sequence[Label]) -> None:
        rows = [(label.name or str(label.number), f"{label.score:.3f}") for label in labels]
        for place, (name, score) in enumerate(rows or [("-", "")]):
            self._row("" if place else _printable(video_id), "" if place else times, name, score)

    def _row(self, video_id: str, times: str, name: str, score: str) -> None:
        time = f"{times:<15}  " if self._has_segments else ""
        row = f"{video_id:<{self._id_width}}  {time}{name:<{self._class_width}}  {score:>5}"
        print(row.rstrip(), flush=True)


def _clock(times: Times) -> str:
    return " - ".join(f"{int(seconds) // 60}:{seconds % 60:02g}" for seconds in times)


def _printable(text: str) -> str:
    """A file's name without what would move the cursor."""
    return "".join(c if c.isprintable() else "?" for c in text)
