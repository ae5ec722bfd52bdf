"""What an exported directory holds; `docs/export.md` has the form.

export.json     what the model takes and gives, and the files that were written
labels.txt      names of the classes, a line each
model_card.md   the same for people
self_check.npz  inputs, and what the Keras model gives of them
saved_model/    with the signatures serving_default, features and quantized_features
mediapipe/      the SavedModel of MediaPipe's youtube8m graph
model.onnx, model.tflite, model.keras
hf/             the folder for the Hugging Face Hub, see `hub.record`

Neither this module nor the files need TensorFlow to be read.
"""

from collections.abc import Callable
from typing import Any

from yt8m_models import __version__
from yt8m_models.export.config import HUB, INPUT_TYPES, KERAS, LITERT, MEDIAPIPE, ONNX, SAVED_MODEL
from yt8m_models.hub.record import FOLDER, KINDS
from yt8m_models.storage.artifact_dir import ArtifactDir, path_inside

FORMAT_VERSION = 1
CLASSIFIER, EMBEDDING = KINDS

LABELS = "labels.txt"
MODEL_CARD = "model_card.md"
SELF_CHECK = "self_check.npz"
FILES = {
    SAVED_MODEL: "saved_model",
    MEDIAPIPE: "mediapipe",
    ONNX: "model.onnx",
    LITERT: "model.tflite",
    KERAS: "model.keras",
    HUB: FOLDER,
}


def _readable(version: int) -> int:
    if version != FORMAT_VERSION:
        raise ValueError(f"format_version must be {FORMAT_VERSION}; it is {version}")
    return version


def _name_of(choices: tuple[str, ...]) -> Callable[[Any], str]:
    def name(value: Any) -> str:
        if value not in choices:
            raise ValueError(f"{value!r} must be one of {', '.join(choices)}")
        return str(value)

    return name


def _at_least_one(value: Any) -> int:
    if int(value) < 1:
        raise ValueError(f"{value} must be at least 1")
    return int(value)


def _formats(value: Any) -> dict[str, dict[str, Any]]:
    return {name: {**each, "path": path_inside(each["path"])} for name, each in value.items()}


EXPORT_DIR = ArtifactDir(
    "export.json",
    KINDS,
    "an exported model",
    "yt8m export",
    __version__,
    {
        "format_version": _readable,
        "feature_names": lambda names: tuple(map(str, names)),
        "feature_sizes": lambda sizes: tuple(map(int, sizes)),
        "frame_features": bool,
        "max_frames": int,
        "input_type": _name_of(INPUT_TYPES),
        "output": str,
        "output_size": _at_least_one,
        "top_k": _at_least_one,
        "class_names_file": lambda name: None if name is None else path_inside(name),
        "formats": _formats,
        "flags": dict,
    },
)
