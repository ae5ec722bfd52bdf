"""Stopping a run cleanly on SIGTERM and SIGINT."""

import contextlib
import signal
import threading
from collections.abc import Iterator
from types import FrameType


class Terminated(KeyboardInterrupt):
    """SIGTERM came: what an interrupt undoes is undone."""


def raise_interruption(number: int | None) -> None:
    """Raises what a signal raises: for callers of work that stopped by itself after it.

    Raises:
        Terminated: the number is that of SIGTERM.
        KeyboardInterrupt: it is that of SIGINT.
    """
    if number is not None:
        raise Terminated if number == signal.SIGTERM else KeyboardInterrupt


@contextlib.contextmanager
def sigterm_raises() -> Iterator[None]:
    """Within, SIGTERM raises `Terminated` in the main thread."""

    def terminate(number: int, frame: FrameType | None) -> None:
        raise Terminated

    previous = signal.signal(signal.SIGTERM, terminate)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


class Interruption:
    """A context in which the first SIGTERM or SIGINT asks to stop, and a second one stops at once.

    Attributes:
        signal: the number of the signal that came, or `None`.
    """

    def __init__(self) -> None:
        self.signal: int | None = None
        self._previous: dict[int, object] = {}

    def __enter__(self) -> "Interruption":
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGTERM, signal.SIGINT):
                self._previous[number] = signal.signal(number, self._receive)
        return self

    def __exit__(self, *error: object) -> None:
        self._restore()

    def take_back(self) -> None:
        """Receives the signals again after a library has put handlers of its own in place."""
        for number in self._previous:
            signal.signal(number, self._receive)

    def check(self) -> None:
        """Stops where a signal has asked to: for work that no exception may cut off elsewhere.

        Raises:
            Terminated: SIGTERM came.
            KeyboardInterrupt: SIGINT came.
        """
        raise_interruption(self.signal)

    def _receive(self, number: int, frame: FrameType | None) -> None:
        self.signal = number
        self._restore()

    def _restore(self) -> None:
        while self._previous:
            signal.signal(*self._previous.popitem())  # type: ignore[arg-type]
