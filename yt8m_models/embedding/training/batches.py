"""Batches of triplets with the features of their videos."""

from collections.abc import Iterator

import numpy as np

from yt8m_models.features.frame_table import FrameTable
from yt8m_models.features.table import Table
from yt8m_models.graph.triplet_sampler import TripletSampler
from yt8m_models.program.background import prefetched

_PARTS = 16


class TripletBatches:
    """The batch of each step, a function of the step and of the seed alone.

    A video that is in a batch several times is read and embedded once, so that a batch has

        video_matrix, num_frames         inputs of the model for the videos in the batch; their
                                         number is rounded up to one of 16 sizes, with empty videos
        anchors, positives, negatives    which of these videos, int32 (batch_size,)
        excluded                         bool (batch_size, batch_size): a negative that may not be
                                         taken for an anchor, as of `TripletSampler.excluded`

    Args:
        sampler: of the triplets.
        table: the features.
        feature_rows: the row in the table of each video of the graph.
        batch_size: triplets in a batch.
        sample_frames: frames to sample of each video, where the table is of frames.
        seed: of the frames.
    """

    def __init__(
        self,
        sampler: TripletSampler,
        table: Table,
        feature_rows: np.ndarray,
        batch_size: int,
        sample_frames: int,
        seed: int,
    ) -> None:
        self.sampler = sampler
        self.table = table
        self.feature_rows = feature_rows
        self.batch_size = batch_size
        self.sample_frames = sample_frames
        self.seed = seed

    def steps(self, first: int, end: int) -> Iterator[dict[str, np.ndarray]]:
        """The batches of steps, each made in a thread while the one before is trained on."""
        return prefetched(self.batch, range(first, end))

    def batch(self, step: int) -> dict[str, np.ndarray]:
        """The batch of a step, counted from 0."""
        triplets = self.sampler.batch(step, self.batch_size)
        videos, places = np.unique(np.concatenate(triplets), return_inverse=True)
        anchors, positives, negatives = places.astype(np.int32).reshape(3, self.batch_size)
        granularity = -(-3 * self.batch_size // _PARTS)
        missing = -len(videos) % granularity
        inputs = self._inputs(self.feature_rows[videos], step)
        return {
            **{name: _padded(values, missing) for name, values in inputs.items()},
            "anchors": anchors,
            "positives": positives,
            "negatives": negatives,
            "excluded": self.sampler.excluded(triplets),
        }

    def _inputs(self, rows: np.ndarray, step: int) -> dict[str, np.ndarray]:
        if isinstance(self.table, FrameTable):
            return self.table.inputs(rows, self.sample_frames, (self.seed << 32) + step)
        return self.table.inputs(rows)


def _padded(values: np.ndarray, missing: int) -> np.ndarray:
    return np.concatenate([values, np.zeros((missing, *values.shape[1:]), values.dtype)])
