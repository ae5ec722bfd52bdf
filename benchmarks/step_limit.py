"""What a training step must do at least: its matrix products, and its passes over the weights."""

from dataclasses import dataclass

import numpy as np

from yt8m_models.config import DataConfig, ModelConfig

_FORWARD_AND_BACKWARD = 3  # y = x W, dx = dy Wᵀ, dW = xᵀ dy
# Reads of a weight in the forward and backward pass, the gradient written and read again, and
# weight and both moments of Adam read and written.
_PASSES_OVER_WEIGHTS = 10


@dataclass(frozen=True)
class StepCase:
    """A model to measure.

    Attributes:
        title: what the figure is called.
        model: a cluster pooling with a mixture of experts.
        data: its features.
        num_frames: frames of each video.
    """

    title: str
    model: ModelConfig
    data: DataConfig
    num_frames: int = 30

    def batch(self, batch_size: int) -> dict[str, np.ndarray]:
        """Random frames, as of a pipeline, and labels of which one in a thousand is true."""
        rng = np.random.default_rng(1)
        shape = (batch_size, self.num_frames, sum(self.data.feature_sizes))
        return {
            "video_matrix": rng.integers(0, 256, shape).astype(np.uint8),
            "num_frames": np.full(batch_size, self.num_frames, np.int32),
            "labels": rng.random((batch_size, self.data.num_classes)) < 0.001,
        }

    def flops(self, batch_size: int) -> float:
        """Floating-point operations in the matrix products of a step."""
        return _FORWARD_AND_BACKWARD * self.forward_flops(batch_size)

    def forward_flops(self, batch_size: int) -> float:
        """Floating-point operations in the matrix products of the forward pass."""
        return 2.0 * sum(m * k * n for m, k, n in self._products(batch_size))

    def _products(self, batch_size: int) -> list[tuple[int, int, int]]:
        """`(rows, inner, columns)` of the products of the forward pass."""
        model = self.model.resolved()
        classes = self.data.num_classes
        frames = batch_size * self.num_frames
        clusters = [model.num_clusters] + [model.num_clusters_audio] * 8
        products, pooled = [], 0
        for size, count in zip(self.data.feature_sizes, clusters, strict=False):
            products += [(frames, size, count), (frames, count, size)]  # assignment, statistics
            pooled += count * size
        hidden = model.hidden_size
        products.append((batch_size, pooled, hidden))
        if model.gating:
            products.append((batch_size, hidden, hidden))
        products.append((batch_size, hidden, (2 * model.moe_num_mixtures + 1) * classes))
        if model.moe_prob_gating:
            products.append((batch_size, classes, classes))
        return products


def triplet_flops(batch_size: int, sizes: tuple[int, ...], embedding_size: int = 256) -> float:
    """The same for a step of late fusion on triplets: hidden layers of 4,000, and mining."""
    towers = sum(size * 4000 + 4000 * embedding_size for size in sizes)
    videos = 3 * batch_size
    return 2.0 * (_FORWARD_AND_BACKWARD * videos * towers + batch_size**2 * embedding_size)


def weight_bytes(num_weights: int) -> float:
    """Bytes that a step with Adam moves at least, for float32 weights."""
    return 4.0 * _PASSES_OVER_WEIGHTS * num_weights


DATA = DataConfig(("rgb", "audio"), (1024, 128), frame_features=True)
TINY_DATA = DataConfig(("rgb", "audio"), (8, 4), frame_features=True, num_classes=4)
RGB = DataConfig(("rgb",), (1024,), frame_features=True)
CASES = {
    "netvlad": StepCase(
        "gated NetVLAD, K = 64, hidden 512",
        ModelConfig("NetVLADModelLF", num_clusters=64, hidden_size=512, moe_prob_gating=True),
        DATA,
    ),
    "netvlad_paper": StepCase(
        "NetVLAD, K = 256, hidden 1024, rgb",
        ModelConfig("NetVLADModelLF", num_clusters=256, hidden_size=1024),
        RGB,
    ),
    "dsgmm_paper": StepCase(
        "DSGMM, K = 256, hidden 1024, rgb",
        ModelConfig("DSGMMModel", num_clusters=256, hidden_size=1024),
        RGB,
    ),
    "dsgmm_coupled": StepCase(
        "the same, assignment by shared diagonals",
        ModelConfig("DSGMMModel", num_clusters=256, hidden_size=1024, assignment="shared_diagonal"),
        RGB,
    ),
}
