"""What the pooling layers with clusters share."""

import keras
from keras import ops

from yt8m_models.layers.decoupled_assignment import DecoupledAssignment
from yt8m_models.layers.normalization import inverse_sqrt_normal, l2_normalize

ASSIGNMENTS = ("decoupled",)


class ClusterPooling(keras.layers.Layer):
    """Assigns frames to K clusters and describes each cluster by a vector of D numbers.

    A subclass is the formula of the description, `describe(counts, sums)`, of the statistics

        n(k) = Σ_t P(k|x_t)          counts, float32 (batch, K)
        S_x(k) = Σ_t P(k|x_t) x_t    sums, float32 (batch, K, D)

    Args:
        num_clusters: K.
        assignment: how `P(k|x)` is computed: `"decoupled"`.
        intra_norm: L2-normalise each cluster's description over D.
        final_norm: L2-normalise the whole vector over K·D.
        batch_norm: batch normalisation in a decoupled assignment.
        batch_norm_decay: decay of the moving statistics that inference normalises by.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`, which leaves padded frames out.
    Output: `(batch, K · D)`, flattened row-major from `(K, D)`.

    Weights: `means` `(K, D)` and those of the assignment.

    Raises:
        ValueError: `num_clusters` is below 1 or `assignment` is not known.
    """

    def __init__(
        self,
        num_clusters,
        assignment="decoupled",
        intra_norm=True,
        final_norm=True,
        batch_norm=True,
        batch_norm_decay=0.999,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if num_clusters < 1:
            raise ValueError(f"num_clusters must be at least 1; received {num_clusters}")
        if assignment not in ASSIGNMENTS:
            raise ValueError(f"assignment must be one of {ASSIGNMENTS}; received {assignment!r}")
        self.num_clusters = num_clusters
        self.assignment = assignment
        self.intra_norm = intra_norm
        self.final_norm = final_norm
        self.batch_norm = batch_norm
        self.batch_norm_decay = batch_norm_decay
        self.supports_masking = True

    def build(self, input_shape):
        features = input_shape[-1]
        self.means = self.add_weight(
            name="means",
            shape=(self.num_clusters, features),
            initializer=inverse_sqrt_normal(features),
            autocast=False,
        )
        self.assign = DecoupledAssignment(
            self.num_clusters,
            self.batch_norm,
            self.batch_norm_decay,
            name="assign",
            dtype=self.dtype_policy,
        )
        self.assign.build(input_shape)

    def call(self, frames, mask=None, training=False):
        posteriors = self.assign(frames, mask=mask, training=training)  # (batch, T, K)
        counts = ops.sum(posteriors, axis=1)
        sums = ops.matmul(ops.transpose(posteriors, (0, 2, 1)), ops.cast(frames, "float32"))
        described = self.describe(counts, sums)  # (batch, K, D)
        if self.intra_norm:
            described = l2_normalize(described)
        pooled = ops.reshape(described, (-1, self.num_clusters * frames.shape[-1]))
        if self.final_norm:
            pooled = l2_normalize(pooled)
        return ops.cast(pooled, self.compute_dtype)

    def describe(self, counts, sums):
        """The description `(batch, K, D)` of each cluster from its statistics."""
        raise NotImplementedError

    def compute_mask(self, frames, mask=None):
        return None

    def compute_output_shape(self, input_shape):
        return (input_shape[0], self.num_clusters * input_shape[-1])

    def get_config(self):
        return {
            **super().get_config(),
            "num_clusters": self.num_clusters,
            "assignment": self.assignment,
            "intra_norm": self.intra_norm,
            "final_norm": self.final_norm,
            "batch_norm": self.batch_norm,
            "batch_norm_decay": self.batch_norm_decay,
        }
