"""A look at the first batches for what makes the results of a run meaningless."""

import itertools
import logging
from collections.abc import Iterable, Iterator

import numpy as np
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data.parsing import Batch

_BATCHES = 10
_EXAMPLES = 1000
_VIDEOS_OF_A_BATCH = 64
_LOGGER = logging.getLogger(__name__)


class FirstBatches:
    """Warns, once, where no example has a label or a feature is the same throughout.

    A label, and two frames of a feature that differ, show that they are right; that is nearly
    always in the first batch, and no further one is looked at. A warning takes 10 batches of
    together 1,000 examples, or all that there are.

    Args:
        data: the format of the records.
        examples: what to call them, in the plural.
        need_labels: whether examples without labels are of no use.
    """

    def __init__(self, data: DataConfig, examples: str, need_labels: bool = False) -> None:
        self._examples = examples
        self._need_labels = need_labels
        ends = itertools.accumulate(data.feature_sizes)
        self._constant = {
            name: slice(end - size, end)
            for name, size, end in zip(data.feature_names, data.feature_sizes, ends, strict=True)
        }
        self._first_frame: np.ndarray | None = None
        self._num_frames = 0
        self._num_batches = 0
        self._num_examples = 0
        self._is_done = False

    def watched(self, batches: Iterable[Batch]) -> Iterator[Batch]:
        """The same batches, each after a look at it."""
        for batch in batches:
            self.look(batch)
            yield batch
        self.finish()

    def look(self, batch: Batch) -> None:
        """Looks at the next batch of a `Pipeline`."""
        if self._is_done:
            return
        self._num_batches += 1
        self._num_examples += int(batch["num_frames"].shape[0])
        if self._need_labels:
            self._need_labels = not bool(tf.reduce_any(batch["labels"]))
        if self._constant:
            self._compare(batch)
        if not self._need_labels and not self._constant:
            self._is_done = True
        elif self._num_batches >= _BATCHES and self._num_examples >= _EXAMPLES:
            self.finish()

    def finish(self) -> None:
        """Warns of what none of the batches had; there are no more, or they are enough."""
        if self._is_done or not self._num_examples:
            return
        self._is_done = True
        looked_at = f"the {self._num_examples:,} {self._examples} that were read first"
        if self._need_labels:
            _LOGGER.warning(
                "none of %s has a label: nothing can be learned from them. `yt8m inspect` shows "
                "what the records hold; test records have no labels",
                looked_at,
            )
        if self._first_frame is None or self._num_frames < 2:
            return
        for name, columns in self._constant.items():
            values = "0" if not self._first_frame[columns].any() else "the same"
            _LOGGER.warning(
                "the feature %s is %s throughout %s, and tells nothing about a video. Look at how "
                "it was extracted, or train without it (--feature_names)",
                *(name, values, looked_at),
            )

    def _compare(self, batch: Batch) -> None:
        """Finds the features of which two frames differ."""
        frames = batch["video_matrix"][:_VIDEOS_OF_A_BATCH]
        if len(frames.shape) == 3:
            counts = batch["num_frames"][:_VIDEOS_OF_A_BATCH]
            frames = tf.boolean_mask(frames, tf.sequence_mask(counts, frames.shape[1]))
        values = frames.numpy()
        if not len(values):
            return
        if self._first_frame is None:
            self._first_frame = values[0]
        self._num_frames += len(values)
        differs = (values != self._first_frame).any(axis=0)
        self._constant = {
            name: columns for name, columns in self._constant.items() if not differs[columns].any()
        }
