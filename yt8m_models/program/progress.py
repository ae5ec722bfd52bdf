"""Progress of a long run: a bar on a terminal, plain lines elsewhere.

    with Progress(total=1000, description="inference") as progress:
        for batch in batches:
            progress.update(len(batch), gap=0.81)

On a terminal one line is redrawn in place; in a log file or a pipe a line is written now and then,
so that the log stays short. Everything goes to standard error: standard output belongs to results.

tqdm would replace `_draw` alone: it writes no plain lines, and its speed is a moving average.
"""

import shutil
import sys
import time
from typing import TextIO

_MIN_BAR_WIDTH = 8
_REDRAW_SECONDS = 0.1
_SPEED_WINDOW_SECONDS = 10.0


class Progress:
    """Counts what is done, and shows it with its speed and the latest values.

    Args:
        total: how many `unit`s there are; `None` where that is not known. May be set later.
        unit: what is counted, in the plural.
        description: the first word of the line.
        initial: how many were done before this run.
        line_seconds: least time between plain lines; `None` writes one for each update with values.
        stream: where to write; standard error unless given.
        enabled: whether anything is written.
    """

    def __init__(
        self,
        total: float | None = None,
        unit: str = "videos",
        description: str = "",
        initial: float = 0,
        line_seconds: float | None = 5.0,
        stream: TextIO | None = None,
        enabled: bool = True,
    ) -> None:
        self.total = total
        self.unit = unit
        self.description = description
        self.done = initial
        self.line_seconds = line_seconds
        self.stream = sys.stderr if stream is None else stream
        self.enabled = enabled
        self.is_terminal = self.stream.isatty()
        self._values: dict[str, float | int | str] = {}
        self._marks = [(time.monotonic(), initial)]
        self._shown_at = time.monotonic()
        self._shown = ""

    def __enter__(self) -> "Progress":
        return self

    def __exit__(self, *error: object) -> None:
        if not self.enabled:
            return
        if self.is_terminal:
            self._draw()
            self.stream.write("\n")
        elif self.line_seconds is not None:
            self._write_line()
        self.stream.flush()

    def update(self, n: float = 1, **values: float | int | str) -> None:
        """Counts `n` more as done; `values` are shown behind the count, by name, until replaced."""
        if not self.enabled:
            return
        now = time.monotonic()
        self.done += n
        self._values |= values
        self._marks.append((now, self.done))
        while len(self._marks) > 2 and now - self._marks[1][0] > _SPEED_WINDOW_SECONDS:
            del self._marks[0]
        if self.is_terminal:
            if values or now - self._shown_at >= _REDRAW_SECONDS:
                self._draw()
        elif (self.line_seconds is None and values) or (
            self.line_seconds is not None and now - self._shown_at >= self.line_seconds
        ):
            self._write_line()

    def write(self, line: str) -> None:
        """Writes a line of its own, above the bar."""
        if not self.enabled:
            return
        if self.is_terminal:
            self.stream.write("\r\x1b[K")
        self.stream.write(line + "\n")
        self._shown = ""
        if self.is_terminal:
            self._draw()
        self.stream.flush()

    @property
    def speed(self) -> float:
        """`unit`s a second, over the last seconds; 0 before the first update."""
        (start, before), (end, after) = self._marks[0], self._marks[-1]
        return (after - before) / (end - start) if end > start else 0.0

    def _draw(self) -> None:
        width = shutil.get_terminal_size().columns - 1
        text = self._text()
        if self.total:
            bar_width = max(_MIN_BAR_WIDTH, min(30, width - len(text) - 3))
            filled = int(bar_width * min(1.0, self.done / self.total))
            text = f"▕{'█' * filled}{' ' * (bar_width - filled)}▏ {text}"
        self._shown_at = time.monotonic()
        self.stream.write(f"\r{text[:width]}\x1b[K")
        self.stream.flush()

    def _write_line(self) -> None:
        self._shown_at = time.monotonic()
        text = self._text()
        if text != self._shown:
            self.stream.write(text + "\n")
            self.stream.flush()
        self._shown = text

    def _text(self) -> str:
        count = f"{int(self.done):,}" + (f"/{int(self.total):,}" if self.total else "")
        parts = [f"{self.description} {count} {self.unit}".strip()]
        if self.speed and self.total and self.total > self.done:
            parts.append(f"{_duration((self.total - self.done) / self.speed)} left")
        parts += [f"{name} {_format(value)}" for name, value in self._values.items()]
        if self.speed:
            parts.append(f"{_format(self.speed)} {self.unit}/s")
        return "  ".join(parts)


def _format(value: float | int | str) -> str:
    if not isinstance(value, float):
        return f"{value:,}" if isinstance(value, int) else value
    if value != 0 and (abs(value) < 1e-3 or abs(value) >= 1e5):
        return f"{value:.2e}"
    return f"{value:.4f}" if abs(value) < 10 else f"{value:,.1f}"


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"
