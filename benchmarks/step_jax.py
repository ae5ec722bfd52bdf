"""The same step, a matrix product and a copy, on JAX without TensorFlow; see `benchmarks.step`."""

from collections.abc import Callable

import jax
import jax.numpy as jnp
import keras

import losses
from benchmarks.step_limit import StepCase
from yt8m_models.models import create_model

_POLICIES = {"none": "float32", "bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
_CLIP_NORM = 1.0


def device() -> str:
    """The name of the device that is measured."""
    return jax.devices()[0].device_kind


def set_precision(name: str) -> str:
    """Prepares for `float32`, `tf32`, `bfloat16` or `float16`; the name for `training_step`."""
    products = {"float32": "float32", "tf32": "tensorfloat32"}
    jax.config.update("jax_default_matmul_precision", products.get(name))
    return "none" if name in products else name


def training_step(
    case: StepCase, batch_size: int, precision: str
) -> tuple[Callable[[], None], int]:
    """A step on one random batch, and the number of trained weights."""
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(_POLICIES[precision])
    try:
        model = create_model(case.model, case.data)
    finally:
        keras.config.set_dtype_policy(before)
    optimizer = keras.optimizers.Adam(2e-4)
    optimizer.build(model.trainable_variables)
    label_loss = losses.CrossEntropyLoss()
    inputs = {name: jnp.asarray(value) for name, value in case.batch(batch_size).items()}
    labels = inputs.pop("labels")

    def loss_of(trained, others):
        predictions, others, penalties = model.stateless_call(
            trained, others, inputs, training=True, return_losses=True
        )
        return label_loss(labels, predictions) + sum(penalties), others

    def update(trained, others, slots):
        (loss, others), gradients = jax.value_and_grad(loss_of, has_aux=True)(trained, others)
        gradients = [_clip(gradient) for gradient in gradients]
        trained, slots = optimizer.stateless_apply(slots, gradients, trained)
        return loss, trained, others, slots

    compiled = jax.jit(update, donate_argnums=(0, 1, 2))
    groups = (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    state = [[variable.value for variable in variables] for variables in groups]

    def train() -> None:
        loss, *state[:] = compiled(*state)
        loss.block_until_ready()

    return train, sum(weight.size for weight in state[0])


def _clip(gradient):
    norm = jnp.sqrt(jnp.sum(jnp.square(gradient)))
    return gradient * (_CLIP_NORM / jnp.maximum(norm, _CLIP_NORM))


def product(size: int, dtype: str) -> Callable[[], None]:
    """A product of two square matrices of this size."""
    matrix = jax.random.normal(jax.random.key(0), (size, size)).astype(dtype)
    compiled = jax.jit(jnp.matmul)
    return lambda: compiled(matrix, matrix).block_until_ready()


def copy(size: int) -> Callable[[], None]:
    """A pass over so many float32 numbers that reads and writes each once, to the same memory.

    XLA for CPUs would take fresh memory for each result, and clearing its pages takes longer.
    """
    values, target = jnp.zeros(size), [jnp.zeros(size)]
    compiled = jax.jit(lambda values, _: values + 1.0, donate_argnums=1, keep_unused=True)

    def run() -> None:
        target[0] = compiled(values, target[0])
        target[0].block_until_ready()

    return run
