"""The videos of an index that are most similar to a clip."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import tensorflow as tf

from yt8m_models.data.quantization import dequantize
from yt8m_models.data.video_ids import UNKNOWN, VideoIds
from yt8m_models.embedding.loading import load_embedding_model
from yt8m_models.features.feature_table import FeatureTable
from yt8m_models.features.raw_features import RawFeatures
from yt8m_models.report.gallery import read_titles
from yt8m_models.retrieval.index import Index
from yt8m_models.storage.file_names import file_name_of_id
from yt8m_models.storage.whole_file import join

Features = Mapping[str, np.ndarray]
Embed = Callable[[Features], np.ndarray]  # gives float32 (1, size)


class Neighbour(NamedTuple):
    """A video of the index.

    Attributes:
        video_id: its id.
        title: empty where none is known.
        score: its cosine with the clip.
        thumbnail: a picture, uint8 `(height, width, 3)`, where there is one.
    """

    video_id: str
    title: str
    score: float
    thumbnail: np.ndarray | None


class Neighbours:
    """Looks up the videos of an index that are most similar to a clip.

    Args:
        index_dir: as written by `yt8m build-index`.
        embedding_dir: the training of the model that the index is of; empty where it is of raw
            features.
        titles: CSV with the columns video_id and title; empty for ids alone.
        thumbnails: directory of a picture for each, as `yt8m extract --thumbnails` names them;
            empty for none.
        sizes: of the features that clips will have, by name.
        count: how many neighbours.

    Raises:
        ValueError: a directory is not what it should be, the index is of another model, or clips do
            not have the features of it.
        OSError: the titles cannot be read.
    """

    def __init__(
        self,
        index_dir: str,
        embedding_dir: str,
        titles: str,
        thumbnails: str,
        sizes: Mapping[str, int],
        count: int,
    ) -> None:
        self._index = Index.load(index_dir)
        self._titles = read_titles(titles) if titles else {}
        self._thumbnails = thumbnails
        self._count = count
        if embedding_dir:
            self._embed = _trained(embedding_dir, self._index, index_dir, sizes)
        else:
            self._embed = _raw(self._index, index_dir, sizes)

    def __call__(self, features: Features) -> list[Neighbour]:
        """The neighbours of a clip by its features, best first.

        Args:
            features: by name, of frames, uint8 or float32 `(T, size)`, or their mean `(size,)`.
        """
        scores, rows = self._index.search(self._embed(features), self._count)
        is_known = rows[0] != UNKNOWN
        ids = [video_id.decode(errors="replace") for video_id in self._index.ids[rows[0][is_known]]]
        return [
            Neighbour(video_id, self._titles.get(video_id, ""), score, self._thumbnail(video_id))
            for video_id, score in zip(ids, scores[0][is_known].tolist(), strict=True)
        ]

    def _thumbnail(self, video_id: str) -> np.ndarray | None:
        if not self._thumbnails:
            return None
        path = join(self._thumbnails, f"{file_name_of_id(video_id)}.jpg")
        try:
            picture: np.ndarray = tf.io.decode_jpeg(tf.io.read_file(path), channels=3).numpy()
        except tf.errors.OpError:  # missing, or not a JPEG: the video is shown without
            return None
        return picture


def _trained(embedding_dir: str, index: Index, index_dir: str, sizes: Mapping[str, int]) -> Embed:
    """Embeds by a trained model."""
    network, trained = load_embedding_model(embedding_dir)
    if trained.model != index.model:
        raise ValueError(
            f"the index in {index_dir} is of the model {index.model}, and {trained.path} is of "
            f"{trained.model}"
        )
    names = network.feature_names
    for name, size in zip(names, network.feature_sizes, strict=True):
        if sizes.get(name) != size:
            made = ", ".join(f"{each} of {width}" for each, width in sizes.items())
            raise ValueError(
                f"{trained.path} takes the feature {name} of {size} values; clips have {made}"
            )
    takes_frames = network.config.fusion == "frames"

    def embed(features: Features) -> np.ndarray:
        parts = [features[name] if takes_frames else _mean(features[name]) for name in names]
        inputs = {"video_matrix": tf.constant(np.concatenate(parts, axis=-1)[None])}
        if takes_frames:
            inputs["num_frames"] = tf.constant([len(parts[0])], tf.int32)
        embedded: np.ndarray = network(inputs, training=False).numpy()
        return embedded

    return embed


def _raw(index: Index, index_dir: str, sizes: Mapping[str, int]) -> Embed:
    """Takes all features, or the one, that the index is of, as `yt8m embed --raw` does."""
    for names in (tuple(sizes), *((name,) for name in sizes)):
        for per_feature_l2_norm in (True, False):
            nothing = {name: np.zeros(sizes[name], np.float32) for name in names}
            if RawFeatures(_table(nothing, names), per_feature_l2_norm).model == index.model:
                return lambda features: next(
                    RawFeatures(_table(features, names), per_feature_l2_norm).batches(np.arange(1))
                )
    made = ", ".join(f"{name} of {size}" for name, size in sizes.items())
    raise ValueError(
        f"the index in {index_dir} is of the model {index.model}, and clips have the features "
        f"{made}: give the training of its model (--embedding_dir), or another index"
    )


def _table(features: Features, names: Sequence[str]) -> FeatureTable:
    """The features of a clip as a table of one video."""
    values = [_mean(features[name]) for name in names]
    sizes = [len(value) for value in values]
    return FeatureTable(VideoIds([b"clip"]), np.concatenate(values)[None], names, sizes)


def _mean(values: np.ndarray) -> np.ndarray:
    """The mean over the frames, float32 `(size,)`; a mean as it is."""
    if values.ndim == 1:
        return values
    floats = dequantize(values) if values.dtype == np.uint8 else values
    mean: np.ndarray = floats.mean(axis=0, dtype=np.float32)
    return mean
