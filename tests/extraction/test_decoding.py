"""Tests of decoding in threads ahead of what uses the frames."""

import contextlib
import threading

import pytest

from yt8m_models.extraction import decoding
from yt8m_models.extraction.decoding import decoded_ahead


def size(frame):
    return 10


class Video:
    """Gives numbers; notes which were decoded."""

    def __init__(self, start, count, error=None):
        self.numbers = range(start, start + count)
        self.error = error
        self.decoded = []

    def __iter__(self):
        for number in self.numbers:
            self.decoded.append(number)
            yield number
        if self.error:
            raise self.error


@pytest.mark.parametrize("num_threads", [1, 3])
def test_videos_come_in_their_order(num_threads):
    videos = [Video(10 * n, n % 4) for n in range(20)]
    found = [list(ahead) for ahead in decoded_ahead(videos, num_threads, size)]
    assert found == [list(video.numbers) for video in videos]


def test_an_error_comes_behind_the_frames_before_it():
    videos = [Video(0, 3, ValueError("broken")), Video(10, 2)]
    frames = []
    decoded = decoded_ahead(videos, 2, size)
    with pytest.raises(ValueError, match="broken"):
        frames.extend(next(decoded))
    for frame in next(decoded):
        frames.append(frame)
    assert frames[-2:] == [10, 11]


def test_threads_wait_where_frames_are_not_used(monkeypatch):
    monkeypatch.setattr(decoding, "_BYTES_AHEAD", 45)
    videos = [Video(100 * n, 50) for n in range(8)]
    found = []
    for ahead in decoded_ahead(videos, 2, size):
        for frame in ahead:
            found.append(frame)
            # what waits fits into the bound, and one frame is on its way
            taken = frame - ahead.video.numbers.start + 1
            assert len(ahead.video.decoded) <= taken + 4 + 1
        started = sum(bool(video.decoded) for video in videos)
        assert started <= videos.index(ahead.video) + 4
    assert found == [number for video in videos for number in video.numbers]


def test_a_frame_larger_than_the_bound_passes(monkeypatch):
    monkeypatch.setattr(decoding, "_BYTES_AHEAD", 5)
    assert [list(ahead) for ahead in decoded_ahead([Video(0, 6)], 1, size)] == [list(range(6))]


def test_leaving_early_ends_the_threads(monkeypatch):
    monkeypatch.setattr(decoding, "_BYTES_AHEAD", 25)
    before = threading.active_count()
    videos = [Video(1000 * n, 1000) for n in range(9)]
    with contextlib.closing(decoded_ahead(videos, 2, size)) as decoded:
        next(iter(next(decoded)))
        assert threading.active_count() > before
    assert threading.active_count() == before
    assert max(len(video.decoded) for video in videos) < 10
