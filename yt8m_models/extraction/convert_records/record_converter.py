"""The conversion of one record."""

import posixpath
from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from yt8m_models.data.quantization import dequantize
from yt8m_models.data.quantization import quantize as nearest_step
from yt8m_models.data.records import frame_list
from yt8m_models.extraction.convert_records.config import YT8M, ConvertConfig
from yt8m_models.extraction.convert_records.record_format import RecordFormat
from yt8m_models.extraction.frame_features import frames_of, parse_sequence
from yt8m_models.extraction.pca import PCA
from yt8m_models.extraction.quantization import num_clipped, quantize, require_finite

_DATA_PATH = "clip/data_path"
_ID_KEYS = ("clip/media_id", "example/id", "id", "video_id", _DATA_PATH)
_LABEL_KEYS = ("clip/label/index", "example/label", "labels")
# The byte that dequantises to 0, with which readers pad.
_ZERO = nearest_step(np.zeros(1))[0]


class Converted(NamedTuple):
    """A converted record.

    Attributes:
        content: the record, serialized.
        counts: 1 of `videos`, 0 or 1 of `unlabelled`, `empty` (it has no frames) and `unequal` (its
            features had different numbers of frames); of its floats that were quantised, all
            `values` and those `clipped`.
    """

    content: bytes
    counts: Mapping[str, int]


