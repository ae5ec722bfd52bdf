"""How long calls take."""

import time
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


def timed(call: Callable[[], Result]) -> tuple[Result, float]:
    """What one call returns, and its seconds."""
    start = time.perf_counter()
    result = call()
    return result, time.perf_counter() - start


def seconds_of(call: Callable[[], object]) -> float:
    """Seconds of one call."""
    return timed(call)[1]


def in_turn(
    rounds: int, *calls: Callable[[], object], warm_up: bool = True
) -> list[tuple[float, ...]]:
    """Seconds of each call in rounds in which they alternate, so that other work hits all of them.

    Args:
        rounds: how often each is measured.
        calls: what to measure.
        warm_up: make each call once before, which compiles it and fills its caches.

    Returns:
        For each call, its seconds in each round.
    """
    for call in calls if warm_up else ():
        call()
    measured = [[seconds_of(call) for call in calls] for _ in range(rounds)]
    return list(zip(*measured, strict=True))
