"""Models that Keras can export."""

from typing import Any

import keras


class ExportableModel(keras.Model):
    """A model that knows what it takes before it was called.

    Keras takes the inputs of an export from the shapes that `build` received, and gives all of them
    one type. These models are built without shapes, and `num_frames` are whole numbers.
    """

    @property
    def takes_frames(self) -> bool:
        """Whether `video_matrix` is `(batch, T, D)`, beside `num_frames`, and not `(batch, D)`."""
        raise NotImplementedError

    @property
    def num_features(self) -> int:
        """D, the width of `video_matrix`."""
        raise NotImplementedError

    def export(
        self,
        filepath: Any,
        format: str = "tf_saved_model",
        verbose: bool | None = None,
        input_signature: Any = None,
        **kwargs: Any,
    ) -> None:
        """As `keras.Model.export`, for any number of videos and of frames.

        Unless `input_signature` is given, what was exported takes what the model takes: a dict of
        `video_matrix`, float32 dequantised, and, where it takes frames, `num_frames`, int32.
        """
        if input_signature is None:
            frames = (None,) if self.takes_frames else ()
            inputs = [_spec("video_matrix", (None, *frames, self.num_features), "float32")]
            if self.takes_frames:
                inputs.append(_spec("num_frames", (None,), "int32"))
            input_signature = [{spec.name: spec for spec in inputs}]
        super().export(filepath, format, verbose, input_signature, **kwargs)


def _spec(name: str, shape: tuple[int | None, ...], dtype: str) -> keras.InputSpec:
    return keras.InputSpec(shape=shape, dtype=dtype, name=name)
