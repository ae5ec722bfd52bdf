"""Remote file systems: those TensorFlow brings, and those that tensorflow-io adds.

Local paths and `gs://` need nothing. `s3://`, `http://`, `https://`, `hdfs://` and `az://` need
tensorflow-io, the `io` extra, which is loaded when such a path is given and not before. This module
imports TensorFlow inside functions, so that programs can use it before they need TensorFlow.
"""

import warnings

EXTRA_SCHEMES = ("s3", "http", "https", "hdfs", "az")


def scheme(path: str) -> str:
    """The scheme of a path in lower case: `s3` for `s3://bucket/key`, empty for a local path."""
    head, separator, _ = path.partition("://")
    return head.lower() if separator else ""


def require(path: str) -> None:
    """Makes sure that TensorFlow can open `path`; loads tensorflow-io for the schemes that need it.

    Raises:
        ValueError: `path` needs tensorflow-io, which is not installed or does not fit the installed
            TensorFlow. The message names the extra that brings both.
    """
    needed = scheme(path)
    if needed not in EXTRA_SCHEMES:
        return
    import tensorflow as tf

    if needed in tf.io.gfile.get_registered_schemes():
        return
    try:
        with warnings.catch_warnings():
            # Where its libraries do not fit, tensorflow-io warns and registers no scheme.
            warnings.simplefilter("ignore")
            import tensorflow_io  # noqa: F401
    except ModuleNotFoundError as error:
        if error.name != "tensorflow_io":
            raise ValueError(_message(path, f"tensorflow-io cannot be loaded ({error})")) from error
        raise ValueError(_message(path, "tensorflow-io is not installed")) from None
    except (ImportError, OSError, NotImplementedError, tf.errors.OpError) as error:
        raise ValueError(_message(path, f"tensorflow-io cannot be loaded ({error})")) from error
    if needed not in tf.io.gfile.get_registered_schemes():
        raise ValueError(
            _message(path, f"the installed tensorflow-io does not fit TensorFlow {tf.__version__}")
        )


def _message(path: str, reason: str) -> str:
    return (
        f"{path}: {scheme(path)}:// is read and written through tensorflow-io, and {reason}; "
        "`pip install 'yt8m-models[io]'` installs it with the TensorFlow that it needs "
        "(2.16, on Python 3.12 or older)"
    )
