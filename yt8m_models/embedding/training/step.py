"""One training step on triplets: forward, mining, loss, gradients and the update together."""

from typing import Any, NamedTuple

import keras
import tensorflow as tf

from losses.triplet_loss import TripletLoss
from yt8m_models.embedding.mining import mine_negatives
from yt8m_models.training.clipping import clip_gradients


class TripletOutputs(NamedTuple):
    """What a step leaves, scalars on the device; means are over the triplets with a negative.

    Attributes:
        loss: the triplet loss.
        violations: share of the triplets whose negative is not further than the positive.
        positive_distance: mean squared distance of anchor and positive.
        negative_distance: mean squared distance of anchor and negative.
        without_negative: share of the triplets for which the batch has no negative.
        is_finite: false where the loss or a gradient is infinite or not a number.
    """

    loss: tf.Tensor
    violations: tf.Tensor
    positive_distance: tf.Tensor
    negative_distance: tf.Tensor
    without_negative: tf.Tensor
    is_finite: tf.Tensor


class TripletStep:
    """Trains an embedding on a batch of triplets.

    Args:
        model: gives an embedding for each video of a batch.
        optimizer: built for the model's trainable variables.
        loss: of squared distances.
        mining: how negatives are chosen, as of `mine_negatives`.
        seed: of mining at random.
        clip_gradient_norm, clip_mode: as of `clip_gradients`.
        jit_compile: compile with XLA.
    """

    def __init__(
        self,
        model: keras.Model,
        optimizer: keras.optimizers.Optimizer,
        loss: TripletLoss,
        mining: str,
        seed: keras.random.SeedGenerator,
        clip_gradient_norm: float = 1.0,
        clip_mode: str = "global",
        jit_compile: bool = True,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.loss = loss
        self.mining = mining
        self.seed = seed
        self.clip_gradient_norm = clip_gradient_norm
        self.clip_mode = clip_mode
        self._step = tf.function(self._train, jit_compile=jit_compile)

    def __call__(self, batch: dict[str, Any]) -> TripletOutputs:
        """Trains on a batch of `TripletBatches`."""
        return self._step({name: tf.convert_to_tensor(values) for name, values in batch.items()})

    def _train(self, batch):
        inputs = {name: batch[name] for name in ("video_matrix", "num_frames") if name in batch}
        with tf.GradientTape() as tape:
            embeddings = self.model(inputs, training=True)
            anchors, positives, negatives = (
                tf.gather(embeddings, batch[name]) for name in ("anchors", "positives", "negatives")
            )
            mined = mine_negatives(
                anchors, positives, negatives, batch["excluded"], self.mining, self.seed
            )
            near, far, found = mined.positive_distances, mined.negative_distances, mined.found
            loss = self.loss(near, far, mask=found)
        variables = [variable.value for variable in self.model.trainable_variables]
        gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
        gradients, is_finite = clip_gradients(
            gradients, loss, self.clip_gradient_norm, self.clip_mode
        )
        self.optimizer.apply(gradients, self.model.trainable_variables)
        weights = tf.cast(found, tf.float32)
        count = tf.maximum(tf.reduce_sum(weights), 1.0)
        return TripletOutputs(
            loss,
            tf.reduce_sum(weights * tf.cast(far <= near, tf.float32)) / count,
            tf.reduce_sum(weights * near) / count,
            tf.reduce_sum(weights * far) / count,
            1.0 - tf.reduce_mean(weights),
            is_finite,
        )
