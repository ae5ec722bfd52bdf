"""What exported models take and give, as functions of TensorFlow."""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import tensorflow as tf

from yt8m_models.data.parsing import parse
from yt8m_models.export.config import FLOAT32, UINT8
from yt8m_models.export.export_dir import CLASSIFIER
from yt8m_models.export.trained_model import TrainedModel

FEATURES, QUANTIZED_FEATURES = "features", "quantized_features"
_MEDIAPIPE_FEATURES = ("rgb", "audio")


@dataclass(frozen=True)
class Signature:
    """A function of named tensors.

    Attributes:
        function: takes the inputs by name, and returns a dict of outputs.
        inputs: types and shapes of the inputs, which have their names; `None` is any size.
    """

    function: Callable[..., dict[str, tf.Tensor]]
    inputs: tuple[tf.TensorSpec, ...]


def records_signature(trained: TrainedModel, top_k: int) -> Signature:
    """Serialised records `(n,)`, as `example_bytes`, to what the starter code's export gives.

    That is `video_id`, string `(n,)`, and the `top_k` best classes, best first: `class_indexes`,
    int32 `(n, k)`, and their `predictions`, float32 `(n, k)`. An embedding model gives `video_id`
    and `embeddings`.
    """
    data = dataclasses.replace(trained.data, segment_labels=False)
    num_classes = min(top_k, trained.output_size)

    def serve(example_bytes: tf.Tensor) -> dict[str, tf.Tensor]:
        batch = parse(example_bytes, data, with_labels=False)
        outputs = _call(trained, batch["video_matrix"], batch["num_frames"])
        if trained.kind == CLASSIFIER:
            scores, classes = tf.math.top_k(outputs[trained.output], num_classes)
            outputs = {"class_indexes": classes, trained.output: scores}
        return {"video_id": batch["video_ids"], **outputs}

    return Signature(serve, (tf.TensorSpec((None,), tf.string, "example_bytes"),))


def features_signature(trained: TrainedModel, input_type: str = FLOAT32) -> Signature:
    """`video_matrix` `(batch, T, D)` and `num_frames`, int32 `(batch,)`, to all predictions.

    Of video-level models `video_matrix` is `(batch, D)`, and there is no `num_frames`.

    Args:
        trained: the model.
        input_type: of `video_matrix`: float32 dequantised, or uint8 as recorded.
    """
    width = sum(trained.data.feature_sizes)
    if not trained.data.frame_features:

        def predict(video_matrix: tf.Tensor) -> dict[str, tf.Tensor]:
            return _call(trained, video_matrix)

        return Signature(predict, (tf.TensorSpec((None, width), input_type, "video_matrix"),))

    def predict_frames(video_matrix: tf.Tensor, num_frames: tf.Tensor) -> dict[str, tf.Tensor]:
        return _call(trained, video_matrix, num_frames)

    return Signature(
        predict_frames,
        (
            tf.TensorSpec((None, None, width), input_type, "video_matrix"),
            tf.TensorSpec((None,), tf.int32, "num_frames"),
        ),
    )


def saved_model_signatures(trained: TrainedModel, top_k: int) -> dict[str, Signature]:
    """All signatures of a SavedModel for TensorFlow Serving, by name."""
    signatures = {
        "serving_default": records_signature(trained, top_k),
        FEATURES: features_signature(trained),
    }
    if trained.data.frame_features:
        signatures[QUANTIZED_FEATURES] = features_signature(trained, UINT8)
    return signatures


def mediapipe_signature(trained: TrainedModel) -> Signature:
    """MediaPipe's: `rgb_and_audio`, float32 `(batch, T, D)`, dequantised, rgb first.

    `num_frames` is int32 `(batch, 1)`; the output is that of `features_signature`.

    Raises:
        ValueError: the model does not take frames of rgb and audio.
    """
    data = trained.data
    if not data.frame_features or set(data.feature_names) != set(_MEDIAPIPE_FEATURES):
        level = "frame" if data.frame_features else "video"
        raise ValueError(
            "--format=mediapipe needs a frame-level model of the features rgb and audio, which are "
            f"what its graph extracts; this one takes {level}-level {','.join(data.feature_names)}"
        )
    sizes = dict(zip(data.feature_names, data.feature_sizes, strict=True))
    sizes_in_order = [sizes[name] for name in _MEDIAPIPE_FEATURES]

    def predict(rgb_and_audio: tf.Tensor, num_frames: tf.Tensor) -> dict[str, tf.Tensor]:
        parts = tf.split(rgb_and_audio, sizes_in_order, axis=-1)
        by_name = dict(zip(_MEDIAPIPE_FEATURES, parts, strict=True))
        frames = tf.concat([by_name[name] for name in data.feature_names], axis=-1)
        return _call(trained, frames, tf.reshape(num_frames, [-1]))

    return Signature(
        predict,
        (
            tf.TensorSpec((None, None, sum(sizes_in_order)), tf.float32, "rgb_and_audio"),
            tf.TensorSpec((None, 1), tf.int32, "num_frames"),
        ),
    )


def _call(
    trained: TrainedModel, video_matrix: tf.Tensor, num_frames: Any = None
) -> dict[str, tf.Tensor]:
    inputs = {"video_matrix": video_matrix}
    if trained.data.frame_features:
        inputs["num_frames"] = num_frames
    return {trained.output: trained.model(inputs, training=False)}
