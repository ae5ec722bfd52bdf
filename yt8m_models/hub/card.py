"""`README.md` of a folder for the Hub: its metadata, and what the model is, for people."""

import json

from yt8m_models import __version__
from yt8m_models.hub.record import CLASSIFIER, CONFIG, WEIGHTS, HubRecord


def card(record: HubRecord) -> str:
    """Markdown with the Hub's metadata in front."""
    is_classifier = record.kind == CLASSIFIER
    task = "video-classification" if is_classifier else "feature-extraction"
    level = "frames" if record.frame_features else "features"
    sizes = zip(record.feature_names, record.feature_sizes, strict=True)
    features = " and ".join(f"{name} ({size})" for name, size in sizes)
    gives = (
        f"predictions of {record.output_size:,} classes, which `class_names` in `{CONFIG}` names"
        if is_classifier
        else f"an embedding of {record.output_size:,} dimensions and of length 1"
    )
    step = "" if record.step is None else f", of step {record.step:,}"
    inputs = '{"video_matrix": video_matrix}'
    if record.frame_features:
        inputs = '{"video_matrix": video_matrix, "num_frames": num_frames}'
    return "\n".join(
        [
            "---",
            "library_name: yt8m-models",
            f"license: {json.dumps(record.license.lower())}",
            f"pipeline_tag: {task}",
            *("tags:", "- keras", "- youtube-8m", f"- {task}"),
            *("---", ""),
            *(f"# {record.model}", ""),
            f"Of the {level} of a video, {features}, it gives {gives}. The weights are those of "
            f"`{record.checkpoint}`{step}.",
            *("", "It runs on TensorFlow, JAX and PyTorch, whichever `KERAS_BACKEND` names:", ""),
            *("```python", "import yt8m_models", ""),
            'model = yt8m_models.load_model("USER/NAME")  # its id on the Hub, or a folder here',
            f"{record.output} = model({inputs})",
            *("```", "", "## Inputs", ""),
            *_inputs(record),
            *("", "## Files", ""),
            f"`{CONFIG}` has the class of the model and its settings, `{WEIGHTS}` the weights by "
            "name. `self_check.npz` has inputs, and what the model gave of them where it was "
            "written. There is no code among them.",
            *("", f"Written by yt8m-models {__version__}.", ""),
        ]
    )


def _inputs(record: HubRecord) -> list[str]:
    width = sum(record.feature_sizes)
    if not record.frame_features:
        return [f"- `video_matrix`: float32 `(batch, {width})`, the features side by side."]
    return [
        f"- `video_matrix`: `(batch, time, {width})`, the features side by side: uint8, as "
        "recorded, or float32, dequantised by `value * (4 / 255) + (4 / 512 - 2)`.",
        "- `num_frames`: int32 `(batch,)`, the valid frames; padding behind them changes nothing. "
        f"It was trained on {record.max_frames} frames at most.",
    ]
