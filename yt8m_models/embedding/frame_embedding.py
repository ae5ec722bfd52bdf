"""An embedding of frame-level features."""

from typing import Any

import keras
from keras import ops

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.embedding_model import EmbeddingModel
from yt8m_models.layers import DSGMM, BatchNormalization, NetVLAD, SampleRandomFrames
from yt8m_models.layers.normalization import l2_normalize


@keras.saving.register_keras_serializable(package="yt8m_models")
class FrameEmbedding(EmbeddingModel):
    """Pools frames by DSGMM or NetVLAD and embeds the result; trained from end to end.

        video_matrix → dequantise, L2 → [batch norm] → pooling of each feature, side by side
          → dense, activation → dense → L2

    Each feature has a pooling layer of its own, with `num_clusters` clusters for the first and
    `num_clusters_audio` for the others; `intra_norm` and `final_norm` are those of its layer. In
    training, `sample_frames` frames of each video are
    sampled at random with replacement where it is above 0 and there are more; where a reader has
    sampled so many already, they are taken as they are. Otherwise all frames are pooled, without
    the padding. (DSGMM's smoothing counts frames: see `--gamma`.) Arguments and errors are those of
    `EmbeddingModel`.

    Inputs: a dict with `video_matrix` `(batch, T, D)`, uint8 as recorded or float dequantised, and
    `num_frames`, int `(batch,)`, the valid frames; the rest is padding and changes nothing.
    Output: float32 `(batch, embedding_size)`.

    Reference: Kafle et al., Smoothed Gaussian Mixture Models for Video Classification and
    Recommendation (arXiv 2012.11673), section 3.4.

    Example:
        >>> config = EmbeddingConfig(fusion="frames", hidden_size=(1024,), pooling="dsgmm")
        >>> model = FrameEmbedding(config, ("rgb", "audio"), (1024, 128))
        >>> model({"video_matrix": frames, "num_frames": num_frames})
    """

    FUSION = "frames"

    def __init__(self, config, feature_names, feature_sizes, **kwargs):
        super().__init__(config, feature_names, feature_sizes, **kwargs)
        self.sampling = (
            SampleRandomFrames(config.sample_frames, name="sampling")
            if config.sample_frames > 0
            else None
        )
        self.input_batch_norm = (
            BatchNormalization(name="input_batch_norm") if config.batch_norm else None
        )
        self.pooling = [_pooling(config, index) for index in range(len(self.feature_sizes))]
        for layer in self.pooling:
            setattr(self, layer.name, layer)  # checkpoints follow attributes, not lists
        self.embed = self.tower("tower")

    def build(self, input_shape=None):
        frames = (None, None, sum(self.feature_sizes))
        self.input_normalization.build(frames)
        if self.input_batch_norm is not None:
            self.input_batch_norm.build(frames)
        pooled = 0
        for layer, size in zip(self.pooling, self.feature_sizes, strict=True):
            layer.build((None, None, size))
            pooled += layer.compute_output_shape((None, None, size))[-1]
        self.embed.build((None, pooled))
        self.built = True

    def call(self, inputs, training=False):
        frames, num_frames = inputs["video_matrix"], ops.cast(inputs["num_frames"], "int32")
        count, most = self.config.sample_frames, frames.shape[1]
        if training and self.sampling is not None and (most is None or most > count):
            frames = self.sampling(frames, num_frames)
            num_frames = ops.where(num_frames > 0, count, 0)
        mask = ops.arange(ops.shape(frames)[1]) < ops.expand_dims(num_frames, 1)
        frames = self.normalize(frames, mask)
        if self.input_batch_norm is not None:
            frames = self.input_batch_norm(frames, mask=mask, training=training)
        parts = zip(self.pooling, self.split(frames), strict=True)
        pooled = [layer(part, mask=mask, training=training) for layer, part in parts]
        return l2_normalize(self.embed(ops.concatenate(pooled, axis=-1)))


def _pooling(config: EmbeddingConfig, index: int) -> keras.layers.Layer:
    """The pooling of feature `index`."""
    clusters = config.num_clusters
    if index > 0:
        others = config.num_clusters_audio
        clusters = max(clusters // 2, 1) if others is None else others
    options: dict[str, Any] = {
        "assignment": config.assignment,
        "intra_norm": config.intra_norm,
        "final_norm": config.final_norm,
        "batch_norm": config.batch_norm,
        "name": f"pooling_{index}",
    }
    if config.pooling == "netvlad":
        return NetVLAD(clusters, **options)
    return DSGMM(clusters, config.gamma, **options)
