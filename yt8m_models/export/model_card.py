"""The model card: what was exported, for people."""

import json
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

from yt8m_models import __version__
from yt8m_models.export.config import HUB, KERAS, LITERT, MEDIAPIPE, ONNX, SAVED_MODEL, UINT8
from yt8m_models.export.export_dir import CLASSIFIER, LABELS, SELF_CHECK

_LIBRARIES = {
    ONNX: ("tf2onnx", "onnx", "onnxruntime"),
    LITERT: ("ai-edge-litert",),
    HUB: ("safetensors",),
}
_READERS = {
    SAVED_MODEL: "TensorFlow Serving, and the session loader",
    MEDIAPIPE: "MediaPipe's youtube8m graph",
    ONNX: "onnxruntime",
    LITERT: "LiteRT",
    HUB: "the Hugging Face Hub, and `yt8m_models.load_model` on any backend of Keras",
    KERAS: "`keras.saving.load_model`, after `import {module}`",
}


def versions(formats: Sequence[str]) -> dict[str, str]:
    """The versions of the package and of the libraries that write these formats."""
    packages = [
        "tensorflow",
        "keras",
        *(name for each in formats for name in _LIBRARIES.get(each, ())),
    ]
    return {"yt8m-models": __version__, **{name: version(name) for name in packages}}


def model_card(record: Mapping[str, Any]) -> str:
    """Markdown, with the licence in its front matter, from the content of `export.json`."""
    return "\n".join(
        [
            *("---", f"license: {record['license']}", "library_name: yt8m-models", "---", ""),
            *(f"# {record['model']}", ""),
            *(_what(record), ""),
            *("| file | for | MB | differs from the model by |", "|---|---|---|---|"),
            *(_row(record, name) for name in record["formats"]),
            "",
            f"The last column is the largest difference of any of the {record['output']} for the "
            f"videos in `{SELF_CHECK}`, which has what the Keras model gives of them, too. "
            "`export.json` says all of this to programs.",
            "",
            *("## Inputs", "", *_inputs(record), ""),
            *("## Flags", "", "```json", json.dumps(record["flags"], indent=1), "```", ""),
            *("## Versions", ""),
            *(f"- {name} {number}" for name, number in record["versions"].items()),
            "",
        ]
    )


def _what(record: Mapping[str, Any]) -> str:
    step = "" if record["step"] is None else f", of step {record['step']:,}"
    gives = (
        f"predictions of {record['output_size']:,} classes, whose names are the lines of `{LABELS}`"
        if record["kind"] == CLASSIFIER
        else f"an embedding of {record['output_size']:,} dimensions and of length 1"
    )
    level = "frames" if record["frame_features"] else "features"
    sizes = zip(record["feature_names"], record["feature_sizes"], strict=True)
    features = " and ".join(f"{name} ({size})" for name, size in sizes)
    return (
        f"Of the {level} of a video, {features}, it gives {gives}. The weights are those of "
        f"`{record['checkpoint']}`{step}."
    )


def _row(record: Mapping[str, Any], name: str) -> str:
    written, reader = record["formats"][name], _READERS[name].format(module=record["module"])
    return (
        f"| `{written['path']}` | {reader} | {written['bytes'] / 1e6:,.2f} | "
        f"{written['deviation']:g} |"
    )


def _inputs(record: Mapping[str, Any]) -> list[str]:
    width = sum(record["feature_sizes"])
    if not record["frame_features"]:
        return [f"- `video_matrix`: float32 `(batch, {width})`, the features side by side."]
    values = "uint8, as recorded" if record["input_type"] == UINT8 else "float32, dequantised"
    return [
        f"- `video_matrix`: `(batch, time, {width})`, the features side by side. `model.onnx` and "
        f"`model.tflite` take {values}.",
        "- `num_frames`: int32 `(batch,)`, the valid frames; padding behind them changes nothing. "
        f"It was trained on {record['max_frames']} frames at most.",
        "",
        "Dequantised is `value * (4 / 255) + (4 / 512 - 2)`.",
    ]
