"""Predictions as JSON, a line for each video."""

import json
from collections.abc import Sequence
from typing import IO

import numpy as np


class JsonLines:
    """Writes `{"id": …, "classes": […], "labels": […], "scores": […]}`, best first.

    Args:
        file: where the bytes go.
        class_names: the labels, by class; none leaves them out.
    """

    def __init__(self, file: IO[bytes], class_names: Sequence[str]) -> None:
        self.file = file
        self.class_names = class_names

    def add(self, video_ids: np.ndarray, classes: np.ndarray, scores: np.ndarray) -> None:
        """Writes the lines of a batch; arguments as of `VideoSubmission.add`."""
        for video_id, best, values in zip(video_ids, classes.tolist(), scores, strict=True):
            labels = {"labels": [self.class_names[index] for index in best]}
            fields = {"classes": best, **(labels if self.class_names else {})}
            self._write(video_id, {**fields, "scores": _numbers(values)})

    def add_embeddings(self, video_ids: np.ndarray, embeddings: np.ndarray) -> None:
        """Writes `{"id": …, "embedding": […]}` for each video of a batch."""
        for video_id, embedding in zip(video_ids, embeddings, strict=True):
            self._write(video_id, {"embedding": _numbers(embedding)})

    def finish(self) -> None:
        """Every line is written already."""

    def _write(
        self, video_id: bytes, fields: dict[str, list[int] | list[str] | list[float]]
    ) -> None:
        line = {"id": video_id.decode(errors="replace"), **fields}
        self.file.write(json.dumps(line, ensure_ascii=False).encode() + b"\n")


def _numbers(values: np.ndarray) -> list[float]:
    """Numbers with as many digits as tell them from other numbers of their type."""
    return [float(str(value)) for value in values]
