"""Clusters from data at the start of a training: `--ubm_dir` and `--init_clusters_from`."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from yt8m_models.data.patterns import match_files
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.gmm.clusters import Clusters
from yt8m_models.gmm.ubm import UBM
from yt8m_models.gmm.ubm_dir import UBM_DIR, load_ubm, ubm_names
from yt8m_models.layers import ClusterPooling
from yt8m_models.poolings import FIXED_POOLINGS
from yt8m_models.storage import filesystems
from yt8m_models.storage.same_flags import require_same_flags
from yt8m_models.training.config import TrainConfig

_FRAMES_PER_VIDEO = 10
_FRAMES_PER_CLUSTER = 100
_MAX_FRAMES = 50_000


def initialize_clusters(
    model: keras.Model, config: TrainConfig, has_clusters: bool = False
) -> None:
    """Sets the clusters of a fresh model as `ubm_dir` or `init_clusters_from` say, if they do.

    `ubm_dir` is for `vlad` and `sgmm`, whose clusters are not trained; `init_clusters_from` for the
    other poolings with clusters: a pattern of records, whose frames k-means clusters as the pooling
    layers see them, or the directory of a UBM. Where the model normalises its input by batches, the
    moving mean and variance are set to those of the sample; a UBM, which is of frames without that,
    is normalised by the mean and variance of its own mixture. Both leave the posteriors alike.

    Args:
        model: a built `FrameLevelModel` with fresh weights, or a model of another kind.
        config: the flags.
        has_clusters: whether its clusters are those of another training, and may stay.

    Raises:
        ValueError: a flag is missing or does not fit the pooling, the UBM does not fit the model,
            or there are fewer frames than clusters.
    """
    pooling = model.config.pooling
    if pooling in FIXED_POOLINGS and not config.ubm_dir and not has_clusters:
        raise ValueError(
            f"--pooling={pooling} needs --ubm_dir, the directory of a UBM "
            "(yt8m train-ubm); received none"
        )
    if config.ubm_dir and pooling not in FIXED_POOLINGS:
        raise ValueError(
            f"--ubm_dir is for --pooling={' and '.join(FIXED_POOLINGS)}; received it with "
            f"--pooling={pooling}, whose clusters are trained from --init_clusters_from"
        )
    if config.init_clusters_from and not _has_trained_clusters(model):
        raise ValueError(
            "--init_clusters_from is for poolings whose clusters are trained; received it with "
            f"--pooling={pooling}"
        )
    if config.init_clusters_from and model.config.frame_layers:
        raise ValueError(
            "--init_clusters_from is for clusters of recorded frames; received it with "
            f"--frame_layers={list(model.config.frame_layers)}"
        )
    if config.ubm_dir:
        _start_from_ubm(model, config.ubm_dir, "ubm_dir", scale=None)
    elif config.init_clusters_from:
        scale = model.config.initial_scale
        filesystems.require(config.init_clusters_from)
        if tf.io.gfile.isdir(config.init_clusters_from):
            _start_from_ubm(model, config.init_clusters_from, "init_clusters_from", scale)
        else:
            _start_from_records(model, config, scale)


def _has_trained_clusters(model: keras.Model) -> bool:
    layers = getattr(model, "pooling", [None])
    return all(isinstance(layer, ClusterPooling) and layer.trainable for layer in layers)


def _start_from_ubm(model: keras.Model, ubm_dir: str, flag: str, scale: float | None) -> None:
    _check_fits(model, ubm_dir, flag)
    names = ubm_names(model.data.feature_names, model.config.pool_per_feature)
    ubms = [load_ubm(ubm_dir, name) for name in names]
    if model.input_batch_norm is not None:
        means, variances = zip(*(ubm.mixture_moments() for ubm in ubms), strict=True)
        _set_moments(model.input_batch_norm, np.concatenate(means), np.concatenate(variances))
        ubms = [
            _normalized(ubm, mean, np.sqrt(variance + model.input_batch_norm.epsilon))
            for ubm, mean, variance in zip(ubms, means, variances, strict=True)
        ]
    for layer, ubm in zip(model.pooling, ubms, strict=True):
        Clusters.of_ubm(ubm).assign_to(layer, scale)
    print(f"Clusters start from the UBM in {ubm_dir}.")


def _normalized(ubm: UBM, mean: np.ndarray, deviation: np.ndarray) -> UBM:
    """The UBM of `(x - mean) / deviation`."""
    covariance = ubm.covariance / (
        np.outer(deviation, deviation) if ubm.covariance.ndim == 2 else np.square(deviation)
    )
    return UBM(ubm.weights, (ubm.means - mean) / deviation, covariance)


def _check_fits(model: keras.Model, ubm_dir: str, flag: str) -> None:
    settings = UBM_DIR.read(ubm_dir)["settings"]
    config, data = model.config, model.data
    wanted: dict[str, Any] = {
        "feature_names": list(data.feature_names),
        "feature_sizes": list(data.feature_sizes),
        "pool_per_feature": config.pool_per_feature,
        "per_feature_l2_norm": config.per_feature_l2_norm,
        "num_clusters": config.num_clusters,
    }
    if len(model.pooling) > 1:
        wanted["num_clusters_audio"] = config.num_clusters_audio
    require_same_flags(settings, wanted, f"--{flag}={ubm_dir} holds a UBM of another form:")


def _start_from_records(model: keras.Model, config: TrainConfig, scale: float | None) -> None:
    clusters = max(layer.num_clusters for layer in model.pooling)
    frames = _sample(model, config, min(_FRAMES_PER_CLUSTER * clusters, _MAX_FRAMES))
    if len(frames) < clusters:
        raise ValueError(
            "--num_clusters must be at most the number of frames; the records of "
            f"--init_clusters_from gave {len(frames)}, received {clusters}"
        )
    frames = tf.convert_to_tensor(model.input_normalization(frames)).numpy()
    if model.input_batch_norm is not None:
        mean, variance = frames.mean(axis=0, dtype=np.float64), frames.var(axis=0, dtype=np.float64)
        _set_moments(model.input_batch_norm, mean, variance)
        deviation = np.sqrt(variance + model.input_batch_norm.epsilon)
        frames = ((frames - mean) / deviation).astype(np.float32)
    start = 0
    for index, (layer, size) in enumerate(zip(model.pooling, model.pooled_sizes, strict=True)):
        part = frames[:, start : start + size]
        start += size
        rng = np.random.default_rng([config.seed, index])
        Clusters.of_sample(part, layer.num_clusters, rng).assign_to(layer, scale)
    print(f"Clusters start from {len(frames):,} frames of {config.init_clusters_from}.")


def _sample(model: keras.Model, config: TrainConfig, count: int) -> np.ndarray:
    """Quantised frames `(n, D)` of videos drawn from the seed; `count` where there are enough."""
    pipeline = Pipeline(
        match_files(config.init_clusters_from, "init_clusters_from"),
        model.data,
        PipelineOptions(
            batch_size=128,
            shuffle=True,
            seed=config.seed,
            sample_frames=_FRAMES_PER_VIDEO,
            num_readers=config.num_readers,
            skip_empty_videos=True,
            max_bad_records=config.max_bad_records,
        ),
    )
    blocks, found = [], 0
    for batch in pipeline:
        valid = tf.sequence_mask(batch["num_frames"], tf.shape(batch["video_matrix"])[1])
        blocks.append(tf.boolean_mask(batch["video_matrix"], valid).numpy())
        found += len(blocks[-1])
        if found >= count:
            break
    return np.concatenate(blocks)[:count]


def _set_moments(batch_norm: Any, mean: np.ndarray, variance: np.ndarray) -> None:
    """Sets the statistics of the input, which training does not change, as settled ones."""
    batch_norm.moving_mean.assign(mean)
    batch_norm.moving_variance.assign(variance)
    batch_norm.moving_weight.assign(1.0)
