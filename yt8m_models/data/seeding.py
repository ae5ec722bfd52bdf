"""Random datasets that depend on their seed alone.

`tf.data.Dataset.random` and `shuffle` mix TensorFlow's global seed into theirs, which a training
sets and an evaluation does not. Their operations take both seeds, so here the global one is a
constant.
"""

from typing import Any

import tensorflow as tf

_GLOBAL_SEED = 1


def changing_seed(seed: int) -> tf.data.Dataset:
    """One scalar int64, another one in each iteration."""
    spec = tf.TensorSpec([], tf.int64)
    variant = tf.raw_ops.RandomDatasetV2(
        rerandomize_each_iteration=True, **_seeds(seed), **_structure(spec)
    )
    return tf.data.experimental.from_variant(variant, spec).take(1)


def shuffled(dataset: tf.data.Dataset, buffer_size: int, seed: tf.Tensor) -> tf.data.Dataset:
    """The elements in an order drawn through a buffer, the same in each iteration."""
    spec = dataset.element_spec
    variant = tf.raw_ops.ShuffleDatasetV3(
        input_dataset=tf.data.experimental.to_variant(dataset),
        buffer_size=tf.constant(buffer_size, tf.int64),
        reshuffle_each_iteration=False,
        **_seeds(seed),
        **_structure(spec),
    )
    return tf.data.experimental.from_variant(variant, spec)


def _seeds(seed: int | tf.Tensor) -> dict[str, tf.Tensor]:
    return {
        "seed": tf.constant(_GLOBAL_SEED, tf.int64),
        "seed2": tf.convert_to_tensor(seed, tf.int64),
        "seed_generator": tf.raw_ops.DummySeedGenerator(),
    }


def _structure(spec: Any) -> dict[str, list[Any]]:
    flat = tf.nest.flatten(spec)
    return {
        "output_types": [each.dtype for each in flat],
        "output_shapes": [each.shape for each in flat],
    }
