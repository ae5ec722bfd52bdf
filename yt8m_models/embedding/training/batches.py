"""Batches of triplets with the features of their videos."""

import itertools
from collections.abc import Iterator

import numpy as np

from yt8m_models.features.frame_table import FrameTable
from yt8m_models.features.table import Table
from yt8m_models.graph.triplet_sampler import Triplets, TripletSampler
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

    Several replicas share the same batch. Each gets its share of the videos, filled up with empty
    ones to as many as the others have, and its share of the anchors with all negatives:

        anchors, positives               which of all replicas' videos, int32 (n,)
        negatives                        the same, int32 (batch_size,)
        excluded                         bool (n, batch_size)
        first                            the number of the first anchor, int32

    The frames that are sampled depend on the number of machines, and nothing else does.

    Args:
        sampler: of the triplets.
        table: the features.
        feature_rows: the row in the table of each video of the graph.
        batch_size: triplets in a batch.
        sample_frames: frames to sample of each video, where the table is of frames.
        seed: of the frames.
        num_replicas: how many train together.
        replicas: which of them are those of this machine.

    Raises:
        ValueError: there are fewer triplets than replicas.
    """

    def __init__(
        self,
        sampler: TripletSampler,
        table: Table,
        feature_rows: np.ndarray,
        batch_size: int,
        sample_frames: int,
        seed: int,
        num_replicas: int = 1,
        replicas: range = range(1),
    ) -> None:
        if batch_size < num_replicas:
            raise ValueError(
                f"--batch_size must be at least {num_replicas}, a triplet for each replica; "
                f"received {batch_size}"
            )
        self.sampler = sampler
        self.table = table
        self.feature_rows = feature_rows
        self.batch_size = batch_size
        self.sample_frames = sample_frames
        self.seed = seed
        self.num_replicas = num_replicas
        self.replicas = replicas

    def steps(self, first: int, end: int) -> Iterator[list[dict[str, np.ndarray]]]:
        """The batches of steps, each made in a thread while the one before is trained on."""
        return prefetched(self.batch, range(first, end))

    def batch(self, step: int) -> list[dict[str, np.ndarray]]:
        """The batch of a step, counted from 0: what each of this machine's replicas gets of it."""
        triplets = self.sampler.batch(step, self.batch_size)
        videos, places = np.unique(np.concatenate(triplets), return_inverse=True)
        granularity = -(-3 * self.batch_size // _PARTS)
        granularity += -granularity % self.num_replicas
        share = (len(videos) + -len(videos) % granularity) // self.num_replicas
        bounds = self._bounds(len(videos))
        # The place of each video once every replica's share is filled up.
        filled = np.concatenate(
            [
                np.arange(end - start) + share * replica
                for replica, (start, end) in enumerate(itertools.pairwise(bounds))
            ]
        )
        triplet_places = filled[places].astype(np.int32).reshape(3, self.batch_size)
        start, stop = bounds[self.replicas.start], bounds[self.replicas.stop]
        inputs = self._inputs(self.feature_rows[videos[start:stop]], step)
        parts = []
        for replica in self.replicas:
            own = slice(bounds[replica] - start, bounds[replica + 1] - start)
            missing = share - (own.stop - own.start)
            part = {name: _padded(values[own], missing) for name, values in inputs.items()}
            parts.append({**part, **self._of_anchors(replica, triplets, triplet_places)})
        return parts

    def _of_anchors(
        self, replica: int, triplets: Triplets, places: np.ndarray
    ) -> dict[str, np.ndarray]:
        """A replica's anchors and what belongs to them, by the places of their videos."""
        bounds = self._bounds(self.batch_size)
        own = slice(bounds[replica], bounds[replica + 1])
        anchors, positives, negatives = triplets
        part: dict[str, np.ndarray] = {
            "anchors": places[0, own],
            "positives": places[1, own],
            "negatives": places[2],
            "excluded": self.sampler.excluded(Triplets(anchors[own], positives[own], negatives)),
        }
        return part if self.num_replicas == 1 else {**part, "first": np.array(own.start, np.int32)}

    def _bounds(self, count: int) -> list[int]:
        """Where the replicas' shares of so many things begin and end."""
        return [count * replica // self.num_replicas for replica in range(self.num_replicas + 1)]

    def _inputs(self, rows: np.ndarray, step: int) -> dict[str, np.ndarray]:
        if isinstance(self.table, FrameTable):
            num_machines = self.num_replicas // len(self.replicas)
            draw = step * num_machines + self.replicas.start // len(self.replicas)
            return self.table.inputs(rows, self.sample_frames, (self.seed << 32) + draw)
        return self.table.inputs(rows)


def _padded(values: np.ndarray, missing: int) -> np.ndarray:
    return np.concatenate([values, np.zeros((missing, *values.shape[1:]), values.dtype)])
