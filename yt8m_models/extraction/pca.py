"""Principal component analyses that are ready to apply: YouTube-8M's, MediaPipe's, AudioSet's."""

import hashlib
import io
import json
import os
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import tensorflow as tf

from yt8m_models import __version__
from yt8m_models.extraction.matrix_data import parse_matrix
from yt8m_models.extraction.streaming_pca import Components
from yt8m_models.storage import filesystems
from yt8m_models.storage.archives import read_members
from yt8m_models.storage.array_archive import read_arrays
from yt8m_models.storage.artifact_dir import DAMAGED_ARRAY, ArtifactDir
from yt8m_models.storage.whole_file import join

PCA_DIR = ArtifactDir(
    "pca.json", ("pca",), "a PCA", "yt8m fit-pca", __version__, {"size": int, "input_size": int}
)
# YouTube-8M keeps so many of its components, and divides by √(variance + epsilon).
YOUTUBE8M_COMPONENTS = 1024
YOUTUBE8M_EPSILON = 1e-4

_ARRAYS = ("mean", "eigenvals", "eigenvecs")
_TARS = (".tgz", ".tar.gz", ".tar")
_MEAN, _PROJECTION = "_mean_matrix_data.pb", "_projection_matrix_data.pb"

Read = Callable[[str], bytes]


class PCA:
    """`y = P (x - μ)`, for rows of features.

    Args:
        mean: μ `(input_size,)`.
        projection: P `(size, input_size)`, whitening included.
        kind: whose it is: `youtube8m`, `mediapipe` or `audioset`.

    Attributes:
        size: dimensions of the result.
        input_size: dimensions of the features.
        settings: the kind, both sizes, and the SHA-256 of μ and P as float32, row by row.

    Raises:
        ValueError: μ and P do not fit together, or a value is infinite or not a number.

    Example:
        >>> reduced = read_pca("yt8m_pca")(features)  # (n, 2048) to (n, 1024)
    """

    def __init__(self, mean: np.ndarray, projection: np.ndarray, kind: str) -> None:
        if mean.ndim != 1 or projection.ndim != 2 or projection.shape[1:] != mean.shape:
            raise ValueError(
                "the mean of a PCA must be (n,) and its projection (components, n); received "
                f"{mean.shape} and {projection.shape}"
            )
        self.mean = np.ascontiguousarray(mean, "<f4")
        self.projection = np.ascontiguousarray(projection, "<f4")
        if not (np.isfinite(self.mean).all() and np.isfinite(self.projection).all()):
            raise ValueError("a PCA must be finite; it has a value that is infinite or NaN")
        self.kind = kind
        self.size, self.input_size = self.projection.shape
        digest = hashlib.sha256(self.mean.tobytes() + self.projection.tobytes())
        self.settings: dict[str, Any] = {
            "kind": kind,
            "input_size": self.input_size,
            "size": self.size,
            "sha256": digest.hexdigest(),
        }

    def __call__(self, features: np.ndarray) -> np.ndarray:
        """Projects features `(n, input_size)`, to float32 `(n, size)`.

        Raises:
            ValueError: they have another shape.
        """
        if features.ndim != 2 or features.shape[1] != self.input_size:
            raise ValueError(
                f"the PCA takes features of the shape (n, {self.input_size}); received "
                f"{features.shape}"
            )
        projected: np.ndarray = (features.astype(np.float32) - self.mean) @ self.projection.T
        return projected


def read_pca(path: str | os.PathLike[str], components: int | None = None) -> PCA:
    """The PCA in a file or a directory, which may be remote.

    - YouTube-8M's: a directory or a `.tgz` with `mean.npy` `(n, 1)`, `eigenvals.npy` `(k, 1)` and
      `eigenvecs.npy` `(k, n)`: `y = ((x - μ) · V) / √(λ + 1e-4)`, with V the first components of
      `eigenvecs.npy` as columns. `yt8m fit-pca` writes such a directory.
    - MediaPipe's: `NAME_mean_matrix_data.pb` and `NAME_projection_matrix_data.pb`, `y = P (x - μ)`;
      named by either file, or by their directory where it holds one such pair.
    - AudioSet's: an `.npz` with `pca_eigen_vectors` `(k, n)` and `pca_means`, `y = V (x - μ)`.
      Its own program clips the result to -2 to 2 and rounds the bytes down; here
      `extraction.quantization.quantize` clips, and counts what it clips.

    Args:
        path: as above.
        components: how many are kept; unless given all, and of YouTube-8M's own files the first
            1,024, as the data set does.

    Raises:
        ValueError: there is no PCA, it cannot be read, or has fewer components; names the file.
    """
    path = os.fspath(path)
    filesystems.require(path)
    try:
        mean, projection, kind = _find(path, components)
        if components is not None:
            if not 1 <= components <= len(projection):
                raise ValueError(
                    f"it has {len(projection)} components; components must be at least 1 and at "
                    f"most that, received {components}"
                )
            projection = projection[:components]
        return PCA(mean, projection, kind)
    except ValueError as error:
        raise ValueError(str(error) if path in str(error) else f"{path}: {error}") from None
    except tf.errors.OpError as error:
        raise ValueError(f"{path}: cannot be read: {error.message}") from None


def write_pca(
    fitted: Components, directory: str | os.PathLike[str], record: Mapping[str, Any]
) -> PCA:
    """Writes components, which must not be whitened, as YouTube-8M's directory, and reads it.

    Args:
        fitted: the components.
        directory: local; `PCA_DIR.prepare` makes it.
        record: what its `pca.json` says beside the sizes.

    Raises:
        OSError: a file cannot be written.
    """
    size, input_size = fitted.projection.shape
    arrays = {
        "mean": fitted.mean[:, None],
        "eigenvals": fitted.variances[:, None],
        "eigenvecs": fitted.projection,
    }
    PCA_DIR.write(directory, {"size": size, "input_size": input_size, **record}, arrays)
    return read_pca(directory)


