"""The videos or queries in the body of a request, and what is wrong with it."""

import base64
import binascii
import io
import json
from collections.abc import Iterator
from typing import Any, NoReturn

import numpy as np

from yt8m_models.data.record_reader import BadRecord
from yt8m_models.export.examples import Video, parse_video
from yt8m_models.export.exported_model import ExportedModel
from yt8m_models.export.tfrecord import records_of_bytes

_NPY = b"\x93NUMPY"
_NPY_VERSIONS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}


class TooMany(ValueError):
    """A request has more videos than it may have."""


def videos_of_json(body: bytes, model: ExportedModel, max_videos: int) -> list[Video]:
    """The videos of `{"videos": [{"id": …, "features": {name: values}}]}`, as the model takes them.

    Values are a string, the base64 of frames as recorded (uint8, one frame behind the other), or
    numbers, dequantised: a list a frame; of video-level models one list.

    Raises:
        ValueError: it is something else; says what.
    """
    entries = _object(_json(body), "the body", required={"videos"})["videos"]
    if not isinstance(entries, list) or not entries:
        raise ValueError("videos must be a list of at least one video")
    require_few(len(entries), max_videos)
    return [_video(entry, f"videos[{index}]", model) for index, entry in enumerate(entries)]


def videos_of_bytes(body: bytes, model: ExportedModel, max_videos: int) -> list[Video]:
    """The videos of an `.npy` file, or of a TFRecord file, as the model takes them.

    An array is uint8 as recorded or floats, of one video, `(T, D)`, or of many, `(n, T, D)`, all
    frames valid; of video-level models `(D,)` or `(n, D)`.

    Raises:
        ValueError: it is something else; says what.
    """
    if body.startswith(_NPY):
        array = array_of_bytes(body)
        dimensions = 2 if model.data.frame_features else 1
        videos = array[np.newaxis] if array.ndim == dimensions else array
        if videos.ndim != dimensions + 1 or not len(videos):
            raise ValueError(
                f"the array must be {_shape(model)}, or many such; its shape is {array.shape}"
            )
        require_few(len(videos), max_videos)
        return [Video(b"", _checked(each, "the array", model)) for each in videos]
    return list(_recorded(body, model, max_videos))


def ids_or_vectors(body: bytes) -> tuple[list[str] | None, np.ndarray]:
    """What `{"ids": [id, …]}` or `{"vectors": [numbers, …]}` has: ids, or `None` and vectors.

    Raises:
        ValueError: it is something else; says what.
    """
    request = _object(_json(body), "the body", set(), {"ids", "vectors"})
    if len(request) != 1:
        raise ValueError("the body must have either ids or vectors")
    if "vectors" in request:
        return None, _numbers(request["vectors"], "vectors")
    return _strings(request["ids"], "ids"), np.zeros((0, 0))


def users_of(body: bytes) -> list[str]:
    """The users of `{"users": [id, …]}`.

    Raises:
        ValueError: it is something else; says what.
    """
    return _strings(_object(_json(body), "the body", {"users"})["users"], "users")


def _strings(values: Any, place: str) -> list[str]:
    if not isinstance(values, list) or not values or not all(isinstance(v, str) for v in values):
        raise ValueError(f"{place} must be a list of at least one string")
    return values


