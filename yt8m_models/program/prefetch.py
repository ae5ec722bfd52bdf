"""Batches that are made while the one before is worked on."""

from collections import deque
from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

from yt8m_models.program.background import Background

Item = TypeVar("Item")
Made = TypeVar("Made")


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
