"""Exported models in the libraries that run them, of which each imports only its own."""

import os
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import seconds_of

BATCH_SIZES = (1, 64)
_NUM_FRAMES, _WIDTH = 300, 1152
_ROUNDS = {1: 20, 64: 5}

Inputs = dict[str, np.ndarray]


def measure(name: str, directory: str) -> dict[str, float]:
    """Seconds from the import of the library to the first prediction, and milliseconds a video.

    The latter are the least of several runs, which other work on the machine disturbs least.
    """
    rng = np.random.default_rng(0)
    batches = {
        size: {
            "video_matrix": rng.normal(size=(size, _NUM_FRAMES, _WIDTH)).astype(np.float32),
            "num_frames": np.full(size, _NUM_FRAMES, np.int32),
        }
        for size in BATCH_SIZES
    }
    path, load = _LOADERS[name]
    start = time.perf_counter()
    run = load(f"{directory}/{path}")
    run(batches[1])
    measured = {"start_seconds": time.perf_counter() - start}
    for size, inputs in batches.items():
        run(inputs)
        seconds = min(seconds_of(partial(run, inputs)) for _ in range(_ROUNDS[size]))
        measured[f"ms_{size}"] = 1000 * seconds / size
    files = [Path(directory, path), *Path(directory, path).rglob("*")]
    measured["mb"] = sum(file.stat().st_size for file in files if file.is_file()) / 1e6
    return measured


def _tensorflow(path: str) -> Callable[[Inputs], Any]:
    import tensorflow as tf

    model = tf.saved_model.load(path)

    def run(inputs: Inputs) -> Any:
        tensors = {name: tf.constant(values) for name, values in inputs.items()}
        return model.signatures["features"](**tensors)["predictions"].numpy()

    return run


def _onnx(path: str) -> Callable[[Inputs], Any]:
    import onnxruntime

    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return lambda inputs: session.run(None, inputs)


def _litert(path: str) -> Callable[[Inputs], Any]:
    from ai_edge_litert.interpreter import Interpreter

    runner = Interpreter(path, num_threads=os.cpu_count()).get_signature_runner()
    return lambda inputs: runner(**inputs)


_LOADERS = {
    "saved_model": ("saved_model", _tensorflow),
    "onnx": ("model.onnx", _onnx),
    "litert": ("model.tflite", _litert),
}
