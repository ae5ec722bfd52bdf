"""The training videos that are kept out of the triplets."""

import numpy as np
import pytest

from yt8m_models.data.video_ids import VideoIds
from yt8m_models.embedding.training.validation_videos import draw_validation_videos
from yt8m_models.graph.co_watch_graph import CoWatchGraph

NUM_VIDEOS = 60


def graph():
    rng = np.random.default_rng(0)
    pairs = np.unique(np.sort(rng.integers(0, NUM_VIDEOS, (150, 2)), axis=1), axis=0)
    edges = pairs[pairs[:, 0] != pairs[:, 1]]
    ids = VideoIds([b"v%d" % row for row in range(NUM_VIDEOS)])
    is_eval = np.arange(NUM_VIDEOS) % 3 == 0
    return CoWatchGraph.from_edges(ids, edges, rng.integers(1, 5, len(edges)), is_eval)


def dense(graph):
    """Whether two videos are neighbours, bool `(n, n)`."""
    matrix = np.zeros((len(graph), len(graph)), bool)
    matrix[np.repeat(np.arange(len(graph)), np.diff(graph.offsets)), graph.neighbors] = True
    return matrix


USABLE = np.arange(NUM_VIDEOS) % 7 > 0


def test_candidates_are_training_videos_and_queries_are_watched_with_them():
    made = graph()
    videos = draw_validation_videos(made, USABLE, 0.25, 100, 100, seed=1)
    training = np.flatnonzero(USABLE & ~made.is_eval)
    assert len(videos.candidates) == round(0.25 * len(training))
    assert set(videos.candidates) < set(training)
    others = set(training) - set(videos.candidates)
    relevance = dense(made)[:, videos.candidates]
    watched = set(np.flatnonzero(relevance.any(axis=1))) & others
    assert videos.queries.tolist() == sorted(watched)
    np.testing.assert_array_equal(videos.relevance, relevance[videos.queries])
    assert videos.relevance.any(axis=1).all()


def test_numbers_are_bounded_and_the_seed_decides():
    made = graph()
    videos = draw_validation_videos(made, USABLE, 0.5, 6, 4, seed=1)
    assert (len(videos.candidates), len(videos.queries)) == (6, 4)
    assert videos.relevance.shape == (4, 6)
    again = draw_validation_videos(made, USABLE, 0.5, 6, 4, seed=1)
    other = draw_validation_videos(made, USABLE, 0.5, 6, 4, seed=2)
    ids = made.ids.to_array()
    assert videos.fingerprint(ids) == again.fingerprint(ids) != other.fingerprint(ids)


def test_videos_that_nobody_watched_together_are_refused():
    made = graph()
    alone = np.zeros(NUM_VIDEOS, bool)
    alone[[1, 2]] = True
    assert not dense(made)[1, 2]
    with pytest.raises(ValueError, match=r"--validation_fraction=0\.5: none of the 1 videos"):
        draw_validation_videos(made, alone, 0.5, 10, 10, seed=0)