def _find(path: str, components: int | None) -> tuple[np.ndarray, np.ndarray, str]:
    """The mean, the projection and the kind of the PCA that a path names."""
    if not tf.io.gfile.exists(path):
        raise ValueError("there is no such file or directory")
    if tf.io.gfile.isdir(path):
        names = tf.io.gfile.listdir(path)
        if PCA_DIR.record in names:
            size = PCA_DIR.read(path, check_files=not filesystems.scheme(path))["size"]
            return _youtube8m(_reader(path), size)
        if f"{_ARRAYS[0]}.npy" in names:
            return _youtube8m(_reader(path), components)
        pairs = sorted(name.removesuffix(_MEAN) for name in names if name.endswith(_MEAN))
        if len(pairs) == 1:
            return _mediapipe(join(path, pairs[0]))
        found = f"it has those of {' and '.join(pairs)}: name a file" if pairs else "it has neither"
        raise ValueError(
            f"a directory of a PCA has {_ARRAYS[0]}.npy, or one *{_MEAN} and *{_PROJECTION}; "
            + found
        )
    if path.endswith(_TARS):
        files = _tar_files(path)
        if PCA_DIR.record in files:
            components = _recorded_size(files[PCA_DIR.record])
        return _youtube8m(lambda name: _present(files.get(name)), components)
    for end in (_MEAN, _PROJECTION):
        if path.endswith(end):
            return _mediapipe(path.removesuffix(end))
    if path.endswith(".npz"):
        return _audioset(path)
    raise ValueError(
        f"a PCA is a directory or a {_TARS[0]} (YouTube-8M), a *{_MEAN} or *{_PROJECTION} "
        "(MediaPipe), or an .npz (AudioSet)"
    )


def _youtube8m(read: Read, components: int | None) -> tuple[np.ndarray, np.ndarray, str]:
    mean, variances, vectors = (_array(read, f"{name}.npy") for name in _ARRAYS)
    if mean.ndim != 2 or variances.ndim != 2 or vectors.shape[1:] != mean.shape[:1]:
        raise ValueError(
            "mean.npy must be (n, 1), eigenvals.npy (k, 1) and eigenvecs.npy (k, n); they are "
            f"{mean.shape}, {variances.shape} and {vectors.shape}"
        )
    size = YOUTUBE8M_COMPONENTS if components is None else components
    variances, vectors = variances[:size, 0], vectors[:size]
    if len(variances) != len(vectors) or (variances < 0).any():
        raise ValueError(
            f"eigenvals.npy must have a number, at least 0, for each of the {len(vectors)} vectors "
            f"of eigenvecs.npy; it has {len(variances)}, the least {variances.min():g}"
        )
    deviations = np.sqrt(variances.astype(np.float64) + YOUTUBE8M_EPSILON)
    return mean[:, 0], vectors / deviations[:, None], "youtube8m"


def _mediapipe(stem: str) -> tuple[np.ndarray, np.ndarray, str]:
    matrices = []
    for path in (stem + _MEAN, stem + _PROJECTION):
        if not tf.io.gfile.exists(path):
            raise ValueError(f"{path} is missing: MediaPipe's mean and projection are a pair")
        try:
            matrices.append(parse_matrix(_content(path)))
        except ValueError as error:
            raise ValueError(f"{path}: {error}") from None
    mean, projection = matrices
    if 1 not in mean.shape:
        raise ValueError(f"{stem}{_MEAN} must have one row or one column; it is {mean.shape}")
    return mean.ravel(), projection, "mediapipe"


def _audioset(path: str) -> tuple[np.ndarray, np.ndarray, str]:
    means, vectors = read_arrays(path, ("pca_means", "pca_eigen_vectors")).values()
    return means.ravel(), vectors, "audioset"


def _array(read: Read, name: str) -> np.ndarray:
    """A floating-point array of an `.npy`."""
    try:
        array = np.load(io.BytesIO(read(name)), allow_pickle=False)
    except DAMAGED_ARRAY as error:
        raise ValueError(f"{name} cannot be read: {error}") from None
    if not isinstance(array, np.ndarray) or not np.issubdtype(array.dtype, np.floating):
        raise ValueError(f"{name} must be an array of floats")
    return array


def _reader(directory: str) -> Read:
    """Reads the files of a directory."""

    def read(name: str) -> bytes:
        path = join(directory, name)
        return _present(_content(path) if tf.io.gfile.exists(path) else None)

    return read


def _tar_files(path: str) -> dict[str, bytes]:
    """The files of a PCA in a tar file by their names, in whatever directory of it they are."""
    wanted = {PCA_DIR.record, *(f"{name}.npy" for name in _ARRAYS)}
    members = read_members(
        io.BytesIO(_content(path)), lambda name: os.path.basename(name) in wanted
    )
    return {os.path.basename(name): content for name, content in members.items()}


def _recorded_size(record: bytes) -> int:
    """How many components a PCA of `yt8m fit-pca` has."""
    try:
        return int(json.loads(record)["size"])
    except (ValueError, TypeError, LookupError, OverflowError, RecursionError) as error:
        raise ValueError(f"{PCA_DIR.record} is not the record of a PCA: {error!r}") from None


def _present(content: bytes | None) -> bytes:
    if content is None:
        raise ValueError("it is missing")
    return content


def _content(path: str) -> bytes:
    with tf.io.gfile.GFile(path, "rb") as file:
        content: bytes = file.read()
        return content
