"""Folders for the Hub: how they are written and read."""

from pathlib import Path

import keras

from yt8m_models.hub.card import card
from yt8m_models.hub.model_classes import built_model
from yt8m_models.hub.record import CARD, CONFIG, WEIGHTS, HubRecord
from yt8m_models.hub.weights import read_weights, write_weights
from yt8m_models.storage.whole_file import write_text


def write_folder(model: keras.Model, record: HubRecord, directory: Path) -> None:
    """Writes a model and what describes it to a directory that is there.

    Args:
        model: built.
        record: its class and settings are those of the model.
        directory: receives `config.json`, `model.safetensors` and `README.md`.

    Raises:
        ValueError: the extra `hub` is not installed.
        OSError: a file cannot be written.
    """
    write_weights(model, directory / WEIGHTS)
    write_text(directory / CARD, card(record))
    record.write(directory)


def read_folder(directory: Path, sample_frames: int = 0) -> tuple[keras.Model, HubRecord]:
    """The model of a folder, and what describes it.

    Args:
        directory: of the files.
        sample_frames: as of `yt8m_models.load_model`.

    Raises:
        ValueError: a file is missing or damaged, the class is not one of this package, the weights
            are not those of the model, or `sample_frames` is negative or not for such a model.
    """
    record = HubRecord.read(directory)
    settings = record.settings
    if sample_frames != 0:
        if sample_frames < 0:
            raise ValueError(f"sample_frames must be at least 0; received {sample_frames}")
        if "sample_frames" not in settings:
            raise ValueError(
                f"sample_frames needs a frame-level model; {directory} is a {record.class_name}; "
                f"received {sample_frames}"
            )
        settings = {**settings, "sample_frames": sample_frames}
    try:
        model = built_model(record.class_name, settings)
    except ValueError as error:
        raise ValueError(f"{directory / CONFIG}: {error}") from error
    read_weights(model, directory / WEIGHTS)
    return model, record
