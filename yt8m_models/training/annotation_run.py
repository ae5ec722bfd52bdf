"""The model of a run of `yt8m annotate`."""

import tempfile
from pathlib import Path

import keras
import tensorflow as tf

from yt8m_models.models.annotation_model import AnnotationModel
from yt8m_models.storage.whole_file import join
from yt8m_models.training.train_dir import MODEL_RECORD

MODEL = "model.keras"


def is_annotation_run(directory: str) -> bool:
    """Whether a directory is that of a run, `runs/FEATURES/mixturesN`, which has its model.

    A training's is not, also where somebody saved a model of that name in it.
    """
    exists = tf.io.gfile.exists
    return bool(exists(join(directory, MODEL)) and not exists(join(directory, MODEL_RECORD)))


def load_annotation_model(directory: str) -> tuple[AnnotationModel, tuple[str, ...], str]:
    """The model of a run, the names of its features and the path of its file.

    Args:
        directory: of the run, `runs/FEATURES/mixturesN`: its features are in its name.

    Raises:
        ValueError: there is no model, it is another, or the features are not those of the model.
    """
    path = join(directory, MODEL)
    try:
        with tempfile.TemporaryDirectory() as temporary:
            local = Path(temporary, MODEL)
            with tf.io.gfile.GFile(path, "rb") as file:
                local.write_bytes(file.read())
            model = keras.saving.load_model(local, compile=False, safe_mode=True)
    except Exception as error:  # a damaged file: Keras lets through whatever its readers raise
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{path} cannot be read: {reason}") from error
    if not isinstance(model, AnnotationModel):
        raise ValueError(f"{path} must be an AnnotationModel; it is a {type(model).__name__}")
    names = tuple(Path(directory).absolute().parent.name.split("+"))
    if len(names) != len(model.sizes):
        raise ValueError(
            f"{directory} must be runs/FEATURES/mixturesN, as yt8m annotate calls it: the model "
            f"has {len(model.sizes)} features, and the name says {'+'.join(names)}"
        )
    return model, names, path
