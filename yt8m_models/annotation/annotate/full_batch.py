"""The loss of all training videos, and its gradient, summed batch by batch."""

from collections.abc import Iterable, Sequence

import keras
import tensorflow as tf


class FullBatch:
    """Sums the loss and the gradients of all videos, and gives them to an optimizer.

    `L = 1/N Σ_n loss(video n) + Σ model.losses`: each batch adds its share of L and of its
    gradient, so that memory does not grow with the number of videos.

    Args:
        model: takes a batch's `video_matrix`.
        variables: the weights to train; all others stay.
        optimizer: built for `variables`.
        label_loss: a Keras loss, mean over the videos of a batch.
        num_videos: N.
        jit_compile: compile with XLA.
    """

    def __init__(
        self,
        model: keras.Model,
        variables: Sequence[keras.Variable],
        optimizer: keras.optimizers.Optimizer,
        label_loss: keras.losses.Loss,
        num_videos: int,
        jit_compile: bool = True,
    ) -> None:
        self.model = model
        self.variables = list(variables)
        self.optimizer = optimizer
        self.label_loss = label_loss
        self.num_videos = num_videos
        self._loss = tf.Variable(0.0, dtype=tf.float64, trainable=False)
        self._gradients = [
            tf.Variable(tf.zeros(variable.shape), trainable=False) for variable in self.variables
        ]
        self._add = tf.function(self._add_batch, jit_compile=jit_compile, reduce_retracing=True)
        self._apply = tf.function(self._apply_gradients, jit_compile=jit_compile)

    def sum(self, batches: Iterable[dict[str, tf.Tensor]]) -> float:
        """Sums over the batches of one pass; the loss. `apply` uses the gradients."""
        self._loss.assign(0.0)
        for gradient in self._gradients:
            gradient.assign(tf.zeros_like(gradient))
        for batch in batches:
            self._add(batch["video_matrix"], batch["labels"])
        return float(self._loss.numpy())

    def apply(self) -> None:
        """Lets the optimizer take one step by the gradients of the latest `sum`."""
        self._apply()

    def _add_batch(self, features: tf.Tensor, labels: tf.Tensor) -> None:
        share = tf.cast(tf.shape(features)[0], tf.float32) / self.num_videos
        with tf.GradientTape() as tape:
            predictions = self.model({"video_matrix": features}, training=True)
            penalty = tf.add_n([tf.zeros(()), *self.model.losses])
            loss = share * (self.label_loss(labels, predictions) + penalty)
        values = [variable.value for variable in self.variables]
        gradients = tape.gradient(loss, values, unconnected_gradients="zero")
        self._loss.assign_add(tf.cast(loss, tf.float64))
        for total, gradient in zip(self._gradients, gradients, strict=True):
            total.assign_add(gradient)

    def _apply_gradients(self) -> None:
        self.optimizer.apply([tf.identity(total) for total in self._gradients], self.variables)
