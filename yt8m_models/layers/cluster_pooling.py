"""What the pooling layers with clusters share."""

from typing import Any

from keras import ops

from yt8m_models.layers.base import FrameLayer, Shape, Tensor, check_positive
from yt8m_models.layers.coupled_assignment import COVARIANCES, CoupledAssignment
from yt8m_models.layers.decoupled_assignment import DecoupledAssignment
from yt8m_models.layers.frame_statistics import FrameStatistics
from yt8m_models.layers.normalization import inverse_sqrt_normal, l2_normalize

ASSIGNMENTS = ("decoupled", *COVARIANCES)


class ClusterPooling(FrameLayer):
    """Assigns frames to K clusters and describes what each cluster sees of a video.

    A subclass is the formula of the description: `describe(statistics)`, `(batch, K, D)` from
    `FrameStatistics`. One with another output has `pool` and `output_size` of its own.

    Args:
        num_clusters: K.
        assignment: how `P(k|x)` is computed: `"decoupled"` by a `DecoupledAssignment`, the others
            by a `CoupledAssignment`: `"uniform_priors"`, `"shared_spherical"`, `"spherical"`,
            `"shared_diagonal"` and `"diagonal"`.
        intra_norm: L2-normalise each cluster's description over D.
        final_norm: L2-normalise the whole vector over K·D.
        batch_norm: whether the model normalises by batches: a decoupled assignment then has a batch
            normalisation instead of a bias, and coupled ones expect frames of deviation 1.
        batch_norm_decay: decay of the moving statistics that inference normalises by.
        initial_scale: σ of the clusters at the start, where they have one. `None` derives it from
            the frames' deviation `s` in each feature, 1 with `batch_norm` and otherwise that of
            frames of length 1, `1/√D`: `√s` in a coupled assignment (see there), else `s`.

    Inputs: frames `(batch, T, D)` and `mask`, bool `(batch, T)`, which leaves padded frames out.
    Output: `(batch, K · D)`, flattened row-major from `(K, D)`.

    Weights: `means` `(K, D)`, where the formula or the assignment has them, and those of the
    assignment, the layer `assign`.

    Raises:
        ValueError: `num_clusters` is below 1, `assignment` is not known or `initial_scale` is not
            positive.
    """

    def __init__(
        self,
        num_clusters: int,
        assignment: str = "decoupled",
        intra_norm: bool = True,
        final_norm: bool = True,
        batch_norm: bool = True,
        batch_norm_decay: float = 0.999,
        initial_scale: float | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        check_positive(num_clusters=num_clusters)
        if assignment not in ASSIGNMENTS:
            raise ValueError(f"assignment must be one of {ASSIGNMENTS}; received {assignment!r}")
        if initial_scale is not None and not 0 < initial_scale < float("inf"):
            raise ValueError(f"initial_scale must be positive; received {initial_scale}")
        self.num_clusters = num_clusters
        self.assignment = assignment
        self.intra_norm = intra_norm
        self.final_norm = final_norm
        self.batch_norm = batch_norm
        self.batch_norm_decay = batch_norm_decay
        self.initial_scale = initial_scale

    @property
    def is_coupled(self) -> bool:
        """Whether the assignment is by the means."""
        return self.assignment != "decoupled"

    @property
    def describes_by_means(self) -> bool:
        """Whether the formula of the description has the means."""
        return False

    def build(self, input_shape: Shape) -> None:
        features = input_shape[-1]
        options = {"name": "assign", "dtype": self.dtype_policy}
        if self.is_coupled:
            scale = self.start_of_scales(features)
            self.assign: Any = CoupledAssignment(
                self.num_clusters, self.assignment, scale, **options
            )
        else:
            self.assign = DecoupledAssignment(
                self.num_clusters, self.batch_norm, self.batch_norm_decay, **options
            )
        self.assign.build(input_shape)
        self.assign.trainable = self.trainable
        if self.is_coupled:
            self.means = self.assign.means
        elif self.describes_by_means:
            self.means = self.add_weight(
                name="means",
                shape=(self.num_clusters, features),
                initializer=inverse_sqrt_normal(features),
                autocast=False,
            )

    def start_of_scales(self, features: int) -> float:
        """σ at the start for frames of that many features: see `initial_scale`."""
        if self.initial_scale is not None:
            return self.initial_scale
        deviation = 1.0 if self.batch_norm else features**-0.5
        return deviation**0.5 if self.is_coupled else deviation

    def call(self, frames: Tensor, mask: Tensor | None = None, training: bool = False) -> Tensor:
        posteriors = self.assign(frames, mask=mask, training=training)  # (batch, T, K)
        statistics = FrameStatistics(posteriors, ops.cast(frames, "float32"))
        return ops.cast(self.pool(statistics), self.compute_dtype)

    def pool(self, statistics: FrameStatistics) -> Tensor:
        """The normalised output, `(batch, output_size(D))`."""
        return self.normalize_whole(self.normalize_clusters(self.describe(statistics)))

    def describe(self, statistics: FrameStatistics) -> Tensor:
        """The description `(batch, K, D)` of each cluster from its `FrameStatistics`."""
        raise NotImplementedError

    def normalize_clusters(self, described: Tensor) -> Tensor:
        """`(batch, K, D)` to `(batch, K · D)`, each cluster normalised if `intra_norm`."""
        if self.intra_norm:
            described = l2_normalize(described)
        return ops.reshape(described, (-1, described.shape[1] * described.shape[2]))

    def normalize_whole(self, pooled: Tensor) -> Tensor:
        """The vectors `(batch, n)`, normalised if `final_norm`."""
        return l2_normalize(pooled) if self.final_norm else pooled

    def output_size(self, features: int) -> int:
        """Width of the output for frames of that many features."""
        return self.num_clusters * features

    def compute_output_shape(self, input_shape: Shape) -> Shape:
        return (input_shape[0], self.output_size(input_shape[-1]))
