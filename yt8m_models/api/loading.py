"""`load_model`: a trained model, from here or from the Hub."""

import os
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import keras


def load_model(
    train_dir: str | os.PathLike[str], sample_frames: int = 0, checkpoint: str = "auto"
) -> "keras.Model":
    """The Keras model of a training, of an imported checkpoint, or of the Hugging Face Hub.

    It takes a dict of `video_matrix`, float32 `(batch, T, D)` dequantised (video level: `(batch,
    D)`) or uint8 as recorded, and `num_frames`, int32 `(batch,)`, and returns predictions, float32
    `(batch, num_classes)`. Features are in the order of the training's `--feature_names`. A line
    says which checkpoint it has.

    Args:
        train_dir: what `--train_dir` was in training; or a folder of `yt8m export --format=hf`, or
            the id of one on the Hub, `USER/NAME` or `USER/NAME@REVISION`. Folders and ids are
            loaded on any backend of Keras, and without TensorFlow on others.
        sample_frames: frames that each call samples from every video at random; 0 takes them all.
        checkpoint: `best` (lowest validation loss), `latest`, the path of one, or `auto`: the best
            where the training was validated, the latest otherwise. Folders have one.

    Raises:
        ValueError: nothing was trained there, there is no such checkpoint, it cannot be read, or
            `sample_frames` is negative or given for a video-level model. The extra `hub` is needed
            and not installed, or the Hub has no such model.

    Example:
        >>> model = yt.load_model("models/netvlad")
        >>> predictions = model({"video_matrix": frames, "num_frames": num_frames})
    """
    # Here, as folders are loaded on backends without TensorFlow.
    from yt8m_models.hub.source import is_hub_source

    source = os.fspath(train_dir)
    if is_hub_source(source):
        from yt8m_models.hub.loading import load_hub_model

        return load_hub_model(source, sample_frames, checkpoint)
    from yt8m_models.prediction.loading import load_model as load_trained_model

    return load_trained_model(source, sample_frames, checkpoint)
