"""Videos of many requests, given to the model together."""

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

Asked = TypeVar("Asked")
Found = TypeVar("Found")


class Busy(Exception):
    """As many videos as may wait are waiting."""


@dataclass(frozen=True)
class _Waiting(Generic[Asked, Found]):
    """A video, and what its output is given to."""

    video: Asked
    output: asyncio.Future[Found]


class Batcher(Generic[Asked, Found]):
    """Collects videos while the model is busy, or for a moment, and runs the model on them.

    The model runs in a thread of its own, one batch at a time, and requests come in meanwhile.

        async with Batcher(run, max_batch=32, max_wait=0.002, max_waiting=256) as batcher:
            outputs = await batcher.predict(videos)

    Args:
        run: gives the output of each of some videos, or of whatever else is asked for.
        max_batch: videos of a batch.
        max_wait: seconds that the first video of a batch waits for more.
        max_waiting: videos that may wait.
        note: is told of each batch its size and the seconds that it took.
    """

    def __init__(
        self,
        run: Callable[[Sequence[Asked]], Sequence[Found]],
        max_batch: int,
        max_wait: float,
        max_waiting: int,
        note: Callable[[int, float], None] = lambda size, seconds: None,
    ) -> None:
        self.run = run
        self.max_batch = max_batch
        self.max_wait = max_wait
        self.max_waiting = max_waiting
        self.note = note
        self._waiting: deque[_Waiting[Asked, Found]] = deque()
        self._thread = ThreadPoolExecutor(1, "model")

    async def __aenter__(self) -> "Batcher[Asked, Found]":
        self._is_any, self._is_full = asyncio.Event(), asyncio.Event()
        self._worker = asyncio.create_task(self._work())
        return self

    async def __aexit__(self, *error: object) -> None:
        self._worker.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await self._worker
        self._thread.shutdown()

    @property
    def num_waiting(self) -> int:
        """Videos that wait for the model."""
        return len(self._waiting)

    async def predict(self, videos: Sequence[Asked]) -> list[Found]:
        """The outputs of videos, in their order; those of several calls share batches.

        Raises:
            Busy: too many videos wait.
        """
        if len(self._waiting) + len(videos) > self.max_waiting:
            raise Busy
        loop = asyncio.get_running_loop()
        entries: list[_Waiting[Asked, Found]] = [
            _Waiting(video, loop.create_future()) for video in videos
        ]
        self._waiting.extend(entries)
        self._tell()
        return list(await asyncio.gather(*(entry.output for entry in entries)))

    def _tell(self) -> None:
        """Sets the events as they are."""
        for event, least in ((self._is_any, 1), (self._is_full, self.max_batch)):
            (event.set if len(self._waiting) >= least else event.clear)()

    async def _work(self) -> None:
        while True:
            await self._is_any.wait()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._is_full.wait(), self.max_wait)
            size = min(self.max_batch, len(self._waiting))
            taken = [self._waiting.popleft() for _ in range(size)]
            self._tell()
            # Where the request was given up meanwhile, nobody waits for the output.
            if batch := [entry for entry in taken if not entry.output.done()]:
                await self._run(batch)

    async def _run(self, batch: list[_Waiting[Asked, Found]]) -> None:
        loop, start = asyncio.get_running_loop(), time.monotonic()
        try:
            videos = [entry.video for entry in batch]
            outputs = await loop.run_in_executor(self._thread, self.run, videos)
        except Exception as error:  # whatever the model raises is told to those who wait for it
            for entry in batch:
                if not entry.output.done():
                    entry.output.set_exception(error)
            return
        self.note(len(batch), time.monotonic() - start)
        for entry, output in zip(batch, outputs, strict=True):
            if not entry.output.done():
                entry.output.set_result(output)
