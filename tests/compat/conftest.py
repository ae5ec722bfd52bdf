"""Recorded variables as TensorFlow 1 checkpoints."""

import json

import numpy as np
import pytest
import tensorflow as tf


@pytest.fixture(scope="session")
def recording(shared):
    """`recording(name)`: the recorded inputs, variables and outputs of an original model."""
    return lambda name: np.load(shared / "parity" / f"{name}.npz")


@pytest.fixture(scope="session")
def write_tf1_checkpoint():
    """Writes a training directory as a TensorFlow 1 program does, and returns the checkpoint."""

    def write(directory, variables, record=None, step=7):
        directory.mkdir(parents=True, exist_ok=True)
        values = {**variables, "global_step": np.array(step, np.int32)}
        path = directory / f"model.ckpt-{step}"
        tf.raw_ops.SaveV2(
            prefix=str(path),
            tensor_names=list(values),
            shape_and_slices=[""] * len(values),
            tensors=list(values.values()),
        )
        if record is not None:
            (directory / "model_flags.json").write_text(json.dumps(record))
        return path

    return write
