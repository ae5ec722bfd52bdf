"""What is read of an exported directory to predict with it, without TensorFlow."""

import os
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from yt8m_models.config import DataConfig
from yt8m_models.data.quantization import dequantize
from yt8m_models.export.config import ONNX, RUNNABLE, UINT8
from yt8m_models.export.export_dir import EXPORT_DIR
from yt8m_models.storage.text_file import read_text


@dataclass(frozen=True)
class ExportedModel:
    """An exported model, and how videos become its inputs.

    Attributes:
        path: the file to run.
        name: what people call the model.
        kind: `classifier` or `embedding`.
        data: the records that it was trained on.
        input_type: of `video_matrix`: `float32` or `uint8`.
        output_size: classes, or dimensions of an embedding.
        top_k: classes to tell of a video, unless more or fewer are asked for.
        class_names: the names of all classes; none of an embedding.
    """

    path: str
    name: str
    kind: str
    data: DataConfig
    input_type: str
    output_size: int
    top_k: int
    class_names: tuple[str, ...]

    @classmethod
    def read(cls, directory: str, format: str = "") -> "ExportedModel":
        """What a directory holds.

        Args:
            directory: of `yt8m export`.
            format: `onnx` or `litert`; the first of them that is there unless given.

        Raises:
            ValueError: it holds no exported model, is damaged, or lacks the format.
        """
        record = EXPORT_DIR.read(directory)
        there = [name for name in RUNNABLE if name in record["formats"]]
        if not there or (format and format not in there):
            raise ValueError(
                f"{directory} holds no {format or ' or '.join(RUNNABLE)} file, but "
                f"{', '.join(record['formats'])}: export it with --format={format or ONNX}"
            )
        with EXPORT_DIR.opening(directory):
            data = DataConfig(
                record["feature_names"],
                record["feature_sizes"],
                record["frame_features"],
                num_classes=record["output_size"],
                max_frames=record["max_frames"],
                unequal_frames=record["flags"].get("unequal_frames", "trim"),
            )
        names: list[str] = []
        if labels := record["class_names_file"]:
            names = read_text(os.path.join(directory, labels)).split("\n")[: record["output_size"]]
        return cls(
            str(Path(directory, record["formats"][format or there[0]]["path"])),
            record.get("model", ""),
            record["kind"],
            data,
            record["input_type"],
            record["output_size"],
            record["top_k"],
            tuple(names),
        )

    def as_input(self, values: np.ndarray) -> np.ndarray:
        """A video's features in the type of the model's input.

        Args:
            values: uint8 as recorded, or float32 dequantised; `(num_frames, D)` or `(D,)`.

        Raises:
            ValueError: they are floats, and the model takes frames as recorded.
        """
        if values.dtype == np.uint8:
            return values if self.input_type == UINT8 else np.asarray(dequantize(values))
        if self.input_type == UINT8:
            raise ValueError("this model takes frames as recorded, uint8; received numbers")
        return values.astype(np.float32, copy=False)

    def inputs(self, videos: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
        """`video_matrix` and `num_frames` of videos from `as_input`, padded to the longest."""
        if not self.data.frame_features:
            return np.stack(videos), np.ones(len(videos), np.int32)
        num_frames = np.array([len(values) for values in videos], np.int32)
        shape = (len(videos), max(int(num_frames.max()), 1), sum(self.data.feature_sizes))
        video_matrix = np.zeros(shape, self.input_type)
        for row, values in zip(video_matrix, videos, strict=True):
            row[: len(values)] = values
        return video_matrix, num_frames
