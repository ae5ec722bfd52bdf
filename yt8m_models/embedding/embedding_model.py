"""What the embedding models share."""

import itertools
from collections.abc import Sequence

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.tower import Tower
from yt8m_models.layers import InputNormalization
from yt8m_models.models.exportable import ExportableModel


class EmbeddingModel(ExportableModel):
    """A model of one L2-normalised vector a video, saved with its configuration.

    Args:
        config: the model; its `fusion` is that of the subclass, `FUSION`.
        feature_names: the features that stand side by side in `video_matrix`, in order.
        feature_sizes: their widths.

    Every feature enters with length 1, or all of them together do where `per_feature_l2_norm` is
    false: the first lets no feature drown another by its scale, the second keeps their proportion.
    uint8 features are dequantised before.

    Output: float32 `(batch, embedding_size)`, of length 1. Only where the last layers give zeros
    for a video is its embedding zero: before training, that is so for a video whose features
    (late fusion: one of whose features) are all zero.

    Raises:
        ValueError: names and sizes differ in number or there are none, a name is there twice, a
            size is below 1, or `config` asks for another fusion; in a call, `video_matrix` is not
            as wide as the sizes together.
    """

    FUSION = ""

    def __init__(
        self,
        config: EmbeddingConfig,
        feature_names: Sequence[str],
        feature_sizes: Sequence[int],
        **kwargs,
    ) -> None:
        super().__init__(autocast=False, **kwargs)
        if config.fusion != self.FUSION:
            raise ValueError(
                f"fusion must be {self.FUSION} for {type(self).__name__}; received {config.fusion}"
            )
        if not feature_names or len(feature_names) != len(feature_sizes):
            raise ValueError(
                "feature_names and feature_sizes must have equally many entries, at least one; "
                f"received {list(feature_names)} and {list(feature_sizes)}"
            )
        if len(set(feature_names)) != len(feature_names):
            raise ValueError(f"feature_names must differ; received {list(feature_names)}")
        if min(feature_sizes) < 1:
            raise ValueError(f"feature_sizes must be at least 1; received {list(feature_sizes)}")
        self.config = config
        self.feature_names = tuple(feature_names)
        self.feature_sizes = tuple(int(size) for size in feature_sizes)
        self.input_normalization = InputNormalization(
            self.feature_sizes,
            per_feature=config.per_feature_l2_norm and len(self.feature_sizes) > 1,
            name="input_normalization",
        )

    @property
    def takes_frames(self) -> bool:
        return self.FUSION == "frames"

    @property
    def num_features(self) -> int:
        return sum(self.feature_sizes)

    def tower(self, name: str) -> Tower:
        """New layers from some features to the embedding's width."""
        config = self.config
        return Tower(config.hidden_size, config.embedding_size, config.hidden_activation, name=name)

    def normalize(self, features, mask=None):
        """`video_matrix` as the layers take it; `mask`, bool `(batch, T)`, leaves out padding.

        Raises:
            ValueError: it is not as wide as the features are together.
        """
        width = self.num_features
        if features.shape[-1] != width:
            raise ValueError(
                f"video_matrix must be {width} wide, as {list(self.feature_names)} of sizes "
                f"{list(self.feature_sizes)} are together; received shape {tuple(features.shape)}"
            )
        return self.input_normalization(features, mask=mask)

    def split(self, features):
        """`(..., D)` to the part `(..., size)` of each feature."""
        sizes = self.feature_sizes
        ends = itertools.accumulate(sizes)
        return [features[..., end - size : end] for size, end in zip(sizes, ends, strict=True)]

    def get_config(self):
        return {
            "config": self.config.record(),
            "feature_names": list(self.feature_names),
            "feature_sizes": list(self.feature_sizes),
            "name": self.name,
            "dtype": self.dtype_policy.name,
        }

    @classmethod
    def from_config(cls, config):
        config = dict(config)
        return cls(EmbeddingConfig.from_record(config.pop("config")), **config)
