"""Scalars for TensorBoard, written without the tensorboard package."""

from collections.abc import Mapping

import tensorflow as tf


class ScalarWriter:
    """Writes scalars as event files, which TensorBoard shows as curves.

    `tf.summary.scalar` needs the tensorboard package, which TensorFlow no longer brings; this
    writes the same records.

    Args:
        directory: where the event file is written; nowhere with `None`.
    """

    def __init__(self, directory: str | None) -> None:
        self._writer = (
            tf.summary.create_noop_writer()
            if directory is None
            else tf.summary.create_file_writer(directory)
        )
        self._metadata = tf.compat.v1.SummaryMetadata(
            plugin_data=tf.compat.v1.SummaryMetadata.PluginData(plugin_name="scalars"),
            data_class="DATA_CLASS_SCALAR",
        )

    def write(self, step: int, scalars: Mapping[str, float]) -> None:
        """Writes each scalar at a step; names like `train/loss`."""
        with self._writer.as_default():
            for name, value in scalars.items():
                tensor = tf.constant(value, tf.float32)
                tf.summary.write(name, tensor, step=step, metadata=self._metadata)

    def flush(self) -> None:
        """Brings what was written to the file."""
        self._writer.flush()

    def close(self) -> None:
        """Flushes, and ends the file."""
        self._writer.close()
