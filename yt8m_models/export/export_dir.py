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

from yt8m_models import __version__
from yt8m_models.export.config import HUB, KERAS, LITERT, MEDIAPIPE, ONNX, SAVED_MODEL
from yt8m_models.hub.record import FOLDER, KINDS
from yt8m_models.storage.artifact_dir import ArtifactDir

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


EXPORT_DIR = ArtifactDir(
    "export.json",
    KINDS,
    "an exported model",
    "yt8m export",
    __version__,
    {
        "format_version": _readable,
        "feature_names": tuple,
        "feature_sizes": tuple,
        "frame_features": bool,
        "max_frames": int,
        "input_type": str,
        "output": str,
        "output_size": int,
        "top_k": int,
        "formats": dict,
    },
)
