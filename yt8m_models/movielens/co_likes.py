"""A CDML embedding trained on the movies that the same users like, in training ratings alone."""

import json
from pathlib import Path

import keras
import numpy as np

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.embedder import Embedder
from yt8m_models.embedding.loading import load_embedding_model
from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.embedding.training.trainer import train
from yt8m_models.features.feature_table import FeatureTable
from yt8m_models.features.table import TABLE
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.movielens.config import MovieLensConfig
from yt8m_models.movielens.features import Features
from yt8m_models.movielens.scores import history_of
from yt8m_models.movielens.splits import Split
from yt8m_models.program.extras import require
from yt8m_models.program.interruption import Interruption
from yt8m_models.storage.whole_file import write_text

_READY = "inputs.json"
_STEPS_WORTH_COMPILING = 200


def cdml_vectors(
    split: Split,
    features: Features,
    config: MovieLensConfig,
    directory: str,
    seed: int,
    interruption: Interruption,
) -> np.ndarray | None:
    """Embeddings of all movies, from their features, by a network trained on co-likes.

    What a user likes is the history of `--history` among the training ratings. Two movies are
    neighbours where `--cdml_min_likes` users like both. No movie is held out: those without a
    neighbour are embedded from their features, too.

    Args:
        split: training and test ratings; the test ratings have no part in it.
        features: what the network takes.
        config: the size of the network and of its training.
        directory: for the graph, the features and the training, which goes on where an earlier one
            was interrupted.
        seed: of the training.
        interruption: is told of a signal that ends the training.

    Returns:
        float32 `(movies, --cdml_embedding_size)` of length one; `None` after such a signal.

    Raises:
        ValueError: no two movies are neighbours, or as of `train`.
    """
    root = Path(directory)
    if not (root / _READY).exists():
        _write_inputs(root, split, features, config)
    training = EmbeddingTrainConfig(
        train_dir=str(root / "train"),
        graph_dir=str(root / "graph"),
        features_dir=str(root / "features"),
        batch_size=config.cdml_batch_size,
        base_learning_rate=config.cdml_learning_rate,
        max_steps=config.cdml_steps,
        jit_compile=config.cdml_steps >= _STEPS_WORTH_COMPILING,
        export_model_steps=config.cdml_steps,
        log_steps=max(config.cdml_steps // 5, 1),
        validation_fraction=0.0,
        projector_videos=0,
        keep_checkpoints=1,
        seed=seed,
    )
    model_config = EmbeddingConfig(
        fusion="early",
        hidden_size=config.cdml_hidden_size,
        embedding_size=config.cdml_embedding_size,
    )
    if (signal := train(training, model_config)["signal"]) is not None:
        interruption.signal = signal
        return None
    model, _ = load_embedding_model(training.train_dir, "latest")
    table = FeatureTable.load(training.features_dir)
    vectors = Embedder(model, table)(np.arange(len(table)))
    keras.utils.clear_session()
    return vectors


def _write_inputs(root: Path, split: Split, features: Features, config: MovieLensConfig) -> None:
    """Writes the graph and the features, and then a file that says that both are there."""
    sparse = require("scipy.sparse")
    is_liked, _ = history_of(split, config.history)
    movies = split.ratings.movies[split.train[is_liked]]
    users = split.train_users[is_liked]
    shape = (split.num_users, len(features.ids))
    likes = sparse.csr_matrix((np.ones(len(users), np.int32), (users, movies)), shape=shape)
    both = sparse.triu(likes.T @ likes, k=1).tocoo()
    is_edge = both.data >= config.cdml_min_likes
    if not is_edge.any():
        raise ValueError(
            f"--cdml_min_likes={config.cdml_min_likes} leaves no two movies that as many users like"
        )
    edges = np.stack([both.row[is_edge], both.col[is_edge]], axis=1)
    no_eval = np.zeros(len(features.ids), bool)
    graph = CoWatchGraph.from_edges(features.ids, edges, both.data[is_edge], no_eval)
    graph.save(root / "graph")
    if not TABLE.is_in(root / "features"):
        FeatureTable.write(
            root / "features",
            features.ids.to_array(),
            [features.vectors],
            [features.name],
            [features.vectors.shape[1]],
            "float32",
        )
    write_text(root / _READY, json.dumps({"num_edges": int(is_edge.sum())}) + "\n")
