"""What both assemblies share."""

import dataclasses
from typing import Any

from yt8m_models.config import DataConfig, ModelConfig, ResolvedModel
from yt8m_models.layers import InputNormalization, Logistic, MixtureOfExperts
from yt8m_models.layers.base import Tensor
from yt8m_models.models.exportable import ExportableModel


class BaseModel(ExportableModel):
    """A model that is built from its configuration, saved with it and rebuilt from it.

    Args:
        config: the model.
        data: the features' sizes and the number of classes.

    Attributes:
        config, data: as received.
        has_logits: whether `call(inputs, return_logits=True)` gives logits.
    """

    def __init__(self, config: ResolvedModel, data: DataConfig, **kwargs: Any) -> None:
        super().__init__(autocast=False, **kwargs)
        self.config = config
        self.data = data
        self.input_normalization = InputNormalization(
            data.feature_sizes, config.per_feature_l2_norm, name="input_normalization"
        )
        self.classifier = _classifier(self.config, data.num_classes)
        self.has_logits = isinstance(self.classifier, Logistic)

    @property
    def takes_frames(self) -> bool:
        return self.data.frame_features

    @property
    def num_features(self) -> int:
        return sum(self.data.feature_sizes)

    def classify(self, activations: Tensor, training: bool, return_logits: bool) -> Tensor:
        """Predictions `(batch, num_classes)` from `(batch, D)`, or the logits."""
        if self.has_logits:
            return self.classifier(activations, return_logits=return_logits)
        if return_logits:
            raise ValueError(f"{type(self.classifier).__name__} has no logits")
        return self.classifier(activations, training=training)

    def get_config(self) -> dict[str, Any]:
        configs = {"config": dataclasses.asdict(self.config), "data": dataclasses.asdict(self.data)}
        return {**configs, "name": self.name, "dtype": self.dtype_policy.name}

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "BaseModel":
        config = dict(config)
        model, data = (_with_tuples(config.pop(name)) for name in ("config", "data"))
        return cls(ModelConfig(**model).resolved(), DataConfig(**data), **config)


def _with_tuples(values: dict[str, Any]) -> dict[str, Any]:
    """The values with tuples for the lists that JSON makes of them."""
    return {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}


def _classifier(config: ResolvedModel, num_classes: int) -> Logistic | MixtureOfExperts:
    if config.video_level_classifier_model == "LogisticModel":
        return Logistic(num_classes, l2=config.moe_l2, name="classifier")
    return MixtureOfExperts(
        num_classes,
        num_mixtures=config.moe_num_mixtures,
        l2=config.moe_l2,
        low_rank=config.moe_low_rank_gating,
        prob_gating=config.moe_prob_gating,
        prob_gating_remove_diagonal=config.gating_remove_diag,
        batch_norm_decay=config.batch_norm_decay,
        mix_logits=config.moe_mix_logits,
        name="classifier",
    )
