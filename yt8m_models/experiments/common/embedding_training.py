"""The flags of how the rows of an experiment train embeddings, without TensorFlow and NumPy."""

from dataclasses import dataclass
from typing import Any

from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.program.option import Options, same_option


@dataclass(frozen=True)
class EmbeddingTrainingFlags(Options):
    """How every row is trained; the fields are those of `EmbeddingTrainConfig`.

    The defaults are of the grids of the CDML paper (section 4.1.1).
    """

    loss: str = same_option(EmbeddingTrainConfig, "loss")
    margin: float = same_option(EmbeddingTrainConfig, "margin", 0.3)
    mining: str = same_option(EmbeddingTrainConfig, "mining")
    negatives: str = same_option(EmbeddingTrainConfig, "negatives")
    sample_by_weight: bool = same_option(EmbeddingTrainConfig, "sample_by_weight")
    graded_negatives: float = same_option(EmbeddingTrainConfig, "graded_negatives")
    batch_size: int = same_option(EmbeddingTrainConfig, "batch_size")
    base_learning_rate: float = same_option(EmbeddingTrainConfig, "base_learning_rate")
    learning_rate_decay: float = same_option(EmbeddingTrainConfig, "learning_rate_decay", 0.998)
    learning_rate_decay_steps: int = same_option(EmbeddingTrainConfig, "learning_rate_decay_steps")
    max_steps: int = same_option(EmbeddingTrainConfig, "max_steps")
    optimizer: str = same_option(EmbeddingTrainConfig, "optimizer")
    clip_gradient_norm: float = same_option(EmbeddingTrainConfig, "clip_gradient_norm")
    clip_mode: str = same_option(EmbeddingTrainConfig, "clip_mode")
    jit_compile: bool = same_option(EmbeddingTrainConfig, "jit_compile")
    export_model_steps: int = same_option(EmbeddingTrainConfig, "export_model_steps")
    save_checkpoint_minutes: float = same_option(EmbeddingTrainConfig, "save_checkpoint_minutes")
    log_steps: int = same_option(EmbeddingTrainConfig, "log_steps", 100)
    validation_fraction: float = same_option(EmbeddingTrainConfig, "validation_fraction")
    validation_candidates: int = same_option(EmbeddingTrainConfig, "validation_candidates")
    validation_queries: int = same_option(EmbeddingTrainConfig, "validation_queries")
    eval_batch_size: int = same_option(EmbeddingTrainConfig, "eval_batch_size")

    def train_config(self, **where: Any) -> EmbeddingTrainConfig:
        """These flags with `where` to train, and on what."""
        values = {**vars(self), **where}
        return EmbeddingTrainConfig(keep_checkpoints=1, projector_videos=0, **values)
