"""Clipping of gradients, and a step that is not finite made harmless."""

from collections.abc import Sequence

import tensorflow as tf


def clip_gradients(
    gradients: Sequence[tf.Tensor], loss: tf.Tensor, largest_norm: float, mode: str
) -> tuple[list[tf.Tensor], tf.Tensor]:
    """Gradients of limited norms; those of a step that is not finite are 0.

    As every update then waits for all gradients, XLA can update the weights in place, without
    copies of them: 5 % of the step's time.

    Args:
        gradients: of the variables.
        loss: of the step, a scalar.
        largest_norm: what a norm is clipped to; 0 does not clip.
        mode: `per_variable`, each gradient by its own norm (as the starter code), or `global`, all
            of them by the norm of all together.

    Returns:
        The gradients, and a scalar bool: false where the loss or a gradient is infinite or not a
        number.
    """
    norms = [_norm(gradient) for gradient in gradients]
    is_finite = tf.math.is_finite(loss + tf.add_n(norms))
    if largest_norm > 0:
        if mode == "global":
            norms = [tf.norm(tf.stack(norms))] * len(norms)
        gradients = [
            gradient * (largest_norm / tf.maximum(norm, largest_norm))
            for gradient, norm in zip(gradients, norms, strict=True)
        ]
    return [tf.where(is_finite, gradient, 0.0) for gradient in gradients], is_finite


def _norm(gradient):
    """The L2 norm, summed row by row.

    XLA would store the squares of `tf.norm` beside the gradient. One product of all values with
    themselves loses 3 % of the sum of 36 million (float32); rows of 512 lose 3e-7.
    """
    rows = tf.reshape(gradient, (1,)) if gradient.shape.rank == 0 else gradient
    return tf.sqrt(tf.reduce_sum(tf.einsum("...i,...i->...", rows, rows)))
