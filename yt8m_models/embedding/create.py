"""Building an embedding model from its configuration."""

from collections.abc import Sequence

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.early_fusion import EarlyFusion
from yt8m_models.embedding.embedding_model import EmbeddingModel
from yt8m_models.embedding.frame_embedding import FrameEmbedding
from yt8m_models.embedding.late_fusion import LateFusion

_MODELS: tuple[type[EmbeddingModel], ...] = (EarlyFusion, LateFusion, FrameEmbedding)
_BY_FUSION = {model.FUSION: model for model in _MODELS}


def create_embedding_model(
    config: EmbeddingConfig, names: Sequence[str], sizes: Sequence[int]
) -> EmbeddingModel:
    """A built model with fresh weights.

    Args:
        config: the model.
        names: the features that stand side by side in `video_matrix`, in order.
        sizes: their widths.

    Raises:
        ValueError: names and sizes do not describe features; see `EmbeddingModel`.
    """
    model = _BY_FUSION[config.fusion](config, names, sizes)
    model.build()
    return model
