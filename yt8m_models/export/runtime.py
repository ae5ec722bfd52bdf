"""Exported files in onnxruntime and LiteRT, without TensorFlow."""

import os
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from yt8m_models.program.extras import require

_LITERT_SUFFIX = ".tflite"


class Runtime:
    """The model of a file that `yt8m export` wrote, in the library that runs its kind.

    Safe to call from several threads; LiteRT runs one call at a time.

    Args:
        path: `model.onnx` or `model.tflite`.
        num_threads: that a call uses; 0 for as many as there are cores.

    Raises:
        ValueError: the library is not installed, or cannot load the file.

    Example:
        >>> predictions = Runtime("exported/model.onnx")(video_matrix, num_frames)
    """

    def __init__(self, path: str | os.PathLike[str], num_threads: int = 0) -> None:
        self.path = os.fspath(path)
        self.num_threads = num_threads
        is_litert = Path(path).suffix == _LITERT_SUFFIX
        name, extra = (
            ("ai_edge_litert.interpreter", "export") if is_litert else ("onnxruntime", "onnx")
        )
        library = require(name, extra=extra)
        self._lock = threading.Lock()
        self._runner: Any = None
        self._session: Any = None
        self._outputs: list[str] = []
        try:
            if is_litert:
                threads = num_threads or os.cpu_count()
                interpreter = library.Interpreter(model_path=self.path, num_threads=threads)
                interpreter.allocate_tensors()  # which refuses operations that it does not know
                self._runner = interpreter.get_signature_runner()
                self._inputs = set(self._runner.get_input_details())
            else:
                options = library.SessionOptions()
                options.intra_op_num_threads = num_threads
                options.log_severity_level = 3
                self._session = library.InferenceSession(
                    self.path, options, providers=["CPUExecutionProvider"]
                )
                self._inputs = {given.name for given in self._session.get_inputs()}
                self._outputs = [given.name for given in self._session.get_outputs()]
        except Exception as error:  # each library has its own
            raise ValueError(f"{self.path} cannot be loaded: {error}") from error

    def __call__(self, video_matrix: np.ndarray, num_frames: np.ndarray) -> np.ndarray:
        """Predictions, or embeddings, float32 `(batch, output_size)`.

        Args:
            video_matrix: `(batch, T, D)`, or `(batch, D)` of video level, of the type that the file
                was exported for.
            num_frames: int32 `(batch,)`; video-level models do without.
        """
        given = {"video_matrix": video_matrix, "num_frames": num_frames}
        (output,) = self.run({name: given[name] for name in given if name in self._inputs}).values()
        return output

    def run(self, inputs: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The outputs of the file by name, of its inputs by name."""
        if self._session is not None:
            outputs = self._session.run(self._outputs, dict(inputs))
            return dict(zip(self._outputs, outputs, strict=True))
        with self._lock:
            found: dict[str, np.ndarray] = self._runner(**inputs)
        return found