class RecordConverter:
    """Converts serialized records.

    Args:
        config: what to convert.
        source: the format of the records.
        features: the feature lists to convert, each with its name in YouTube-8M.
        pcas: by that name.
    """

    def __init__(
        self,
        config: ConvertConfig,
        source: RecordFormat,
        features: Mapping[str, str],
        pcas: Mapping[str, PCA],
    ) -> None:
        self.config = config
        self.source = source
        self.features = features
        self.pcas = pcas
        self._sizes: dict[str, int] = {}

    def convert(self, content: bytes) -> Converted:
        """Converts a record.

        Raises:
            ValueError: it is no record, has no id, lacks a feature list or has one that the first
                record has not, or a frame that does not fit; its features differ in their number
                of frames and the rule is `error`; or a float is infinite or not a number.
        """
        example = parse_sequence(content)
        context, lists = example.context.feature, example.feature_lists.feature_list
        id_key, video_id = self._id(context)
        label_key, labels = self._labels(context)
        counts = {"videos": 1, "unlabelled": int(not labels), "values": 0, "clipped": 0}
        try:
            if not self.config.feature_keys:
                self._refuse_others(lists)
            frames = {
                name: self._frames(lists, key, name, counts) for key, name in self.features.items()
            }
            counts["unequal"] = int(len({len(each) for each in frames.values()}) > 1)
            frames = self._aligned(frames)
            counts["empty"] = int(any(not len(each) for each in frames.values()))
        except ValueError as error:
            raise ValueError(f"video {video_id.decode(errors='replace')!r}: {error}") from None
        converted = tf.train.SequenceExample()
        if self.source.keeps_context:
            for key in context.keys() - {id_key, label_key}:
                converted.context.feature[key].CopyFrom(context[key])
        self._write(converted, video_id, labels, frames)
        return Converted(converted.SerializeToString(deterministic=True), counts)

    def _id(self, context: Mapping[str, tf.train.Feature]) -> tuple[str, bytes]:
        """Where the id is, and the id."""
        for key in (self.config.id_key,) if self.config.id_key else _ID_KEYS:
            values = list(context[key].bytes_list.value) if key in context else []
            if len(values) == 1 and values[0]:
                if key == _DATA_PATH:
                    return key, posixpath.splitext(posixpath.basename(values[0]))[0]
                return key, values[0]
        there = ", ".join(sorted(context)) if context else "nothing"
        wanted = self.config.id_key or " or ".join(_ID_KEYS)
        raise ValueError(f"it has no id ({wanted}; --id_key names another); there is {there}")

    def _labels(self, context: Mapping[str, tf.train.Feature]) -> tuple[str, list[int]]:
        """Where the class ids are, and the class ids."""
        wanted = self.config.label_key
        for key in (wanted,) if wanted else _LABEL_KEYS:
            if key in context:
                if context[key].WhichOneof("kind") not in (None, "int64_list"):
                    raise ValueError(f"labels must be integers; {key!r} is not (see --label_key)")
                return key, list(context[key].int64_list.value)
        return wanted, []

    def _refuse_others(self, lists: Mapping[str, tf.train.FeatureList]) -> None:
        others = self.source.features_in(lists).keys() - self.features.keys()
        if others:
            raise ValueError(
                f"it has the feature list {min(others)!r}, which the first record lacks; "
                "--feature_keys says which are converted"
            )

    def _frames(
        self, lists: Mapping[str, tf.train.FeatureList], key: str, name: str, counts: dict[str, int]
    ) -> np.ndarray:
        """The frames of a feature as the output has them: bytes or floats."""
        frames = frames_of(lists, key)
        if not len(frames):
            return frames
        if frames.dtype == np.float32:
            require_finite(frames, f"feature list {key!r}")
        if name in self.pcas:
            if frames.dtype == np.uint8:
                raise ValueError(f"--{name}_pca takes floats, and {key!r} has bytes")
            frames = self.pcas[name](frames)
        size = self._sizes.setdefault(name, frames.shape[1])
        if frames.shape[1] != size:
            raise ValueError(
                f"the frames of {key!r} have {frames.shape[1]} values, and in records before {size}"
            )
        if self.config.to_format != YT8M:
            return dequantize(frames) if frames.dtype == np.uint8 else frames
        if frames.dtype == np.uint8:
            return frames
        counts["values"] += frames.size
        counts["clipped"] += num_clipped(frames)
        return quantize(frames, key)

    def _aligned(self, frames: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The features with equally many frames, by the rule `unequal_frames`."""
        lengths = {name: len(each) for name, each in frames.items()}
        rule = self.config.unequal_frames
        if rule == "error" and len(set(lengths.values())) > 1:
            raise ValueError(
                f"the features differ in their number of frames: {lengths}; --unequal_frames=trim "
                "or pad converts them"
            )
        length = (max if rule == "pad" else min)(lengths.values(), default=0)
        return {name: self._resized(name, each, length) for name, each in frames.items()}

    def _resized(self, name: str, frames: np.ndarray, length: int) -> np.ndarray:
        missing = length - len(frames)
        if missing <= 0:
            return frames[:length]
        is_bytes = self.config.to_format == YT8M
        if not len(frames):
            if name not in self._sizes:
                raise ValueError(f"{name} has no frames, and no record before tells how wide it is")
            frames = np.zeros((0, self._sizes[name]), np.uint8 if is_bytes else np.float32)
        value = _ZERO if is_bytes else 0.0
        return np.pad(frames, ((0, missing), (0, 0)), constant_values=value)

    def _write(
        self,
        converted: tf.train.SequenceExample,
        video_id: bytes,
        labels: list[int],
        frames: Mapping[str, np.ndarray],
    ) -> None:
        context, lists = converted.context.feature, converted.feature_lists.feature_list
        is_yt8m = self.config.to_format == YT8M
        id_key, label_key = ("id", "labels") if is_yt8m else (_ID_KEYS[0], _LABEL_KEYS[0])
        context[id_key].CopyFrom(tf.train.Feature(bytes_list=tf.train.BytesList(value=[video_id])))
        context[label_key].CopyFrom(_integers(labels))
        for name, each in frames.items():
            prefix = f"{name.upper()}/feature"
            lists[name if is_yt8m else f"{prefix}/floats"].CopyFrom(frame_list(each))
            if not is_yt8m:
                lists[f"{prefix}/timestamp"].feature.extend(
                    _integers([number * self.source.frame_microseconds])
                    for number in range(len(each))
                )


def _integers(values: list[int]) -> tf.train.Feature:
    return tf.train.Feature(int64_list=tf.train.Int64List(value=values))
