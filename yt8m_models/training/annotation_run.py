"""The model of a run of `yt8m annotate`."""

import json
import tempfile
import zipfile
from pathlib import Path

import keras
import tensorflow as tf

from yt8m_models.models.annotation_model import AnnotationModel
from yt8m_models.storage import filesystems
from yt8m_models.storage.archives import require_no_bomb
from yt8m_models.storage.keras_weights import load_keras_weights
from yt8m_models.storage.whole_file import join
from yt8m_models.training.train_dir import MODEL_RECORD

MODEL = "model.keras"
_NAME = keras.saving.get_registered_name(AnnotationModel)


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
    filesystems.require(path)
    try:
        with tempfile.TemporaryDirectory() as temporary:
            local = path
            if filesystems.scheme(path):
                local = str(Path(temporary, MODEL))
                tf.io.gfile.copy(path, local)
            model = _without_weights(local)
            load_keras_weights(model, local)
    except Exception as error:  # a damaged file: Keras lets through whatever its readers raise
        reason = str(error).partition("\n")[0]
        raise ValueError(f"{path} cannot be read: {reason}") from error
    names = tuple(Path(directory).absolute().parent.name.split("+"))
    if len(names) != len(model.sizes):
        raise ValueError(
            f"{directory} must be runs/FEATURES/mixturesN, as yt8m annotate calls it: the model "
            f"has {len(model.sizes)} features, and the name says {'+'.join(names)}"
        )
    return model, names, path


def _without_weights(path: str) -> AnnotationModel:
    """The model of a Keras file, from its arguments: Keras would make whatever the file names."""
    with zipfile.ZipFile(path) as archive:
        require_no_bomb(archive.infolist())
        record = json.loads(archive.read("config.json"))
    if record["registered_name"] != _NAME:
        raise ValueError(f"it must be an AnnotationModel; it is a {record['class_name']}")
    config = record["config"]
    model = AnnotationModel(
        tuple(map(int, config["sizes"])),
        tuple(map(int, config["components"])),
        int(config["num_classes"]),
        int(config["num_mixtures"]),
        float(config["l2"]),
        bool(config["expert_bias"]),
    )
    model.build()
    return model
