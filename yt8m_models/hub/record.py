"""What a folder for the Hub holds, and its `config.json`; `docs/export.md` has the form.

config.json        what the model is, takes and gives
model.safetensors  its weights by name
self_check.npz     inputs, and what the model gave of them where it was written
README.md          the same for people, with the Hub's metadata
"""

import dataclasses
import json
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

from yt8m_models import __version__
from yt8m_models.data.quantization import BIAS, SCALE
from yt8m_models.storage.whole_file import write_text

CONFIG, WEIGHTS, CARD = "config.json", "model.safetensors", "README.md"
FOLDER = "hf"  # of an export that has other formats beside it
FORMAT_VERSION = 1
CLASSIFIER, EMBEDDING = KINDS = ("classifier", "embedding")


@dataclass(frozen=True)
class HubRecord:
    """A model of a folder for the Hub.

    Attributes:
        kind: `classifier` or `embedding`.
        model: what people call it, such as `DSGMMModel`.
        class_name, settings: its class and that class's arguments, as of `model_classes`.
        feature_names, feature_sizes: what stands side by side in `video_matrix`, in order.
        frame_features: whether it takes frames, and `num_frames`; otherwise whole videos.
        max_frames: it was trained on so many frames of a video at most.
        output_size: classes, or dimensions of an embedding.
        class_names: of all classes; `None` of an embedding.
        license: of the weights, by its SPDX name.
        checkpoint, step: where the weights are from; the step where that is known.
    """

    kind: str
    model: str
    class_name: str
    settings: dict[str, Any]
    feature_names: tuple[str, ...]
    feature_sizes: tuple[int, ...]
    frame_features: bool
    max_frames: int
    output_size: int
    class_names: tuple[str, ...] | None
    license: str
    checkpoint: str
    step: int | None

    @property
    def output(self) -> str:
        """The name of what the model gives: `predictions` or `embeddings`."""
        return "predictions" if self.kind == CLASSIFIER else "embeddings"

    def write(self, directory: Path) -> None:
        """Writes `config.json`."""
        content = {
            "library_name": "yt8m-models",
            "format_version": FORMAT_VERSION,
            **dataclasses.asdict(self),
            "output": self.output,
            # Of frames in uint8, which the model dequantises, to the floats that it takes as well.
            "dequantize": {"scale": SCALE, "bias": BIAS} if self.frame_features else None,
            "yt8m_models_version": __version__,
            "keras_version": version("keras"),
        }
        write_text(directory / CONFIG, json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    @classmethod
    def read(cls, directory: Path) -> "HubRecord":
        """The record of a folder.

        Raises:
            ValueError: there is none, it has another form, or a value is not what it must be.
        """
        path = directory / CONFIG
        try:
            content = json.loads(path.read_text("utf-8"))
            if (found := content["format_version"]) != FORMAT_VERSION:
                raise ValueError(f"format_version must be {FORMAT_VERSION}; it is {found!r}")
            fields = dataclasses.fields(cls)
            values = {field.name: content[field.name] for field in fields}
            for name in ("feature_names", "feature_sizes", "class_names"):
                values[name] = values[name] if values[name] is None else tuple(values[name])
            record = cls(**values)
            record._check()
        except OSError as error:
            raise ValueError(f"{path} cannot be read: {error.strerror}") from error
        except KeyError as error:
            raise ValueError(f"{path}: not a model of yt8m export: it lacks {error}") from None
        except (ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"{path}: not a model of yt8m export: {error}") from error
        return record

    def _check(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"kind must be {' or '.join(KINDS)}; it is {self.kind!r}")
        if not isinstance(self.settings, dict):
            raise ValueError(f"settings must be an object; it is {self.settings!r}")
        if self.class_names is not None and len(self.class_names) != self.output_size:
            raise ValueError(
                f"class_names must be as many as output_size={self.output_size}; there are "
                f"{len(self.class_names)}"
            )
