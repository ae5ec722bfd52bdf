"""Videos that are decoded in threads ahead of what uses their frames."""

import contextlib
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Generic, TypeVar

Frame = TypeVar("Frame")

_BYTES_AHEAD = 32 << 20


class Ahead(Generic[Frame]):
    """The frames of one video between the thread that decodes them and the one that uses them.

    The decoding thread waits while there are many that are not used yet.

    Args:
        video: gives the frames.
        num_bytes: of a frame.
    """

    def __init__(self, video: Iterable[Frame], num_bytes: Callable[[Frame], int]) -> None:
        self.video = video
        self._num_bytes = num_bytes
        self._frames: deque[Frame] = deque()
        self._bytes = 0
        self._changed = threading.Condition()
        self._is_closed = False
        self._is_decoded = False
        self._error: BaseException | None = None

    def decode(self) -> None:
        """Decodes until there are no more frames or nobody wants them; keeps an error."""
        error = None
        try:
            for frame in () if self._is_closed else self.video:
                if not self._put(frame):
                    break
        except BaseException as raised:
            error = raised
        with self._changed:
            self._error, self._is_decoded = error, True
            self._changed.notify()

    def __iter__(self) -> Iterator[Frame]:
        """Gives the frames, each once; raises the error of the decoding behind the last."""
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._frames or self._is_decoded)
                if not self._frames:
                    break
                frame = self._frames.popleft()
                self._bytes -= self._num_bytes(frame)
                self._changed.notify()
            yield frame
        if self._error is not None:
            raise self._error

    def close(self) -> None:
        """No more frames are wanted."""
        with self._changed:
            self._is_closed = True
            self._changed.notify()

    def _put(self, frame: Frame) -> bool:
        """Adds a frame as soon as there is room; whether it is wanted."""
        size = self._num_bytes(frame)
        with self._changed:
            self._changed.wait_for(
                lambda: self._is_closed or not self._frames or self._bytes + size <= _BYTES_AHEAD
            )
            self._frames.append(frame)
            self._bytes += size
            self._changed.notify()
            return not self._is_closed


def decoded_ahead(
    videos: Iterable[Iterable[Frame]], num_threads: int, num_bytes: Callable[[Frame], int]
) -> Generator[Ahead[Frame], None, None]:
    """Gives the frames of videos in their order, while threads decode the videos that follow.

    A video whose frames were not all taken when the next one is asked for is left. Memory is
    bounded, whatever the length of the videos: some 32 MB a video, of twice as many as there are
    threads.

    Args:
        videos: iterables of frames, which are iterated in a thread.
        num_threads: videos that are decoded at the same time.
        num_bytes: of a frame.
    """
    waiting: deque[Ahead[Frame]] = deque()
    with contextlib.ExitStack() as stack:
        executor = stack.enter_context(ThreadPoolExecutor(num_threads, "decoding"))
        stack.callback(_close_all, waiting)
        for video in videos:
            ahead = Ahead(video, num_bytes)
            waiting.append(ahead)
            executor.submit(ahead.decode)
            if len(waiting) == 2 * num_threads:
                yield from _used(waiting)
        while waiting:
            yield from _used(waiting)


def _close_all(waiting: "deque[Ahead[Frame]]") -> None:
    for ahead in waiting:
        ahead.close()


def _used(waiting: "deque[Ahead[Frame]]") -> Iterator[Ahead[Frame]]:
    """The first video; it is waited for until it is used."""
    yield waiting[0]
    waiting.popleft().close()
