"""Masked pooling over frames, as functions."""

from keras import ops

from yt8m_models.layers.base import Tensor

METHODS = ("average", "max")


def average_frames(frames: Tensor, mask: Tensor | None = None) -> Tensor:
    """Mean over the valid frames.

    Args:
        frames: `(batch, T, D)`.
        mask: bool `(batch, T)`, true for valid frames; `None` where all are.

    Returns:
        `(batch, D)`; zeros for a video without frames.
    """
    if mask is None:
        return ops.mean(frames, axis=1)
    weights = ops.expand_dims(ops.cast(mask, frames.dtype), -1)
    return ops.sum(frames * weights, axis=1) / ops.maximum(ops.sum(weights, axis=1), 1)


def max_frames(frames: Tensor, mask: Tensor | None = None) -> Tensor:
    """Maximum over the valid frames; shapes as in `average_frames`."""
    if mask is None:
        return ops.max(frames, axis=1)
    mask = ops.expand_dims(mask, -1)
    lowest = float("-inf")
    largest = ops.max(ops.where(mask, frames, lowest), axis=1)
    return ops.where(ops.any(mask, axis=1), largest, ops.zeros_like(largest))


def pool_frames(frames: Tensor, mask: Tensor | None, method: str) -> Tensor:
    """`average_frames` or `max_frames` by name."""
    return (average_frames if method == "average" else max_frames)(frames, mask)
