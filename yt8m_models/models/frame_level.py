"""The assembly for frame-level features."""

import dataclasses
from typing import Any

import keras
from keras import ops

from yt8m_models import layers
from yt8m_models.config import DataConfig, ResolvedModel
from yt8m_models.layers import (
    AveragePooling,
    BatchNormalization,
    ContextGating,
    FrameNetwork,
    SampleRandomFrames,
    SampleRandomSequence,
    SqueezeExcitationGating,
)
from yt8m_models.layers.base import Tensor
from yt8m_models.layers.wide_dense import WideDense
from yt8m_models.models.base import BaseModel
from yt8m_models.poolings import POOLINGS


@keras.saving.register_keras_serializable(package="yt8m_models")
class FrameLevelModel(BaseModel):
    """Pools a video's frames and classifies the result; every frame-level preset is one of these.

        video_matrix → dequantise, L2 → [sample frames] → [batch norm] → [frame layers] → pooling
          → [dropout] → [dense → [batch norm] → activation → [dropout]] → [gating] → classifier

    Where `pool_per_feature` is set, each feature (rgb, audio) has a pooling layer of its own, with
    `num_clusters` clusters for the first and `num_clusters_audio` for the others, and the results
    are concatenated. The dense layer has a bias where it has no batch normalisation. The gating is
    context gating, or squeeze-and-excitation gating where `gating_reduction` is set.

    Args:
        config: the model.
        data: the features' sizes and the number of classes.
        sample_frames: frames to sample in each call, by `sample_random_frames`; 0 takes them all.

    Inputs: a dict with `video_matrix` `(batch, T, D)`, uint8 as recorded or float dequantised, and
    `num_frames`, int `(batch,)`, the valid frames; the rest is padding and changes nothing.
    Output: predictions, float32 `(batch, num_classes)`.
    """

    def __init__(
        self, config: ResolvedModel, data: DataConfig, sample_frames: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(config, data, **kwargs)
        self.sample_frames = sample_frames
        self.sampling = self.input_batch_norm = self.frame_network = self.dropout = None
        self.hidden = self.hidden_batch_norm = self.hidden_dropout = self.gating = None
        if sample_frames > 0:
            sampling = SampleRandomFrames if config.sample_random_frames else SampleRandomSequence
            self.sampling = sampling(sample_frames, name="sampling")
        if config.input_batch_norm:
            self.input_batch_norm = BatchNormalization(
                config.batch_norm_decay, name="input_batch_norm"
            )
        if config.frame_layers:
            self.frame_network = FrameNetwork(
                config.frame_layers,
                config.frame_dropout,
                config.batch_norm,
                config.batch_norm_decay,
                name="frame_network",
            )
        self.pooled_sizes = _pooled_sizes(config, data)
        configs = [_feature_config(config, index) for index in range(len(self.pooled_sizes))]
        configs = [_with_initial_scale(each, data) for each in configs]
        self.pooling = [POOLINGS[each.pooling](layers, each) for each in configs]
        for index, layer in enumerate(self.pooling):
            setattr(self, f"pooling_{index}", layer)  # checkpoints follow attributes, not lists
        self._averages_input = not (config.input_batch_norm or config.frame_layers) and all(
            isinstance(layer, AveragePooling) for layer in self.pooling
        )
        if config.dropout > 0:
            self.dropout = keras.layers.Dropout(config.dropout, name="dropout")
        if config.hidden_size > 0:
            self.hidden = WideDense(
                config.hidden_size,
                use_bias=not config.hidden_batch_norm,
                kernel_initializer=keras.initializers.VarianceScaling(
                    1.0, mode="fan_in", distribution="untruncated_normal"
                ),
                bias_initializer=keras.initializers.RandomNormal(stddev=0.01),
                name="hidden",
            )
            if config.hidden_batch_norm:
                self.hidden_batch_norm = BatchNormalization(
                    config.batch_norm_decay, name="hidden_batch_norm"
                )
            if config.hidden_dropout > 0:
                self.hidden_dropout = keras.layers.Dropout(
                    config.hidden_dropout, name="hidden_dropout"
                )
            has_activation = config.hidden_activation != "none"
            self.activation = keras.activations.get(
                config.hidden_activation if has_activation else None
            )
        if config.gating:
            self.gating = _gating(config)

    def build(self, input_shape: Any = None) -> None:
        features = sum(self.data.feature_sizes)
        frames = (None, None, features)
        self.input_normalization.build(frames)
        if self.input_batch_norm is not None:
            self.input_batch_norm.build(frames)
        if self.frame_network is not None:
            self.frame_network.build(frames)
        pooled = 0
        for layer, size in zip(self.pooling, self.pooled_sizes, strict=True):
            layer.build((None, None, size))
            pooled += layer.compute_output_shape((None, None, size))[-1]
        if self.hidden is not None:
            self.hidden.build((None, pooled))
            pooled = self.config.hidden_size
            if self.hidden_batch_norm is not None:
                self.hidden_batch_norm.build((None, pooled))
        if self.gating is not None:
            self.gating.build((None, pooled))
        self.classifier.build((None, pooled))
        self.built = True

    def call(
        self, inputs: dict[str, Tensor], training: bool = False, return_logits: bool = False
    ) -> Tensor:
        frames, num_frames = inputs["video_matrix"], inputs["num_frames"]
        if self.sampling is not None:
            frames = self.sampling(frames, num_frames)
            num_frames = ops.where(num_frames > 0, self.sample_frames, 0)
        mask = ops.arange(ops.shape(frames)[1]) < ops.expand_dims(num_frames, 1)
        activations = self._pool(frames, mask, training)
        if self.dropout is not None:
            activations = self.dropout(activations, training=training)
        if self.hidden is not None:
            activations = self.hidden(activations)
            if self.hidden_batch_norm is not None:
                activations = self.hidden_batch_norm(activations, training=training)
            activations = self.activation(activations)
            if self.hidden_dropout is not None:
                activations = self.hidden_dropout(activations, training=training)
        if self.gating is not None:
            activations = self.gating(activations, training=training)
        return self.classify(activations, training, return_logits)

    def _pool(self, frames: Tensor, mask: Tensor, training: bool) -> Tensor:
        """Frames as they came, `(batch, T, D)`, to the pooled features side by side."""
        if self._averages_input:
            return self.input_normalization.average(frames, mask)
        frames = self.input_normalization(frames, mask=mask)
        if self.input_batch_norm is not None:
            frames = self.input_batch_norm(frames, mask=mask, training=training)
        if self.frame_network is not None:
            frames = self.frame_network(frames, mask=mask, training=training)
        start, pooled = 0, []
        for layer, size in zip(self.pooling, self.pooled_sizes, strict=True):
            part = frames[..., start : start + size]
            start += size
            pooled.append(layer(part, mask=mask, training=training))
        return pooled[0] if len(pooled) == 1 else ops.concatenate(pooled, axis=-1)

    def get_config(self) -> dict[str, Any]:
        return {**super().get_config(), "sample_frames": self.sample_frames}


def _pooled_sizes(config: ResolvedModel, data: DataConfig) -> tuple[int, ...]:
    """Widths of the parts of a frame that are pooled by themselves."""
    if config.frame_layers:
        return config.frame_layers[-1:]
    return data.feature_sizes if config.pool_per_feature else (sum(data.feature_sizes),)


def _feature_config(config: ResolvedModel, index: int) -> ResolvedModel:
    """What the flags say of the pooling of feature `index`: the first is the most important."""
    if index == 0:
        return config
    return dataclasses.replace(
        config,
        pooling="soft_dbof" if config.pooling == "gated_dbof" else config.pooling,
        num_clusters=config.num_clusters_audio,
        nextvlad_groups=max(config.nextvlad_groups // 2, 1),
    )


def _with_initial_scale(config: ResolvedModel, data: DataConfig) -> ResolvedModel:
    """The clusters' deviation at the start for frames that are only L2-normalised, if that is so.

    Their deviation in each of D features is `1/√D`; see `ClusterPooling` for what follows from it.
    """
    if config.initial_scale is not None or config.input_batch_norm:
        return config
    features = max(data.feature_sizes) if config.per_feature_l2_norm else sum(data.feature_sizes)
    exponent = -0.5 if config.assignment == "decoupled" else -0.25
    return dataclasses.replace(config, initial_scale=features**exponent)


def _gating(config: ResolvedModel) -> keras.layers.Layer:
    if config.gating_reduction > 0:
        return SqueezeExcitationGating(
            config.gating_reduction, config.batch_norm, config.batch_norm_decay, name="gating"
        )
    return ContextGating(
        config.gating_remove_diag, config.batch_norm, config.batch_norm_decay, name="gating"
    )
