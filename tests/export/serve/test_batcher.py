"""Batches of the videos of many requests: none is lost, and each gets its own output."""

import asyncio
import threading

import numpy as np
import pytest

from yt8m_models.export.serve.batcher import Batcher, Busy


class Model:
    """Twice each video; it waits before each batch until it may go on, and notes what came."""

    def __init__(self, may_run=True):
        self.may_run = threading.Event()
        self.runs = threading.Event()
        self.batches = []
        if may_run:
            self.may_run.set()

    def __call__(self, videos):
        self.runs.set()
        self.may_run.wait()
        self.batches.append([float(video[0]) for video in videos])
        return 2 * np.stack(videos)


def videos(*values):
    return [np.array([value], np.float32) for value in values]


def test_videos_that_come_while_the_model_is_busy_are_one_batch():
    async def scenario():
        model, noted = Model(may_run=False), []

        def note(size, seconds):
            noted.append(size)

        async with Batcher(model, 4, 0.0, 100, note) as batcher:
            first = asyncio.create_task(batcher.predict(videos(0)))
            await asyncio.to_thread(model.runs.wait)
            others = [asyncio.create_task(batcher.predict(videos(n, n + 0.5))) for n in (1, 2, 3)]
            while batcher.num_waiting < 6:
                await asyncio.sleep(0)
            model.may_run.set()
            outputs = await asyncio.gather(first, *others)
        return model.batches, noted, [[float(each[0]) for each in output] for output in outputs]

    batches, noted, outputs = asyncio.run(scenario())
    assert batches == [[0], [1, 1.5, 2, 2.5], [3, 3.5]]
    assert noted == [1, 4, 2]
    assert outputs == [[0], [2, 3], [4, 5], [6, 7]]


def test_a_full_batch_does_not_wait_for_more():
    async def scenario():
        model = Model()
        async with Batcher(model, 2, 3600.0, 100) as batcher:
            await asyncio.gather(batcher.predict(videos(1)), batcher.predict(videos(2)))
        return model.batches

    assert asyncio.run(scenario()) == [[1, 2]]


def test_more_than_may_wait_are_refused_and_nothing_else():
    async def scenario():
        model = Model(may_run=False)
        async with Batcher(model, 1, 0.0, 2) as batcher:
            running = asyncio.create_task(batcher.predict(videos(0)))
            await asyncio.to_thread(model.runs.wait)
            waiting = asyncio.create_task(batcher.predict(videos(1, 2)))
            await asyncio.sleep(0)
            with pytest.raises(Busy):
                await batcher.predict(videos(3))
            model.may_run.set()
            outputs = await asyncio.gather(running, waiting)
        return model.batches, [[float(each[0]) for each in output] for output in outputs]

    assert asyncio.run(scenario()) == ([[0], [1], [2]], [[0], [2, 4]])


def test_who_gave_up_is_left_out():
    async def scenario():
        model = Model(may_run=False)
        async with Batcher(model, 8, 0.0, 100) as batcher:
            running = asyncio.create_task(batcher.predict(videos(0)))
            await asyncio.to_thread(model.runs.wait)
            given_up = asyncio.create_task(batcher.predict(videos(1)))
            kept = asyncio.create_task(batcher.predict(videos(2)))
            await asyncio.sleep(0)
            given_up.cancel()
            await asyncio.sleep(0)
            model.may_run.set()
            await asyncio.gather(running, kept)
        return model.batches

    assert asyncio.run(scenario()) == [[0], [2]]


def test_an_error_of_the_model_reaches_its_batch_alone():
    def run(batch):
        if batch[0][0] < 0:
            raise RuntimeError("out of memory")
        return np.stack(batch)

    async def scenario():
        async with Batcher(run, 1, 0.0, 100) as batcher:
            return await asyncio.gather(
                batcher.predict(videos(-1)), batcher.predict(videos(5)), return_exceptions=True
            )

    error, output = asyncio.run(scenario())
    assert (str(error), output) == ("out of memory", [5])
