"""The same step, a matrix product and a copy, on JAX without TensorFlow; see `benchmarks.step`."""

import contextlib
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import keras

import losses
from benchmarks.step_limit import StepCase
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.create import create_embedding_model
from yt8m_models.embedding.mining import mine_negatives
from yt8m_models.models import create_model

VIDEO_FEATURES = (("mean_rgb", "mean_audio"), (1024, 128))
_MIXED = {"bfloat16": "mixed_bfloat16", "float16": "mixed_float16"}
_CLIP_NORM = 1.0


def device() -> str:
    """The name of the device that is measured."""
    return jax.devices()[0].device_kind


def set_precision(name: str) -> str:
    """Prepares for `float32`, `tf32`, `bfloat16` or `float16`; the name for `training_step`."""
    products = {"float32": "float32", "tf32": "tensorfloat32"}
    jax.config.update("jax_default_matmul_precision", products.get(name))
    return "none" if name in products else name


class Compiled(NamedTuple):
    """A compiled computation.

    Attributes:
        run: computes it once.
        num_weights: trained weights of the model.
        memory_bytes: of its arguments, results and everything between them.
    """

    run: Callable[[], None]
    num_weights: int
    memory_bytes: int


def training_step(
    case: StepCase, batch_size: int, precision: str
) -> tuple[Callable[[], None], int]:
    """A step on one random batch, and the number of trained weights."""
    return compiled_step(case, batch_size, precision)[:2]


def compiled_step(case: StepCase, batch_size: int, precision: str) -> Compiled:
    """A step on one random batch."""
    model, inputs, labels = _model_and_batch(case, batch_size, precision)
    label_loss = losses.CrossEntropyLoss()

    def loss_of(trained, others, inputs, labels):
        predictions, others, penalties = model.stateless_call(
            trained, others, inputs, training=True, return_losses=True
        )
        return label_loss(labels, predictions) + sum(penalties), others

    return _compile_step(model, loss_of, 2e-4, inputs, labels)


def compiled_forward(case: StepCase, batch_size: int, precision: str) -> Compiled:
    """The predictions of one random batch, as inference computes them."""
    model, inputs, _ = _model_and_batch(case, batch_size, precision)

    def predict(trained, others, inputs):
        return model.stateless_call(trained, others, inputs, training=False)[0]

    state = [_values(model.trainable_variables), _values(model.non_trainable_variables)]
    compiled = jax.jit(predict).lower(*state, inputs).compile()
    return Compiled(
        lambda: compiled(*state, inputs).block_until_ready(), _count(state[0]), _memory(compiled)
    )


def compiled_triplet_step(batch_size: int, precision: str) -> Compiled:
    """A step of the late-fusion network 4000-256 on triplets without a video in common."""
    with _policy(precision):
        model = create_embedding_model(EmbeddingConfig(), *VIDEO_FEATURES)
    keys = jax.random.split(jax.random.key(0))
    videos = jax.random.normal(keys[0], (3 * batch_size, sum(VIDEO_FEATURES[1])))
    excluded = jax.random.uniform(keys[1], (batch_size, batch_size)) < 1e-3
    triplet_loss = losses.TripletHingeLoss()

    def loss_of(trained, others, videos, excluded):
        embeddings, others = model.stateless_call(
            trained, others, {"video_matrix": videos}, training=True
        )
        mined = mine_negatives(*jnp.split(embeddings, 3), excluded)
        near, far = mined.positive_distances, mined.negative_distances
        return triplet_loss(near, far, mask=mined.found), others

    return _compile_step(model, loss_of, 1e-4, videos, excluded)


def _compile_step(
    model: keras.Model, loss_of: Callable[..., Any], learning_rate: float, *batch: Any
) -> Compiled:
    """Adam's update by `loss_of(trained, others, *batch)`, a loss and what becomes of others."""
    optimizer = keras.optimizers.Adam(learning_rate)
    optimizer.build(model.trainable_variables)

    def update(trained, others, slots, *batch):
        gradient_of = jax.value_and_grad(loss_of, has_aux=True)
        (loss, others), gradients = gradient_of(trained, others, *batch)
        gradients = [_clip(gradient) for gradient in gradients]
        trained, slots = optimizer.stateless_apply(slots, gradients, trained)
        return loss, trained, others, slots

    variables = (model.trainable_variables, model.non_trainable_variables, optimizer.variables)
    state = [_values(each) for each in variables]
    compiled = jax.jit(update, donate_argnums=(0, 1, 2)).lower(*state, *batch).compile()

    def train() -> None:
        loss, *state[:] = compiled(*state, *batch)
        loss.block_until_ready()

    return Compiled(train, _count(state[0]), _memory(compiled))


def _model_and_batch(
    case: StepCase, batch_size: int, precision: str
) -> tuple[keras.Model, dict[str, Any], Any]:
    with _policy(precision):
        model = create_model(case.model, case.data)
    inputs = {name: jnp.asarray(value) for name, value in case.batch(batch_size).items()}
    return model, inputs, inputs.pop("labels")


@contextlib.contextmanager
def _policy(precision: str) -> Iterator[None]:
    before = keras.config.dtype_policy()
    keras.config.set_dtype_policy(_MIXED.get(precision, "float32"))
    try:
        yield
    finally:
        keras.config.set_dtype_policy(before)


def _values(variables: list[Any]) -> list[Any]:
    return [variable.value for variable in variables]


def _count(weights: list[Any]) -> int:
    return sum(weight.size for weight in weights)


def _memory(compiled: Any) -> int:
    sizes = compiled.memory_analysis()
    return (
        sizes.argument_size_in_bytes
        + sizes.output_size_in_bytes
        + sizes.temp_size_in_bytes
        - sizes.alias_size_in_bytes
    )


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
