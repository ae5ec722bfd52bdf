"""SavedModels, as TensorFlow Serving and MediaPipe load them."""

from collections.abc import Mapping
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from yt8m_models.export.quiet import errors_only
from yt8m_models.export.signatures import Signature

Arrays = Mapping[str, np.ndarray]


def write_saved_model(path: str, signatures: Mapping[str, Signature]) -> None:
    """Writes a SavedModel with signatures by name, and the variables that they use."""
    # Not `tf.saved_model.save` of a module: the session loader finds no variables of Keras there.
    # Keras adds the variables that signatures use; one that tracks the model has them twice.
    archive = keras.export.ExportArchive()
    for name, signature in signatures.items():
        archive.add_endpoint(name, signature.function, input_signature=list(signature.inputs))
    archive.write_out(path, verbose=False)


class SavedModelSession:
    """A SavedModel, loaded into a session: what a server or MediaPipe gets of it.

    Args:
        path: its directory.

    Attributes:
        signatures: the `SignatureDef` of each by its name.

    Example:
        >>> with SavedModelSession("out/saved_model") as session:
        ...     session("features", {"video_matrix": frames, "num_frames": num_frames})
    """

    def __init__(self, path: str) -> None:
        # TensorFlow recommends another loader, which is not that of servers.
        with tf.Graph().as_default() as graph, errors_only(tf.get_logger()):
            self._session = tf.compat.v1.Session(graph=graph)
            loaded = tf.compat.v1.saved_model.load(self._session, ["serve"], path)
        self.signatures: Mapping[str, Any] = loaded.signature_def

    def __call__(self, signature: str, inputs: Arrays) -> dict[str, np.ndarray]:
        """The outputs by name of a signature, of its inputs by name."""
        definition = self.signatures[signature]
        feeds = {definition.inputs[name].name: value for name, value in inputs.items()}
        outputs: dict[str, np.ndarray] = self._session.run(
            {name: tensor.name for name, tensor in definition.outputs.items()}, feeds
        )
        return outputs

    def __enter__(self) -> "SavedModelSession":
        return self

    def __exit__(self, *error: object) -> None:
        self._session.close()
