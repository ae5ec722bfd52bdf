"""Work that is done while the next batch is computed."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

Item = TypeVar("Item")
Made = TypeVar("Made")


class Background:
    """Runs calls in a thread of its own, in their order, at most one of them at a time.

    `submit` waits for the call before, so that memory stays bounded and an error in the thread
    reaches the caller. Leaving the `with` block waits for the last call.

        with Background() as background:
            for batch in batches:
                background.submit(write, forward(batch))
    """

    def __init__(self) -> None:
        self._executor = ThreadPoolExecutor(max_workers=1)
        self._pending: Future[Any] | None = None

    def submit(self, function: Callable[..., Any], *args: Any) -> None:
        """Runs `function(*args)` in the thread once the call before has ended; raises its error."""
        self.wait()
        self._pending = self._executor.submit(function, *args)

    def __enter__(self) -> "Background":
        return self

    def __exit__(self, kind: type | None, error: object, trace: object) -> None:
        try:
            if kind is None:
                self.wait()
        finally:
            self._executor.shutdown()

    def wait(self) -> None:
        """Returns once the last call has ended; raises its error."""
        if self._pending is not None:
            self._pending.result()
            self._pending = None


def prefetched(make: Callable[[Item], Made], items: Iterable[Item]) -> Iterator[Made]:
    """`make(item)` of each item in order, each made in a thread while the one before is used.

    Errors of `make` are raised where its result would have been given.
    """
    made: deque[Made] = deque()
    with Background() as background:
        for number, item in enumerate(items):
            background.submit(lambda item: made.append(make(item)), item)
            if number:
                yield made.popleft()
        background.wait()
        yield from made
