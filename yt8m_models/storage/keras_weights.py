"""Weights in the files of Keras."""

import warnings

import keras
import numpy as np

from yt8m_models.storage.archives import DAMAGED_ARCHIVE


def load_keras_weights(model: keras.Model, path: str) -> None:
    """Gives a built model the weights of a local file that Keras wrote.

    Raises:
        ValueError: the file is damaged, or has not all weights of the model.
    """
    for weight in model.weights:
        weight.assign(np.full(weight.shape, np.nan))  # Keras leaves what a file has not as it is
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about that, for each layer
            model.load_weights(path)
    except (KeyError, TypeError, ValueError, *DAMAGED_ARCHIVE) as error:
        reason = " ".join(str(error).split())
        raise ValueError(f"{path} has not the weights of {model.name}: {reason}") from error
    for weight in model.weights:
        if np.isnan(keras.ops.convert_to_numpy(weight)).any():
            raise ValueError(
                f"{path} has not the weights of {model.name}: {weight.path} is missing"
            )
