"""One training step on triplets: forward, mining, loss, gradients and the update together."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import keras
import tensorflow as tf

from losses.triplet_loss import TripletLoss
from yt8m_models.embedding.mining import MinedTriplets, mine_negatives
from yt8m_models.training.clipping import clip_gradients
from yt8m_models.training.strategy import apply_summed, placed


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

    With several replicas each embeds its videos, and gets the embeddings of all: it mines for its
    anchors among the negatives of the whole batch, and what its loss says of another's videos
    flows back there. The loss, the gradients and the update are those of one replica with all of
    the batch, but for batch normalisation, whose statistics are each replica's own.

    Args:
        model: gives an embedding for each video of a batch.
        optimizer: built for the model's trainable variables.
        loss: of squared distances, the mean over triplets.
        mining: how negatives are chosen, as of `mine_negatives`.
        seed: of mining at random.
        clip_gradient_norm, clip_mode: as of `clip_gradients`.
        jit_compile: compile with XLA; with several replicas, what each does by itself.
        strategy: the distribution strategy under whose scope the model was built.
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
        strategy: tf.distribute.Strategy | None = None,
    ) -> None:
        self.model = model
        self.optimizer = optimizer
        self.loss = loss
        self.mining = mining
        self.seed = seed
        self.clip_gradient_norm = clip_gradient_norm
        self.clip_mode = clip_mode
        self.strategy = tf.distribute.get_strategy() if strategy is None else strategy
        if self.strategy.num_replicas_in_sync == 1:
            self._step = tf.function(self._train, jit_compile=jit_compile, autograph=False)
        else:
            self._step = tf.function(self._train_replicas, autograph=False)
        self._compiled_embed = tf.function(self._embed, jit_compile=jit_compile, autograph=False)
        self._compiled_loss = tf.function(
            self._mined_loss, jit_compile=jit_compile, autograph=False
        )

    def __call__(self, *parts: Mapping[str, Any]) -> TripletOutputs:
        """Trains on a batch of `TripletBatches`, a part for each of this machine's replicas."""
        tensors = [
            {name: tf.convert_to_tensor(values) for name, values in part.items()} for part in parts
        ]
        return self._step(placed(tensors, self.strategy))

    def _train(self, batch):
        with tf.GradientTape() as tape:
            loss, mined = self._mined_loss(self._embed(batch), batch)
        variables = [variable.value for variable in self.model.trainable_variables]
        gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
        gradients, is_finite = clip_gradients(
            gradients, loss, self.clip_gradient_norm, self.clip_mode
        )
        self.optimizer.apply(gradients, self.model.trainable_variables)
        weights = tf.cast(mined.found, tf.float32)
        count = tf.maximum(tf.reduce_sum(weights), 1.0)
        means = _means(mined, count)
        return TripletOutputs(loss, *means, 1.0 - tf.reduce_mean(weights), is_finite)

    def _train_replicas(self, part):
        outputs = self.strategy.run(self._train_replica, args=(part,))
        return TripletOutputs(
            *(self.strategy.experimental_local_results(output)[0] for output in outputs)
        )

    def _train_replica(self, part):
        context = tf.distribute.get_replica_context()
        num_replicas = self.strategy.num_replicas_in_sync
        with tf.GradientTape() as tape:
            own = self._compiled_embed(part)
            shape = (num_replicas * own.shape[0], own.shape[1])
            embeddings = tf.reshape(context.all_gather(own, axis=0), shape)
            loss, mined = self._compiled_loss(embeddings, part)
            num_found = tf.reduce_sum(tf.cast(mined.found, tf.float32))
            count = tf.maximum(context.all_reduce(tf.distribute.ReduceOp.SUM, num_found), 1.0)
            # It is the mean over this replica's triplets, and was divided by the replicas.
            loss *= num_replicas * tf.maximum(num_found, 1.0) / count
        variables = [variable.value for variable in self.model.trainable_variables]
        gradients = tape.gradient(loss, variables, unconnected_gradients="zero")
        batch_size = tf.cast(tf.size(part["negatives"]), tf.float32)
        without = (tf.cast(tf.size(part["anchors"]), tf.float32) - num_found) / batch_size
        gradients, loss, *means = context.all_reduce(
            tf.distribute.ReduceOp.SUM, (gradients, loss, *_means(mined, count), without)
        )
        gradients, is_finite = clip_gradients(
            gradients, loss, self.clip_gradient_norm, self.clip_mode
        )
        apply_summed(self.optimizer, gradients, self.model.trainable_variables)
        return TripletOutputs._make((loss, *means, is_finite))

    def _embed(self, batch):
        inputs = {name: batch[name] for name in ("video_matrix", "num_frames") if name in batch}
        return self.model(inputs, training=True)

    def _mined_loss(self, embeddings, batch) -> tuple[tf.Tensor, MinedTriplets]:
        """The loss of the anchors in `batch`, of which `embeddings` has all videos."""
        anchors, positives, negatives = (
            tf.gather(embeddings, batch[name]) for name in ("anchors", "positives", "negatives")
        )
        mined = mine_negatives(
            *(anchors, positives, negatives, batch["excluded"], self.mining, self.seed),
            first=batch.get("first"),
        )
        loss = self.loss(mined.positive_distances, mined.negative_distances, mask=mined.found)
        return loss, mined


def _means(mined: MinedTriplets, count: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
    """Violations and the two distances, summed, by the number of triplets with a negative."""
    near, far = mined.positive_distances, mined.negative_distances
    weights = tf.cast(mined.found, tf.float32)
    return (
        tf.reduce_sum(weights * tf.cast(far <= near, tf.float32)) / count,
        tf.reduce_sum(weights * near) / count,
        tf.reduce_sum(weights * far) / count,
    )
