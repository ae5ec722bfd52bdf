"""The frames of records, block by block, as often as they are wanted."""

from collections.abc import Iterator

import numpy as np
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data.patterns import match_files
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.gmm.config import UBMConfig
from yt8m_models.layers import InputNormalization

_WHOLE_VIDEOS = 32
_BLOCK_FRAMES = 8192


class Frames:
    """The frames that a UBM is trained on: the same, in the same order, in every iteration.

    The first iteration keeps them, quantised as recorded, if they fit into `config.cache_gb`;
    larger sets are read from the records again each time, which takes bounded memory, and less time
    than an iteration of EM on them at K = 256. With `max_frames`, videos come in an order drawn
    from the seed.

    Args:
        config: the records, and which of their frames.
        data: the format of the records.

    Attributes:
        count: number of frames; `None` before the first iteration has ended.
        normalize: makes frames `(n, D)` what a model's pooling gets of them, float32.

    Raises:
        ValueError: the pattern names no file; and from the iteration, a record is bad.
    """

    def __init__(self, config: UBMConfig, data: DataConfig) -> None:
        self.config = config
        self.data = data
        self.count: int | None = None
        self.files = match_files(config.train_data_pattern, "train_data_pattern")
        self._cache: list[np.ndarray] | None = None
        self.normalize = tf.function(
            InputNormalization(data.feature_sizes, config.per_feature_l2_norm, dtype="float32"),
            input_signature=[tf.TensorSpec([None, sum(data.feature_sizes)], tf.uint8)],
        )

    def __iter__(self) -> Iterator[np.ndarray]:
        """Yields blocks of quantised frames of all features side by side, uint8 `(n, D)`."""
        if self._cache is not None:
            yield from self._cache
            return
        kept: list[np.ndarray] | None = []
        capacity = self.config.cache_gb * 2**30
        count = 0
        for block in self._read():
            count += len(block)
            capacity -= block.nbytes
            if capacity < 0:
                kept = None
            if kept is not None:
                kept.append(block)
            yield block
        self.count, self._cache = count, kept

    def _read(self) -> Iterator[np.ndarray]:
        config, per_video = self.config, self.config.sample_frames
        options = PipelineOptions(
            batch_size=max(1, _BLOCK_FRAMES // per_video) if per_video else _WHOLE_VIDEOS,
            shuffle=config.max_frames > 0,
            seed=config.seed,
            sample_frames=per_video,
            num_readers=config.num_readers,
            skip_empty_videos=True,
            max_bad_records=config.max_bad_records,
        )
        left = config.max_frames or None
        for batch in Pipeline(self.files, self.data, options):
            valid = tf.sequence_mask(batch["num_frames"], tf.shape(batch["video_matrix"])[1])
            block = tf.boolean_mask(batch["video_matrix"], valid).numpy()[:left]
            if len(block):
                yield block
            if left is not None:
                left -= len(block)
                if left == 0:
                    return
