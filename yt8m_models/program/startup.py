"""Starting TensorFlow without the notes that it prints about itself."""

import gc
import os
import re
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager

_NOTES = re.compile(
    r"I\d{4} |W\d{4} |WARNING: All log messages before|To enable the following instructions"
    r"|\d{4}-\d\d-\d\d \S+ [IW] "
)
_NO_GPU = re.compile(r"E\d{4} .*cuInit")


def start_tensorflow() -> None:
    """Imports TensorFlow and looks for devices; what it prints is shown without its routine notes.

    TensorFlow's libraries write notes to standard error before any setting can stop them: build
    options, missing GPU drivers. Errors, and whatever else is printed, are passed on. Does nothing
    where Keras is to run on another library.
    """
    if os.environ.get("KERAS_BACKEND", "tensorflow") != "tensorflow":
        return
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
    sys.stderr.flush()
    original = os.dup(2)
    with tempfile.TemporaryFile() as printed:
        os.dup2(printed.fileno(), 2)
        try:
            with without_collection():
                import tensorflow as tf

            tf.config.list_physical_devices()
        finally:
            sys.stderr.flush()
            os.dup2(original, 2)
            os.close(original)
            printed.seek(0)
            has_driver = os.path.exists("/dev/nvidiactl")
            for line in printed.read().decode(errors="replace").splitlines(keepends=True):
                if not _NOTES.match(line) and (has_driver or not _NO_GPU.match(line)):
                    sys.stderr.write(line)


@contextmanager
def without_collection() -> Iterator[None]:
    """Imports without looking for garbage, a fifth of TensorFlow's time, or ever after in them."""
    is_first = "tensorflow" not in sys.modules and gc.isenabled()
    if is_first:
        gc.disable()
    try:
        yield
    finally:
        if is_first:
            gc.freeze()
            gc.enable()
