"""Tests of yt8m_models.program.progress."""

import io

import pytest

from yt8m_models.program import progress as progress_module
from yt8m_models.program.progress import Progress


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.fixture
def clock(monkeypatch):
    """A clock that tests set, in seconds."""
    now = [100.0]
    monkeypatch.setattr(progress_module.time, "monotonic", lambda: now[0])
    return now


def lines(stream):
    return stream.getvalue().splitlines()


def test_plain_lines_come_every_few_seconds_and_at_the_end(clock):
    stream = io.StringIO()
    with Progress(total=100, description="reading", stream=stream, line_seconds=5) as progress:
        for _ in range(10):
            clock[0] += 1
            progress.update(10)
    # Ten videos a second; after 5, after 10 seconds, and nothing new at the end.
    assert lines(stream) == [
        "reading 50/100 videos  0:05 left  10.0 videos/s",
        "reading 100/100 videos  10.0 videos/s",
    ]


def test_without_line_seconds_every_update_with_values_is_a_line(clock):
    stream = io.StringIO()
    with Progress(unit="steps", stream=stream, line_seconds=None, initial=7) as progress:
        for step in range(3):
            clock[0] += 0.5
            progress.update(1)
            if step == 1:
                progress.update(0, loss=1.25, note="warm")
    assert lines(stream) == ["9 steps  loss 1.2500  note warm  2.0000 steps/s"]


def test_speed_is_that_of_the_last_seconds(clock):
    progress = Progress(stream=io.StringIO())
    assert progress.speed == 0.0
    for _ in range(100):
        clock[0] += 1
        progress.update(1)
    for _ in range(20):
        clock[0] += 1
        progress.update(30)
    assert progress.speed == pytest.approx(30.0)


def test_a_terminal_gets_one_line_that_is_redrawn_and_fits(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "60")
    stream = Terminal()
    with Progress(total=4, unit="steps", stream=stream) as progress:
        clock[0] += 1
        progress.update(2, loss=0.5)
        progress.write("saved")
        progress.total = 8
    frames = stream.getvalue().replace("\x1b[K", "").split("\r")
    assert "\n" not in frames[1]
    assert frames[1].startswith("▕████    ▏ 2/4 steps  0:01 left  loss 0.5000")
    assert "saved\n" in stream.getvalue()
    assert "2/8 steps" in frames[-1]
    assert frames[-1].endswith("\n")
    assert all(len(line) < 60 for frame in frames for line in frame.splitlines())


def test_half_done_is_half_a_bar(clock, monkeypatch):
    monkeypatch.setenv("COLUMNS", "100")
    stream = Terminal()
    with Progress(total=10, stream=stream) as progress:
        progress.update(5)
    bar = stream.getvalue().split("▕")[-1].split("▏")[0]
    assert bar.count("█") == len(bar) // 2


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0, "0.0000"), (0.00012, "1.20e-04"), (3.14159, "3.1416"), (1234.56, "1,234.6"),
     (1234567.0, "1.23e+06"), (1234567, "1,234,567"), ("abc", "abc")],
)  # fmt: skip
def test_values_are_short(value, text):
    assert progress_module._format(value) == text


@pytest.mark.parametrize(("seconds", "text"), [(0, "0:00"), (59.6, "1:00"), (3725, "1:02:05")])
def test_durations(seconds, text):
    assert progress_module._duration(seconds) == text


def test_nothing_is_written_where_it_is_not_enabled():
    stream = Terminal()
    with Progress(total=3, stream=stream, enabled=False) as progress:
        progress.update(2, gap=0.5)
        progress.write("half of it")
    assert stream.getvalue() == ""