def _json(body: bytes) -> Any:
    try:
        return json.loads(body, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the body is not JSON: {error}") from None


def _recorded(body: bytes, model: ExportedModel, max_videos: int) -> Iterator[Video]:
    for number, content in records_of_bytes(body, "the body"):
        if isinstance(content, BadRecord):
            raise ValueError(str(content))
        require_few(number + 1, max_videos)
        try:
            video = parse_video(content, model.data)
        except ValueError as error:
            raise ValueError(str(BadRecord("the body", number, str(error)))) from None
        yield Video(video.video_id, model.as_input(video.values))


def array_of_bytes(body: bytes) -> np.ndarray:
    """The array of an `.npy` file, no byte of which is copied before its header is checked."""
    file = io.BytesIO(body)
    try:
        version = np.lib.format.read_magic(file)
        if version not in _NPY_VERSIONS:
            raise ValueError(f"its version is {version}")
        shape, is_fortran, dtype = _NPY_VERSIONS[version](file)
    except Exception as error:  # a header is a Python literal to NumPy, which raises what it finds
        raise ValueError(f"the array cannot be read: {error}") from None
    if dtype != np.uint8 and dtype.kind != "f":
        raise ValueError(f"the array must be uint8 or floats; it is {dtype}")
    if is_fortran:
        raise ValueError("the array must be in C order")
    rest = memoryview(body)[file.tell() :]
    if len(rest) != _product(shape) * dtype.itemsize:
        raise ValueError(f"the array has other than the bytes of its shape {shape}")
    return np.frombuffer(rest, dtype).reshape(shape)


def _product(shape: tuple[int, ...]) -> int:
    """Of whole numbers without a bound, unlike that of NumPy."""
    product = 1
    for size in shape:
        product *= size
    return product


def _video(entry: Any, what: str, model: ExportedModel) -> Video:
    entry = _object(entry, what, required={"features"}, optional={"id"})
    video_id = entry.get("id", "")
    if not isinstance(video_id, str):
        raise ValueError(f"{what}.id must be a string")
    data = model.data
    features = _object(entry["features"], f"{what}.features", required=set(data.feature_names))
    parts = []
    for name, size in zip(data.feature_names, data.feature_sizes, strict=True):
        place = f"{what}.features.{name}"
        values = features[name]
        array = (
            _decoded(values, place, size) if isinstance(values, str) else _numbers(values, place)
        )
        if array.size == 0 and data.frame_features:
            array = array.reshape(0, size)
        if array.ndim != 1 + data.frame_features or array.shape[-1] != size:
            wanted = f"frames of {size} values each" if data.frame_features else f"{size} values"
            raise ValueError(f"{place} must be {wanted}; its shape is {array.shape}")
        parts.append(_checked(array, place, model))
    if data.frame_features and len(counts := {len(part) for part in parts}) > 1:
        raise ValueError(f"{what}: its features must have equally many frames; received {counts}")
    return Video(video_id.encode(errors="replace"), np.concatenate(parts, axis=-1))


def _decoded(text: str, place: str, size: int) -> np.ndarray:
    try:
        frames = np.frombuffer(base64.b64decode(text, validate=True), np.uint8)
    except (ValueError, binascii.Error) as error:
        raise ValueError(f"{place} is not base64: {error}") from None
    if len(frames) % size:
        raise ValueError(f"{place} has {len(frames)} bytes, not frames of {size} each")
    return frames.reshape(-1, size)


def _numbers(values: Any, place: str) -> np.ndarray:
    try:
        array = np.asarray(values)
    except (ValueError, RecursionError):
        raise ValueError(f"{place} must have lists of equal lengths") from None
    if array.dtype.kind not in "iuf":
        or_frames = "" if place == "vectors" else ", or the base64 of frames as recorded"
        raise ValueError(f"{place} must be numbers{or_frames}")
    return array.astype(np.float64)


def _checked(array: np.ndarray, what: str, model: ExportedModel) -> np.ndarray:
    """Features as the model takes them, with `max_frames` frames at most."""
    data = model.data
    if what == "the array" and array.shape[-1] != sum(data.feature_sizes):
        raise ValueError(f"{what} must be {_shape(model)}; a video's shape is {array.shape}")
    if data.frame_features:
        array = array[: data.max_frames]
    elif array.dtype == np.uint8:
        raise ValueError(f"{what} must be numbers: only frames are recorded in 8 bits")
    if array.dtype != np.uint8:
        with np.errstate(over="ignore"):
            array = array.astype(np.float32)
        if not np.isfinite(array).all():
            raise ValueError(f"{what} must have finite numbers that float32 can hold")
    return model.as_input(array)


def _shape(model: ExportedModel) -> str:
    frames = "frames, " if model.data.frame_features else ""
    return f"({frames}{sum(model.data.feature_sizes)})"


def _object(
    value: Any, what: str, required: set[str], optional: frozenset[str] | set[str] = frozenset()
) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ValueError(f"{what} must be an object with {', '.join(sorted(required))}")
    if missing := required - set(value):
        raise ValueError(f"{what} lacks {', '.join(sorted(missing))}")
    if unknown := set(value) - required - optional:
        raise ValueError(f"{what} has {', '.join(sorted(unknown))[:80]}, which is not known")
    return value


def require_few(count: int, most: int) -> None:
    """Raises a `TooMany` where a request has more videos or queries than it may have."""
    if count > most:
        raise TooMany(f"a request may have {most} videos at most")


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not a number")
