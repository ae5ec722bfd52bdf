"""What exported models cost: milliseconds a video, start and size of each format.

All are the same model with fresh weights, on videos of 300 frames, and each is measured in a
process of its own, with a thread a core.
"""

from pathlib import Path

from benchmarks.export_runtimes import BATCH_SIZES, measure
from benchmarks.figure import Figure
from benchmarks.process import in_own_process
from benchmarks.step_limit import DATA
from yt8m_models.config import ModelConfig
from yt8m_models.export.config import LITERT, ONNX, SAVED_MODEL, ExportConfig
from yt8m_models.export.exporting import write_export
from yt8m_models.export.trained_model import TrainedModel
from yt8m_models.models import create_model

_MODEL = ModelConfig("DSGMMModel", num_clusters=64, hidden_size=512)
MAX_RATIO = 1.2
_TITLES = {SAVED_MODEL: "TensorFlow", ONNX: "ONNX", LITERT: "LiteRT"}


def figures(workdir: Path) -> list[Figure]:
    """Each format as it is, and those of 8-bit weights; the times also over TensorFlow's."""
    found = []
    reference: dict[str, float] = {}
    for quantize, formats in (("none", (SAVED_MODEL, ONNX, LITERT)), ("dynamic", (ONNX, LITERT))):
        directory = workdir / quantize
        in_own_process(export_fresh, str(directory), formats, quantize)
        for name in formats:
            measured = in_own_process(measure, name, str(directory))
            reference = reference or measured
            title = f"{_TITLES[name]}, weights {quantize if quantize != 'none' else 'as they are'}"
            found += [
                Figure(f"{title}, batches of {size}", measured[f"ms_{size}"], unit="ms a video")
                for size in BATCH_SIZES
            ]
            if measured is not reference:
                found += [
                    Figure(
                        f"{title}, batches of {size}, over TensorFlow",
                        measured[f"ms_{size}"] / reference[f"ms_{size}"],
                        MAX_RATIO,
                        at_most=True,
                    )
                    for size in BATCH_SIZES
                ]
            found.append(Figure(f"{title}, start", measured["start_seconds"], unit="s"))
            found.append(Figure(f"{title}, size", measured["mb"], unit="MB"))
    return found


def export_fresh(directory: str, formats: tuple[str, ...], quantize: str = "none") -> None:
    """Exports the model of the benchmarks with fresh weights."""
    model = create_model(_MODEL, DATA)
    trained = TrainedModel(
        model, "classifier", _MODEL.model, DATA, DATA.num_classes, {}, "fresh", None
    )
    config = ExportConfig("fresh", output_dir=directory, format=formats, quantize=quantize)
    Path(directory).mkdir()
    write_export(trained, config, Path(directory))
