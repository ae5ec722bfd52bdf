"""Programs that read a log by user: memory does not grow with the events."""

import tracemalloc

import numpy as np
import pytest

from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.recommendation import user_events
from yt8m_models.recommendation.mixed_effects import user_batches
from yt8m_models.recommendation.mixed_effects.config import GLMixConfig
from yt8m_models.recommendation.mixed_effects.fitting import train
from yt8m_models.recommendation.recommend.config import RecommendConfig
from yt8m_models.recommendation.recommend.recommending import recommend
from yt8m_models.retrieval.index import Index

# As arrays 4 bytes for each of user and video, and 8 for each of time, rating and label.
NUM_EVENTS, BYTES_OF_EVENT = 500_000, 32
LEAST_MEMORY = "128MB"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """A log of 1,000 users, of 40 MB as text, in an order that is not that of users; an index."""
    import duckdb

    directory = tmp_path_factory.mktemp("flat")
    duckdb.sql(
        "COPY (SELECT 'the-user-with-the-number-' || (n * 7919 % 1000) AS user_id, "
        "'video-' || (n * 104729 % 61) AS video_id, n * 31 % 100003 AS timestamp, n % 5 AS rating, "
        f"(n * 13 % 7 > 3)::INT AS label FROM range({NUM_EVENTS}) events (n)) "
        f"TO '{directory}/log.parquet' (ROW_GROUP_SIZE 20000)"
    )
    vectors = np.random.default_rng(0).normal(size=(60, 3)).astype(np.float32)
    ids = [f"video-{row}" for row in range(60)]  # one video of the log has none
    embeddings = Embeddings.write(directory / "embeddings", ids, vectors, "m")
    Index.build(embeddings).save(directory / "index")
    return directory


@pytest.fixture
def small_blocks(monkeypatch):
    monkeypatch.setattr(user_events, "_VECTORS", 4)
    monkeypatch.setattr(user_events, "_BLOCK_EVENTS", 5000)


def _peak(work):
    """What Python and NumPy held at most in the second of two calls, and what it gave."""
    work("first")
    tracemalloc.start()
    result = work("second")
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    return peak, result


def test_recommending(world, small_blocks, tmp_path):
    def work(name):
        config = RecommendConfig(
            watch_log=f"{world}/log.parquet",
            index_dir=f"{world}/index",
            output=f"{tmp_path}/{name}.csv",
            memory_limit=LEAST_MEMORY,
        )
        return recommend(config)

    peak, report = _peak(work)
    assert report.num_users == 1000
    assert 10 * peak < NUM_EVENTS * BYTES_OF_EVENT


def test_fitting_glmix(world, small_blocks, tmp_path, monkeypatch):
    monkeypatch.setattr("os.cpu_count", lambda: 1)  # a batch is in memory for each
    monkeypatch.setattr(user_batches, "_LEAST_ELEMENTS", 1 << 13)

    def work(name):
        config = GLMixConfig(
            watch_log=f"{world}/log.parquet",
            embeddings_dir=f"{world}/embeddings",
            glmix_dir=f"{tmp_path}/{name}",
            memory_limit=LEAST_MEMORY,
        )
        return train(config)

    peak, (text, left_out) = _peak(work)
    assert "events of 1,000 users and 60 videos" in text
    assert "left out" in left_out
    assert 10 * peak < NUM_EVENTS * BYTES_OF_EVENT


def test_a_limit_that_is_too_low(world):
    config = RecommendConfig(
        watch_log=f"{world}/log.parquet", index_dir=f"{world}/index", memory_limit="1KB"
    )
    with pytest.raises(ValueError, match="--memory_limit=1KB is too low"):
        recommend(config)
