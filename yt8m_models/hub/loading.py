"""A model of the Hub's form for use in Python, on any backend of Keras."""

import keras

from yt8m_models.hub.folder import read_folder
from yt8m_models.hub.source import folder_of


def load_hub_model(source: str, sample_frames: int = 0, checkpoint: str = "auto") -> keras.Model:
    """The model of a folder, or of an id on the Hub; see `yt8m_models.load_model`."""
    if checkpoint != "auto":
        raise ValueError(
            f"checkpoint must be auto for {source}, which has one set of weights; received "
            f"{checkpoint}"
        )
    folder = folder_of(source)
    model, record = read_folder(folder, sample_frames)
    step = "" if record.step is None else f" of step {record.step:,}"
    print(f"Model: {record.model}{step}: {folder}")
    return model
