"""The formats: how each is written, and how what was written is checked."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import keras
import numpy as np

from yt8m_models.export.config import (
    EXACT,
    FLOAT32,
    HUB,
    KERAS,
    LITERT,
    MEDIAPIPE,
    ONNX,
    SAVED_MODEL,
    UINT8,
    ExportConfig,
)
from yt8m_models.export.export_dir import CLASSIFIER, SELF_CHECK
from yt8m_models.export.labels import labels
from yt8m_models.export.litert_model import write_litert
from yt8m_models.export.onnx_model import write_onnx
from yt8m_models.export.runtime import Runtime
from yt8m_models.export.saved_model import Arrays, SavedModelSession, write_saved_model
from yt8m_models.export.self_check import Outputs, SelfCheck, largest
from yt8m_models.export.signatures import (
    FEATURES,
    QUANTIZED_FEATURES,
    features_signature,
    mediapipe_signature,
    saved_model_signatures,
)
from yt8m_models.export.trained_model import TrainedModel
from yt8m_models.hub.folder import read_folder, write_folder
from yt8m_models.hub.model_classes import settings_of
from yt8m_models.hub.record import HubRecord

_LARGEST = 2**31  # bytes of an ONNX or a LiteRT file


def _saved_model(trained: TrainedModel, config: ExportConfig, check: SelfCheck, path: str) -> float:
    signatures = saved_model_signatures(trained, config.top_k)
    write_saved_model(path, signatures)
    with SavedModelSession(path) as session:
        deviations = [
            check.deviation_of_records(partial(session, "serving_default"), config.top_k),
            check.deviation_of_features(partial(session, FEATURES), FLOAT32),
        ]
        if QUANTIZED_FEATURES in signatures:
            run = partial(session, QUANTIZED_FEATURES)
            deviations.append(check.deviation_of_features(run, UINT8))
    return largest(deviations)


def _mediapipe(trained: TrainedModel, config: ExportConfig, check: SelfCheck, path: str) -> float:
    write_saved_model(path, {"serving_default": mediapipe_signature(trained)})
    names = trained.data.feature_names
    ends = np.cumsum(trained.data.feature_sizes)[:-1]
    with SavedModelSession(path) as session:

        def run(inputs: Arrays) -> Outputs:
            parts = np.split(inputs["video_matrix"], ends, axis=-1)
            by_name = dict(zip(names, parts, strict=True))
            rgb_and_audio = np.concatenate([by_name["rgb"], by_name["audio"]], axis=-1)
            num_frames = inputs["num_frames"][:, np.newaxis]
            feeds = {"rgb_and_audio": rgb_and_audio, "num_frames": num_frames}
            return session("serving_default", feeds)

        return check.deviation_of_features(run, FLOAT32)


def _onnx(trained: TrainedModel, config: ExportConfig, check: SelfCheck, path: str) -> float:
    _require_small(trained, ONNX)
    signature = features_signature(trained, config.input_type)
    write_onnx(path, trained.model, signature, config.quantize != EXACT)
    return check.deviation_of_features(Runtime(path).run, config.input_type)


def _litert(trained: TrainedModel, config: ExportConfig, check: SelfCheck, path: str) -> float:
    _require_small(trained, LITERT)
    signature = features_signature(trained, config.input_type)
    write_litert(path, signature, config.quantize != EXACT)
    return check.deviation_of_features(Runtime(path).run, config.input_type)


def _keras(trained: TrainedModel, config: ExportConfig, check: SelfCheck, path: str) -> float:
    trained.model.save(path)
    model = keras.saving.load_model(path, compile=False, safe_mode=True)
    return _deviation_of(model, trained, config, check)


def _deviation_of(
    model: keras.Model, trained: TrainedModel, config: ExportConfig, check: SelfCheck
) -> float:
    def run(inputs: Arrays) -> Outputs:
        return {trained.output: keras.ops.convert_to_numpy(model(inputs, training=False))}

    return check.deviation_of_features(run, config.input_type)


def _hub(trained: TrainedModel, config: ExportConfig, check: SelfCheck, path: str) -> float:
    is_classifier = trained.kind == CLASSIFIER
    record = HubRecord(
        kind=trained.kind,
        model=trained.name,
        class_name=type(trained.model).__name__,
        settings=settings_of(trained.model),
        feature_names=trained.data.feature_names,
        feature_sizes=trained.data.feature_sizes,
        frame_features=trained.data.frame_features,
        max_frames=trained.data.max_frames,
        output_size=trained.output_size,
        class_names=labels(config.vocabulary, trained.output_size) if is_classifier else None,
        license=config.license,
        checkpoint=trained.checkpoint,
        step=trained.step,
    )
    folder = Path(path)
    folder.mkdir()
    write_folder(trained.model, record, folder)
    check.write(str(folder / SELF_CHECK))
    model, _ = read_folder(folder)
    return _deviation_of(model, trained, config, check)


def _require_small(trained: TrainedModel, format: str) -> None:
    size = sum(weight.numpy().nbytes for weight in trained.model.weights)
    if size >= _LARGEST:
        raise ValueError(
            f"--format={format} takes models of less than 2 GB, the largest file of its kind; the "
            f"weights of this one have {size / 1e9:.1f} GB"
        )


# Writes a format to a path, and says how far what was written is from the model, at most.
WRITERS: dict[str, Callable[[TrainedModel, ExportConfig, SelfCheck, str], float]] = {
    SAVED_MODEL: _saved_model,
    MEDIAPIPE: _mediapipe,
    ONNX: _onnx,
    LITERT: _litert,
    KERAS: _keras,
    HUB: _hub,
}
