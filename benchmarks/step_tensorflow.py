"""The step of `train.py`, a matrix product and a copy, on TensorFlow; see `benchmarks.step`."""

import gc
import statistics
from collections.abc import Callable

import keras
import numpy as np
import tensorflow as tf

import losses
from benchmarks.process import status_mb
from benchmarks.step_limit import StepCase
from benchmarks.timing import in_turn
from yt8m_models.models import create_model
from yt8m_models.training.precision import LossScale, mixed_precision
from yt8m_models.training.step import TrainStep


def device() -> str:
    """The name of the device that is measured."""
    gpus = tf.config.list_physical_devices("GPU")
    return tf.config.experimental.get_device_details(gpus[0])["device_name"] if gpus else "CPU"


def set_precision(name: str) -> str:
    """Prepares for `float32`, `tf32`, `bfloat16` or `float16`; the name for `mixed_precision`."""
    tf.config.experimental.enable_tensor_float_32_execution(name == "tf32")
    return "none" if name in ("float32", "tf32") else name


def training_step(
    case: StepCase, batch_size: int, precision: str
) -> tuple[Callable[[], None], int]:
    """A step on one random batch, and the number of trained weights."""
    with mixed_precision(precision):
        model = create_model(case.model, case.data)
    optimizer = keras.optimizers.Adam(2e-4)
    optimizer.build(model.trainable_variables)
    step = TrainStep(
        model,
        optimizer,
        losses.CrossEntropyLoss(),
        loss_scale=LossScale() if precision == "float16" else None,
    )
    batch = {name: tf.constant(value) for name, value in case.batch(batch_size).items()}

    def train() -> None:
        step(batch).label_loss.numpy()

    return train, sum(int(np.prod(weight.shape)) for weight in model.trainable_variables)


def measure_steps(tiny: StepCase, case: StepCase, batch_size: int, rounds: int) -> dict[str, float]:
    """Seconds and memory of training steps; call it in a process of its own.

    A tiny model is trained first, so that TensorFlow, XLA and their threads are not counted.

    Returns:
        `seconds`: the median of `rounds` steps after the first. `before_mb`: resident memory before
        there was the model; `peak_mb`: at its highest. `weights`: how many are trained.
    """
    step, _ = training_step(tiny, 8, "none")
    step()
    del step
    gc.collect()
    before = status_mb("VmRSS")
    step, weights = training_step(case, batch_size, "none")
    seconds = statistics.median(*in_turn(rounds, step))
    peak = status_mb("VmHWM")
    return {"seconds": seconds, "before_mb": before, "peak_mb": peak, "weights": weights}


def product(size: int, dtype: str) -> Callable[[], None]:
    """A product of two square matrices of this size."""
    matrix = tf.cast(tf.random.normal((size, size)), dtype)
    compiled = tf.function(tf.matmul, jit_compile=True)
    return lambda: compiled(matrix, matrix)[0, 0].numpy()


def copy(size: int) -> Callable[[], None]:
    """A pass over so many float32 numbers that reads and writes each once."""
    values = tf.zeros(size)
    compiled = tf.function(lambda values: values + 1.0, jit_compile=True)
    return lambda: compiled(values)[0].numpy()
