"""The batches of a training, epoch by epoch, from any position."""

import dataclasses
import itertools
from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, cast

import numpy as np
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data.pipeline import Pipeline, PipelineOptions


class Position(NamedTuple):
    """A place in the data: `batch` batches of epoch `epoch` (both from 0) were trained."""

    epoch: int
    batch: int


class TrainingBatches:
    """Iterates over `num_epochs` epochs and yields each batch with the position after it.

    Each epoch has an order of its own, and samples frames of its own, drawn from the seed and the
    epoch's number. So a run that starts in the middle of an epoch, by reading past the batches
    before, gets the batches that an uninterrupted one would have got there.

    The last batch of an epoch is short where the videos do not divide evenly. It is left out when
    less than half full, unless it is the only one of its epoch: batch normalisation over a few
    videos is noise. With several replicas it is cut to a multiple of them; with several workers it
    is left out, since the workers must agree on every step. Their epochs end where the first of
    them has no further batch: they tell each other in the first epoch, and know the number then.

    Args:
        files: the records.
        data: their format.
        options: how to read them; `seed` and `num_epochs` are those of the whole training, and
            `num_epochs=None` goes on for ever.
        start: where to begin.
        divisor: batches have a multiple of so many videos.
        all_have: whether all workers have a batch, by whether this one has, as of `Workers.all`.

    Attributes:
        batches_per_epoch: known after the first epoch was read to its end.
    """

    def __init__(
        self,
        files: Sequence[str],
        data: DataConfig,
        options: PipelineOptions,
        start: Position,
        divisor: int = 1,
        all_have: Callable[[bool], bool] = bool,
    ) -> None:
        self.files = files
        self.data = data
        self.options = options
        self.start = start
        self.divisor = divisor
        self.all_have = all_have
        self.batches_per_epoch: int | None = None
        self._pipeline: Pipeline | None = None

    def __iter__(self) -> Iterator[tuple[dict[str, tf.Tensor], Position]]:
        end = self.options.num_epochs
        epochs = itertools.count(self.start.epoch)
        skip = self.start.batch
        for epoch in epochs if end is None else range(self.start.epoch, end):
            self._pipeline = Pipeline(self.files, self.data, self._epoch_options(epoch))
            number = skip
            for batch in self._agreed(self._read(self._pipeline, skip), skip):
                number += 1
                yield batch, Position(epoch, number)
            self.batches_per_epoch = number
            if number == 0:
                raise ValueError(self._nothing_to_train())
            skip = 0

    def summary(self) -> str | None:
        """What was left out of the latest epoch: bad records and videos without frames."""
        return self._pipeline.ledger.summary() if self._pipeline is not None else None

    def _agreed(
        self, batches: Iterator[dict[str, tf.Tensor]], skip: int
    ) -> Iterator[dict[str, tf.Tensor]]:
        """Those that every worker has."""
        if self.batches_per_epoch is not None and self.options.num_workers > 1:
            yield from itertools.islice(batches, self.batches_per_epoch - skip)
            return
        batch = next(batches, None)
        while self.all_have(batch is not None):
            yield cast(dict[str, tf.Tensor], batch)
            batch = next(batches, None)

    def _epoch_options(self, epoch: int) -> PipelineOptions:
        seed = np.random.SeedSequence((self.options.seed, epoch)).generate_state(1)[0] >> 1
        return dataclasses.replace(self.options, seed=int(seed), num_epochs=1)

    def _read(self, pipeline: Pipeline, skip: int) -> Iterator[dict[str, tf.Tensor]]:
        full, is_first = self.options.batch_size, skip == 0
        with pipeline.translated_errors():
            for batch in pipeline.dataset.skip(skip):
                size = int(batch["num_frames"].shape[0])
                if size < full and not is_first and 2 * size < full:
                    return
                size -= size % self.divisor
                if size:
                    yield batch if size == full else {k: v[:size] for k, v in batch.items()}
                is_first = False

    def _nothing_to_train(self) -> str:
        summary = self.summary()
        return (
            f"the training records hold no batch of {self.options.batch_size} videos"
            f"{' for each worker' if self.options.num_workers > 1 else ''}: "
            f"{len(self.files)} files, the first of them {self.files[0]}"
            + (f"; {summary}" if summary else "")
        )
