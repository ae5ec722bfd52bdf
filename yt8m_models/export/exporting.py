"""Exporting: writing the formats, and what describes them."""

import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from yt8m_models.export.config import EXACT, HUB, LITERT, ONNX, UINT8, ExportConfig
from yt8m_models.export.export_dir import (
    CLASSIFIER,
    EXPORT_DIR,
    FILES,
    FORMAT_VERSION,
    LABELS,
    MODEL_CARD,
    SELF_CHECK,
)
from yt8m_models.export.formats import WRITERS
from yt8m_models.export.labels import labels
from yt8m_models.export.model_card import model_card, versions
from yt8m_models.export.self_check import MAX_DEVIATION, MAX_DEVIATION_QUANTIZED, SelfCheck
from yt8m_models.export.trained_model import TrainedModel, load_trained_model
from yt8m_models.prediction.model_archive import unpack_model
from yt8m_models.program.extras import require
from yt8m_models.storage.whole_directory import whole_directory
from yt8m_models.storage.whole_file import write_text

# What formats need, and the extra that has it.
_LIBRARIES = {
    ONNX: ("export", ("tf2onnx", "onnx", "onnxruntime")),
    LITERT: ("export", ("ai_edge_litert.interpreter",)),
    HUB: ("hub", ("safetensors",)),
}


def export(config: ExportConfig) -> dict[str, Any]:
    """Writes a trained model in the formats of `config`, and what describes them.

    Returns:
        The content of `export.json`.

    Raises:
        ValueError: there is no trained model, a library is missing, the model does not fit a
            format, `output_dir` is there already, or a file that was written does not give what the
            model gives; `output_dir` then stays as it was.
        OSError: a file cannot be read or written.
    """
    for format in config.format:
        extra, libraries = _LIBRARIES.get(format, ("", ()))
        for library in libraries:
            require(library, extra=extra)
    with whole_directory(config.output_dir) as directory:
        return write_export(_load(config), config, directory)


def write_export(trained: TrainedModel, config: ExportConfig, directory: Path) -> dict[str, Any]:
    """The same of a model that is loaded, to a directory that is there."""
    if config.input_type == UINT8 and not trained.data.frame_features:
        raise ValueError(
            "--input_type=uint8 is for frame-level models; features of whole videos are float32"
        )
    names = labels(config.vocabulary, trained.output_size)
    check = SelfCheck.of(trained)
    formats = {
        format: _write_format(format, trained, config, check, directory) for format in config.format
    }
    check.write(str(directory / SELF_CHECK))
    has_classes = trained.kind == CLASSIFIER
    if has_classes:
        write_text(directory / LABELS, "".join(f"{name}\n" for name in names))
    record = {
        "kind": trained.kind,
        "format_version": FORMAT_VERSION,
        "model": trained.name,
        "module": type(trained.model).__module__,
        "feature_names": list(trained.data.feature_names),
        "feature_sizes": list(trained.data.feature_sizes),
        "frame_features": trained.data.frame_features,
        "max_frames": trained.data.max_frames,
        "input_type": config.input_type,
        "output": trained.output,
        "output_size": trained.output_size,
        "top_k": min(config.top_k, trained.output_size),
        "class_names_file": LABELS if has_classes else None,
        "quantize": config.quantize,
        "formats": formats,
        "checkpoint": trained.checkpoint,
        "step": trained.step,
        "flags": trained.flags,
        "license": config.license,
        "versions": versions(config.format),
    }
    write_text(directory / MODEL_CARD, model_card(record))
    files = sorted(path.relative_to(directory).as_posix() for path in _files(directory))
    EXPORT_DIR.write(directory, record, files=files)
    return record


def _load(config: ExportConfig) -> TrainedModel:
    if not config.input_model_tgz:
        return load_trained_model(config.train_dir, config.checkpoint)
    with tempfile.TemporaryDirectory() as directory:
        checkpoint = unpack_model(config.input_model_tgz, directory)
        return load_trained_model(directory, checkpoint)


def _write_format(
    format: str, trained: TrainedModel, config: ExportConfig, check: SelfCheck, directory: Path
) -> dict[str, Any]:
    """Writes and checks one format; its path, size and deviation from the model."""
    print(f"{format}: writing …", flush=True)
    start, path = time.monotonic(), directory / FILES[format]
    deviation = WRITERS[format](trained, config, check, str(path))
    is_quantized = config.quantize != EXACT and format in (ONNX, LITERT)
    bound = MAX_DEVIATION_QUANTIZED if is_quantized else MAX_DEVIATION
    if not deviation <= bound:  # NaN too
        raise ValueError(
            f"--format={format}: what was written gives {trained.output} that differ from those of "
            f"the model by {deviation:.2g}, and {bound:g} is allowed; nothing was kept"
        )
    size = sum(file.stat().st_size for file in _files(path))
    seconds = time.monotonic() - start
    print(
        f"{format}: {size / 1e6:,.2f} MB in {seconds:.1f} s; {trained.output} differ from the "
        f"model's by {deviation:.1g} at most",
        flush=True,
    )
    return {"path": FILES[format], "bytes": size, "deviation": float(f"{deviation:.2g}")}


def _files(path: Path) -> Iterable[Path]:
    """A file itself, or those of a directory."""
    return (file for file in [path, *path.rglob("*")] if file.is_file())
