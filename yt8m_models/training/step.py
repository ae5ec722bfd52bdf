"""One training step: forward, loss, gradients, clipping and the update, compiled together."""

from collections.abc import Sequence
from typing import NamedTuple

import keras
import tensorflow as tf

from yt8m_models.training.clipping import clip_gradients
from yt8m_models.training.mixup import WEIGHTS, mix
from yt8m_models.training.precision import LossScale
from yt8m_models.training.strategy import apply_summed
from yt8m_models.training.weight_average import WeightAverage

_Batch = dict[str, tf.Tensor]


class StepOutputs(NamedTuple):
    """What a step leaves, as tensors on the device.

    Attributes:
        label_loss: scalar, mean over the videos of all replicas.
        regularization_loss: scalar, the model's regularisation terms, not weighted.
        is_finite: scalar bool, false where a loss or a gradient is infinite or not a number; with a
            loss scale gradients may be, until the scale falls below 1.
        predictions: `(batch, num_classes)`, those of this machine's videos, in order.
    """

    label_loss: tf.Tensor
    regularization_loss: tf.Tensor
    is_finite: tf.Tensor
    predictions: tf.Tensor


class TrainStep:
    """Trains a model on a batch.

    The loss is `label_loss + regularization_penalty · Σ model.losses`. With n replicas it is shared
    out (a Keras loss divides by n, and so does this with the rest), gradients are summed over them
    and then clipped: n replicas do what one does with their batches together, but for batch
    normalisation, whose statistics are each replica's own, and the first one's saved.

    With one replica and batches in one piece everything, the update included, is one XLA program
    where `jit_compile` is true; otherwise XLA compiles the forward and backward pass.

    Args:
        model: takes a batch's `video_matrix` and `num_frames`.
        optimizer: built for the model's trainable variables.
        label_loss: a Keras loss, `label_loss(labels, predictions, sample_weight=…)`.
        from_logits: whether `label_loss` takes the logits of the model instead of its predictions.
        regularization_penalty: weight of the model's own losses.
        clip_gradient_norm: largest norm of a gradient; 0 does not clip.
        clip_mode: `per_variable` (as the starter code), `global` or `value`; see `clip_gradients`.
        strategy: the distribution strategy under whose scope the model was built.
        jit_compile: compile with XLA.
        loss_scale: scales the loss of a model that computes in float16.
        average: of the weights, brought up to date by each step.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        label_loss: keras.losses.Loss,
        from_logits: bool = False,
        regularization_penalty: float = 1.0,
        clip_gradient_norm: float = 1.0,
        clip_mode: str = "per_variable",
        strategy: tf.distribute.Strategy | None = None,
        jit_compile: bool = True,
        loss_scale: LossScale | None = None,
        average: WeightAverage | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.label_loss = label_loss
        self.from_logits = from_logits
        self.regularization_penalty = regularization_penalty
        self.clip_gradient_norm = clip_gradient_norm
        self.clip_mode = clip_mode
        self.strategy = tf.distribute.get_strategy() if strategy is None else strategy
        self.jit_compile = jit_compile
        self.loss_scale = loss_scale
        self.average = average
        self._compiled_gradients = tf.function(
            self._gradients, jit_compile=jit_compile, autograph=False
        )
        self._compiled_step = tf.function(
            self._train, jit_compile=jit_compile, reduce_retracing=True, autograph=False
        )
        self._step = tf.function(self._train_replicas, reduce_retracing=True, autograph=False)

    def __call__(self, *pieces: _Batch) -> StepOutputs:
        """Trains on a batch: `video_matrix`, `num_frames`, `labels`, and `label_weights` if rated.

        With the weights of `mixup_weights` its videos are mixed before.

        A batch in several pieces gives the gradient of the whole, in the memory of one piece; only
        batch normalisation is by each piece. Values are those of `split_batch`.
        """
        if len(pieces) == self.strategy.num_replicas_in_sync == 1:
            outputs: StepOutputs = self._compiled_step(pieces[0])
        else:
            outputs = self._step(pieces)
        return outputs

    def _train(self, batch: _Batch) -> StepOutputs:
        label_loss, regularization_loss, predictions, gradients = self._gradients(batch)
        is_finite = self._update(label_loss, regularization_loss, gradients)
        return StepOutputs(label_loss, regularization_loss, is_finite, predictions)

    def _train_replicas(self, pieces: Sequence[_Batch]) -> StepOutputs:
        outputs = self.strategy.run(self._train_replica, args=(pieces,))
        label_loss, regularization_loss = (
            self.strategy.reduce(tf.distribute.ReduceOp.SUM, value, axis=None)
            for value in outputs[:2]
        )
        bad_replicas = self.strategy.reduce(tf.distribute.ReduceOp.SUM, outputs[2], axis=None)
        predictions = tf.concat(self.strategy.experimental_local_results(outputs[3]), axis=0)
        return StepOutputs(label_loss, regularization_loss, bad_replicas == 0, predictions)

    def _train_replica(
        self, pieces: Sequence[_Batch]
    ) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, tf.Tensor]:
        """This replica's losses, 1 where its step was not finite and 0 else, its predictions."""
        sizes = [tf.shape(piece["labels"])[0] for piece in pieces]
        shares = [tf.cast(size / tf.add_n(sizes), tf.float32) for size in sizes]
        label_loss = regularization_loss = tf.zeros(())
        gradients = [tf.zeros(variable.shape) for variable in self.model.trainable_variables]
        predictions = []
        for piece, share in zip(pieces, shares, strict=True):
            with tf.control_dependencies(gradients):  # one piece after the other
                label, regularization, predicted, added = self._compiled_gradients(piece)
            label_loss += share * label
            regularization_loss += share * regularization
            predictions.append(predicted)
            gradients = [
                total + share * gradient for total, gradient in zip(gradients, added, strict=True)
            ]
        context = tf.distribute.get_replica_context()
        gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
        is_finite = self._update(label_loss, regularization_loss, gradients)
        is_bad = tf.cast(tf.logical_not(is_finite), tf.float32)
        return label_loss, regularization_loss, is_bad, tf.concat(predictions, axis=0)

    def _gradients(self, batch: _Batch) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor, list[tf.Tensor]]:
        """This replica's share of the losses, its predictions, and the gradients of that share."""
        if WEIGHTS in batch:
            batch = mix(batch)
        inputs = {"video_matrix": batch["video_matrix"], "num_frames": batch["num_frames"]}
        scale = 1.0 if self.loss_scale is None else self.loss_scale.factor.read_value()
        with tf.GradientTape() as tape:
            if self.from_logits:
                outputs = self.model(inputs, training=True, return_logits=True)
            else:
                outputs = self.model(inputs, training=True)
            label_loss = self.label_loss(
                batch["labels"], outputs, sample_weight=batch.get("label_weights")
            )
            regularization_loss = tf.add_n([tf.zeros(()), *self.model.losses])
            regularization_loss /= self.strategy.num_replicas_in_sync
            loss = scale * (label_loss + self.regularization_penalty * regularization_loss)
        variables = [variable.value for variable in self.model.trainable_variables]
        gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
        # Traced for batches of any size, TensorFlow does not know the shapes of all.
        gradients = [
            tf.reshape(gradient, variable.shape)
            for gradient, variable in zip(gradients, variables, strict=True)
        ]
        if self.loss_scale is not None:
            gradients = [gradient / scale for gradient in gradients]
        predictions = tf.sigmoid(outputs) if self.from_logits else outputs
        return label_loss, regularization_loss, predictions, gradients

    def _update(
        self, label_loss: tf.Tensor, regularization_loss: tf.Tensor, gradients: list[tf.Tensor]
    ) -> tf.Tensor:
        """Clips and applies summed gradients; whether everything in the step was finite."""
        loss = label_loss + regularization_loss
        gradients, is_finite = clip_gradients(
            gradients, loss, self.clip_gradient_norm, self.clip_mode
        )
        apply_summed(self.optimizer, gradients, self.model.trainable_variables)
        if self.average is not None:
            self.average.update(self.optimizer.iterations.value)
        if self.loss_scale is None:
            return is_finite
        self.loss_scale.update(is_finite)
        return tf.math.is_finite(loss) & (self.loss_scale.factor >= 1.0)
