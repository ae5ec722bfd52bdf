"""Whether written files give what the Keras model gives."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data.quantization import dequantize
from yt8m_models.data.records import frame_record, video_record
from yt8m_models.export.config import UINT8
from yt8m_models.export.export_dir import CLASSIFIER
from yt8m_models.export.saved_model import Arrays
from yt8m_models.export.trained_model import TrainedModel
from yt8m_models.storage.array_archive import write_arrays

MAX_DEVIATION = 1e-5  # of numbers that are computed alike, but for rounding
MAX_DEVIATION_QUANTIZED = 0.1  # only broken files give more

_SEED = 8
_NUM_FRAMES = (12, 5, 1, 0)
_NUM_PADDED = 15

Outputs = dict[str, np.ndarray]


@dataclass(frozen=True)
class SelfCheck:
    """A few videos, and what the Keras model gives of them.

    Attributes:
        trained: the model.
        video_matrix: frames as recorded, uint8 `(n, T, D)`, with noise as padding; or float32
            `(n, D)`.
        num_frames: int32 `(n,)`.
        video_ids: bytes `(n,)`.
        records: the same videos, serialised.
        expected: what the model gives, float32 `(n, output_size)`.
    """

    trained: TrainedModel
    video_matrix: np.ndarray
    num_frames: np.ndarray
    video_ids: np.ndarray
    records: list[bytes]
    expected: np.ndarray

    @classmethod
    def of(cls, trained: TrainedModel) -> "SelfCheck":
        """Videos of random features, from a fixed seed."""
        data, rng = trained.data, np.random.default_rng(_SEED)
        width, count = sum(data.feature_sizes), len(_NUM_FRAMES)
        video_ids = np.array([f"c{index:03}".encode() for index in range(count)])
        if data.frame_features:
            num_frames = np.array(_NUM_FRAMES, np.int32)
            video_matrix = rng.integers(0, 256, (count, _NUM_PADDED, width), np.uint8)
        else:
            num_frames = np.ones(count, np.int32)
            video_matrix = rng.normal(size=(count, width)).astype(np.float32)
        inputs = {"video_matrix": video_matrix, "num_frames": num_frames}
        tensors = {name: tf.constant(values) for name, values in inputs.items()}
        return cls(
            trained,
            video_matrix,
            num_frames,
            video_ids,
            list(_records(data, video_matrix, num_frames, video_ids)),
            trained.model(tensors, training=False).numpy(),
        )

    def write(self, path: str) -> None:
        """Writes everything to an `.npz`; the records stand one behind the other."""
        arrays = {
            "video_matrix": self.video_matrix,
            "num_frames": self.num_frames,
            "video_ids": self.video_ids,
            "records": np.frombuffer(b"".join(self.records), np.uint8),
            "record_sizes": np.array([len(record) for record in self.records]),
            self.trained.output: self.expected,
        }
        write_arrays(path, arrays)

    def deviation_of_features(self, run: Callable[[Arrays], Outputs], input_type: str) -> float:
        """How far a function of features is from the model, at most.

        It is called with all videos, padded, and with each alone and not padded.

        Args:
            run: takes `video_matrix` and, of frames, `num_frames`, and gives outputs by name.
            input_type: of `video_matrix` of frames: float32 or uint8.
        """
        deviations = []
        for rows, length in self._batches():
            inputs = {"video_matrix": self.video_matrix[rows]}
            if self.trained.data.frame_features:
                frames = inputs["video_matrix"][:, :length]
                inputs["video_matrix"] = frames if input_type == UINT8 else dequantize(frames)
                inputs["num_frames"] = self.num_frames[rows]
            found = run(inputs)[self.trained.output]
            deviations.append(_deviation(found, self.expected[rows]))
        return largest(deviations)

    def deviation_of_records(self, run: Callable[[Arrays], Outputs], top_k: int) -> float:
        """The same of a function of `example_bytes`, which gives the best `top_k` classes.

        Raises:
            ValueError: it gives other ids than those of the records.
        """
        deviations = []
        for rows, _ in self._batches():
            found = run({"example_bytes": np.array(self.records[rows], object)})
            if list(found["video_id"]) != list(self.video_ids[rows]):
                raise ValueError(
                    f"the ids of records must be {self.video_ids[rows]}; received "
                    f"{found['video_id']}"
                )
            received, expected = found[self.trained.output], self.expected[rows]
            if self.trained.kind == CLASSIFIER:
                of_classes = np.take_along_axis(expected, found["class_indexes"], axis=1)
                deviations.append(_deviation(received, of_classes))
                expected = -np.sort(-expected, axis=1)[:, :top_k]
            deviations.append(_deviation(received, expected))
        return largest(deviations)

    def _batches(self) -> Iterator[tuple[slice, int]]:
        """The rows of a batch, and how many frames it has with its padding."""
        yield slice(None), _NUM_PADDED
        for row, count in enumerate(self.num_frames):
            yield slice(row, row + 1), max(int(count), 1)


def largest(values: list[float]) -> float:
    """The largest value; NaN where one is."""
    return float(np.max(values))


def _deviation(found: np.ndarray, expected: np.ndarray) -> float:
    if found.shape != expected.shape:
        return np.inf
    return float(np.max(np.abs(found - expected)))


def _records(
    data: DataConfig, video_matrix: np.ndarray, num_frames: np.ndarray, video_ids: Any
) -> Iterator[bytes]:
    ends = np.cumsum(data.feature_sizes)[:-1]
    for video_id, values, count in zip(video_ids.tolist(), video_matrix, num_frames, strict=True):
        values = values[:count] if data.frame_features else values
        features = dict(zip(data.feature_names, np.split(values, ends, axis=-1), strict=True))
        record = frame_record if data.frame_features else video_record
        yield record(video_id, [], features)
