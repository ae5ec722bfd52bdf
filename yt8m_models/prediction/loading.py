"""A trained model for use in Python."""

import keras

from yt8m_models.models import create_model
from yt8m_models.training.checkpoints import restore_model


def load_model(train_dir: str, sample_frames: int = 0, checkpoint: str = "auto") -> keras.Model:
    """The Keras model of a training directory; see `yt8m_models.load_model`."""
    if sample_frames < 0:
        raise ValueError(f"sample_frames must be at least 0; received {sample_frames}")
    restored = restore_model(train_dir, checkpoint)
    print(f"Model: {restored.described()}")
    if sample_frames == 0:
        return restored.model
    if not restored.data_config.frame_features:
        raise ValueError(
            f"sample_frames needs a frame-level model; {restored.path} is the video-level "
            f"{restored.name}; received {sample_frames}"
        )
    model = create_model(restored.model_config, restored.data_config, sample_frames)
    model.set_weights(restored.model.get_weights())
    return model
