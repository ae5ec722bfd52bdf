"""The videos of a synthetic world: what they are, and what of it their content shows."""

import numpy as np

from yt8m_models.samples.made_ids import video_id
from yt8m_models.samples.world.config import WorldConfig

_STYLES = (24, 8)  # directions of rgb and of audio in which videos differ for no viewer's sake
_KIND, _TASTE, _STYLE, _NOISE = 1.0, 1.0, 0.7, 0.7  # lengths, of a direction each; noise in all
_SPREAD = 0.4  # standard deviation of a feature's values, about that of the data set
_GRID = 1024.0


class Videos:
    """Videos with a topic and a taste, and features that show both in part.

    A topic is a pair of a look and a sound. The taste of a video is a point in the square from -1
    to 1. Its rgb is

        x = k_look + taste_1 · d + Σ_s style_s · n_s + noise

    and its audio the same with the sound and the other coordinate of the taste. So each of the two
    shows half of what viewers care about. The styles are Gaussian, longer than all else together
    and of no interest to viewers: the cosine of two features tells mostly whether their styles
    agree, and a projection that leaves out the few directions of the styles tells far more.

    Args:
        config: sizes and seed.

    Attributes:
        ids: bytes `(n,)`.
        topics: `look * num_sounds + sound`, int64 `(n,)`.
        tastes: `(n, 2)`.
        popularity: how readily a video is shown, `(n,)`, long-tailed.
        first_days: when a video is first shown, of as many days as a user has sessions, `(n,)`.
        features: rgb and audio, float32 `(n, size)`, within the range of the data set's.
    """

    def __init__(self, config: WorldConfig) -> None:
        count = config.num_videos
        self.config = config
        rng = np.random.default_rng([config.seed, 0])
        self.ids = np.array([video_id(config.seed, index) for index in range(count)], "S")
        self.topics = rng.permutation(np.arange(count) % config.num_topics)
        self.tastes = rng.uniform(-1, 1, (count, 2))
        self.popularity = 1 / np.sqrt(1 + rng.permutation(count))
        self.first_days = _first_days(config)
        kinds = np.divmod(self.topics, config.num_sounds)
        numbers = (config.num_looks, config.num_sounds)
        self.features = [
            _content(rng, kinds[place], numbers[place], self.tastes[:, place], size, _STYLES[place])
            for place, size in enumerate(config.feature_sizes)
        ]

    def labels(self, index: int) -> list[int]:
        """The classes of a video: its topic, and its mood, the quarter that its taste lies in."""
        mood = 2 * (self.tastes[index, 0] > 0) + (self.tastes[index, 1] > 0)
        return [int(self.topics[index]), self.config.num_topics + int(mood)]

    def frames(self, index: int) -> list[np.ndarray]:
        """The frames of a video, float32 `(frames, size)` for rgb and for audio."""
        rng = np.random.default_rng([self.config.seed, 1, index])
        count = rng.integers(self.config.min_frames, self.config.max_frames, endpoint=True)
        return [
            feature[index] + _SPREAD * rng.standard_normal((count, feature.shape[1]), np.float32)
            for feature in self.features
        ]


def _first_days(config: WorldConfig) -> np.ndarray:
    rng = np.random.default_rng([config.seed, 3])
    days = np.zeros(config.num_videos, np.int64)
    new = rng.permutation(config.num_videos)[: round(config.new_fraction * config.num_videos)]
    days[new] = rng.integers(config.sessions_per_user, size=len(new))
    return days


def _content(
    rng: np.random.Generator,
    kinds: np.ndarray,
    num_kinds: int,
    taste: np.ndarray,
    size: int,
    num_styles: int,
) -> np.ndarray:
    directions = rng.standard_normal((num_kinds + 1 + num_styles, size)) / np.sqrt(size)
    amounts = np.zeros((len(kinds), len(directions)))
    amounts[np.arange(len(kinds)), kinds] = _KIND
    amounts[:, num_kinds] = _TASTE * taste
    amounts[:, num_kinds + 1 :] = _STYLE * rng.standard_normal((len(kinds), num_styles))
    content = amounts @ directions
    content += _NOISE / np.sqrt(size) * rng.standard_normal(content.shape, np.float32)
    content *= _SPREAD / content.std()
    # rounded, so that the last bits of a matrix product make no difference
    return (np.rint(np.clip(content, -1.9, 1.9) * _GRID) / _GRID).astype(np.float32)
