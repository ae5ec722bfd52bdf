"""The assembly for frame-level features."""

from collections.abc import Callable
from typing import Any

import keras
from keras import ops

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.layers import (
    DSGMM,
    AveragePooling,
    ContextGating,
    DBoF,
    MaxPooling,
    NetVLAD,
    SampleRandomFrames,
    SampleRandomSequence,
)
from yt8m_models.layers.normalization import batch_normalization
from yt8m_models.models.base import BaseModel

POOLINGS: dict[str, Callable[[Any, int], keras.layers.Layer]] = {
    "average": lambda config, clusters: AveragePooling(),
    "max": lambda config, clusters: MaxPooling(),
    "netvlad": lambda config, clusters: NetVLAD(clusters, **_cluster_options(config)),
    "dsgmm": lambda config, clusters: DSGMM(clusters, config.gamma, **_cluster_options(config)),
    "dbof": lambda config, clusters: DBoF(
        clusters,
        activation=config.dbof_activation,
        pooling_method=config.dbof_pooling_method,
        batch_norm=config.batch_norm,
        batch_norm_decay=config.batch_norm_decay,
    ),
}


@keras.saving.register_keras_serializable(package="yt8m_models")
class FrameLevelModel(BaseModel):
    """Pools a video's frames and classifies the result; every frame-level preset is one of these.

        video_matrix → dequantise, L2 → [sample frames] → [batch norm] → pooling
          → [dense → [batch norm] → activation] → [context gating] → classifier

    Where `pool_per_feature` is set, each feature (rgb, audio) has a pooling layer of its own, with
    `num_clusters` clusters for the first and `num_clusters_audio` for the others, and the results
    are concatenated. The dense layer has batch normalisation where it has an activation, and a
    bias otherwise, as in the original programs.

    Args:
        config: the model.
        data: the features' sizes and the number of classes.
        sample_frames: frames to sample in each call, by `sample_random_frames`; 0 takes them all.

    Inputs: a dict with `video_matrix` `(batch, T, D)`, uint8 as recorded or float dequantised, and
    `num_frames`, int `(batch,)`, the valid frames; the rest is padding and changes nothing.
    Output: predictions, float32 `(batch, num_classes)`.
    """

    def __init__(
        self, config: ModelConfig, data: DataConfig, sample_frames: int = 0, **kwargs
    ) -> None:
        super().__init__(config, data, **kwargs)
        self.sample_frames = sample_frames
        self.sampling = None
        if sample_frames > 0:
            sampling = (
                SampleRandomFrames if self.config.sample_random_frames else SampleRandomSequence
            )
            self.sampling = sampling(sample_frames, name="sampling")
        self.input_batch_norm = (
            batch_normalization("input_batch_norm", self.config.batch_norm_decay)
            if self.config.batch_norm
            else None
        )
        self.pooled_sizes = _pooled_sizes(self.config, data)
        num_others = len(self.pooled_sizes) - 1
        clusters = [self.config.num_clusters, *[self.config.num_clusters_audio] * num_others]
        self.pooling = [POOLINGS[self.config.pooling](self.config, count) for count in clusters]
        for index, layer in enumerate(self.pooling):
            setattr(self, f"pooling_{index}", layer)  # checkpoints follow attributes, not lists
        self.hidden = self.hidden_batch_norm = self.gating = None
        if self.config.hidden_size > 0:
            has_activation = self.config.hidden_activation != "none"
            batch_norm = self.config.batch_norm and has_activation
            self.hidden = keras.layers.Dense(
                self.config.hidden_size,
                use_bias=not batch_norm,
                kernel_initializer=keras.initializers.VarianceScaling(
                    1.0, mode="fan_in", distribution="untruncated_normal"
                ),
                bias_initializer=keras.initializers.RandomNormal(stddev=0.01),
                name="hidden",
            )
            self.hidden_batch_norm = (
                batch_normalization("hidden_batch_norm", self.config.batch_norm_decay)
                if batch_norm
                else None
            )
            self.activation = keras.activations.get(
                self.config.hidden_activation if has_activation else None
            )
        if self.config.gating:
            self.gating = ContextGating(
                self.config.gating_remove_diag,
                self.config.batch_norm,
                self.config.batch_norm_decay,
                name="gating",
            )

    def build(self, input_shape=None):
        features = sum(self.data.feature_sizes)
        frames = (None, None, features)
        self.input_normalization.build(frames)
        if self.input_batch_norm is not None:
            self.input_batch_norm.build(frames)
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

    def call(self, inputs, training=False, return_logits=False):
        frames, num_frames = inputs["video_matrix"], inputs["num_frames"]
        if self.sampling is not None:
            frames = self.sampling(frames, num_frames)
            num_frames = ops.where(num_frames > 0, self.sample_frames, 0)
        mask = ops.arange(ops.shape(frames)[1]) < ops.expand_dims(num_frames, 1)
        frames = self.input_normalization(frames, mask=mask)
        if self.input_batch_norm is not None:
            frames = self.input_batch_norm(frames, mask=mask, training=training)
        activations = self._pool(frames, mask, training)
        if self.hidden is not None:
            activations = self.hidden(activations)
            if self.hidden_batch_norm is not None:
                activations = self.hidden_batch_norm(activations, training=training)
            activations = self.activation(activations)
        if self.gating is not None:
            activations = self.gating(activations, training=training)
        return self.classify(activations, training, return_logits)

    def _pool(self, frames, mask, training):
        """`(batch, T, D)` to the pooled features side by side."""
        start, pooled = 0, []
        for layer, size in zip(self.pooling, self.pooled_sizes, strict=True):
            part = frames[..., start : start + size]
            start += size
            takes_training = isinstance(layer, (NetVLAD, DSGMM, DBoF))
            arguments = {"training": training} if takes_training else {}
            pooled.append(layer(part, mask=mask, **arguments))
        return pooled[0] if len(pooled) == 1 else ops.concatenate(pooled, axis=-1)

    def get_config(self):
        return {**super().get_config(), "sample_frames": self.sample_frames}


def _pooled_sizes(config: ModelConfig, data: DataConfig) -> tuple[int, ...]:
    """Widths of the parts of a frame that are pooled by themselves."""
    return data.feature_sizes if config.pool_per_feature else (sum(data.feature_sizes),)


def _cluster_options(config: ModelConfig) -> dict[str, Any]:
    """What the flags say of every `ClusterPooling`."""
    names = ("assignment", "intra_norm", "final_norm", "batch_norm", "batch_norm_decay")
    return {name: getattr(config, name) for name in names}
