"""Searching an index and writing what is found."""

import csv
import logging

import numpy as np

from yt8m_models.config import DataConfig
from yt8m_models.data.video_ids import UNKNOWN, VideoIds, as_bytes
from yt8m_models.embedding.embedder import Embedder
from yt8m_models.embedding.embedding_model import EmbeddingModel
from yt8m_models.embedding.features_of_model import load_features_of_model
from yt8m_models.embedding.loading import load_embedding_model
from yt8m_models.features.array_files import read_table
from yt8m_models.features.feature_table import FeatureTable
from yt8m_models.features.table import Table
from yt8m_models.program.extras import require
from yt8m_models.report.gallery import Gallery
from yt8m_models.retrieval.id_file import read_ids
from yt8m_models.retrieval.index import Index
from yt8m_models.retrieval.search.config import SearchConfig
from yt8m_models.storage.whole_file import text_output

_LOGGER = logging.getLogger(__name__)
_NAMED = 10
HEADER = ("query", "rank", "video_id", "score")


def search(config: SearchConfig) -> int:
    """Writes the best videos of each query as CSV and returns how many queries there were.

    It warns where a query has fewer than `config.top_k`. The file appears when all of it is
    written, and with `config.html` the page of the same results after it.

    Raises:
        ValueError: as of `Index.load`, `read_queries` and `Gallery`; or a page is to be written and
            Jinja2 is not installed.
        OSError: the file cannot be written.
    """
    if config.html:
        require("jinja2", extra="report")
    index = Index.load(config.index_dir)
    names, vectors = read_queries(config, index)
    gallery = _gallery(config, len(names)) if config.html else None
    own = list(index.ids.rows(names)[:, None])
    exclude = own if config.exclude_query else None
    scores, rows = index.search(vectors, config.top_k, exclude, config.probes)
    num_short = int(np.count_nonzero(rows[:, -1] == UNKNOWN))
    if num_short:
        _LOGGER.warning(
            "%s of %s queries have fewer than --top_k=%d videos: the index has %s in all",
            *(f"{num_short:,}", f"{len(names):,}", config.top_k, f"{len(index):,}"),
        )
    with text_output(config.output) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for query, found, of_found in zip(names, rows, scores, strict=True):
            known = found != UNKNOWN
            ids = [_text(video_id) for video_id in index.ids[found[known]]]
            ranked = list(zip(ids, of_found[known].tolist(), strict=True))
            for rank, (video_id, score) in enumerate(ranked, start=1):
                writer.writerow((_text(query), rank, video_id, f"{score:.6f}"))
            if gallery is not None:
                gallery.add(_text(query), ranked)
    if gallery is not None:
        gallery.write(config.html)
    return len(names)


def _gallery(config: SearchConfig, num_queries: int) -> Gallery:
    num_cards = num_queries * (1 + config.top_k)
    return Gallery(config.index_dir, config.titles, config.thumbnails, num_cards)


def read_queries(config: SearchConfig, index: Index) -> tuple[np.ndarray, np.ndarray]:
    """The names of the queries, bytes `(q,)`, and their embeddings, float32 `(q, d)`.

    Raises:
        ValueError: ids are not in the index (they are listed), features cannot be read, are not
            finite or not those of the model, or the index is of another model.
    """
    if config.query_features:
        return _embedded(config, index)
    ids = as_bytes(_listed(config.query_video_ids))
    rows = index.ids.rows(ids)
    unknown = ids[rows == UNKNOWN]
    if len(unknown):
        named = ", ".join(video_id.decode(errors="replace") for video_id in unknown[:_NAMED])
        rest = f" and {len(unknown) - _NAMED:,} more" if len(unknown) > _NAMED else ""
        raise ValueError(
            f"--query_video_ids: {len(unknown):,} of {len(ids):,} are not in the index, whose ids "
            f"are such as {_text(index.ids[0])!r}: {named}{rest}"
        )
    return ids, index.vectors(rows)


def _listed(ids: tuple[str, ...]) -> list[str]:
    """The ids, or where they are one `@file`, those of its lines."""
    if len(ids) != 1 or not ids[0].startswith("@"):
        return list(ids)
    return read_ids(ids[0][1:], "--query_video_ids")


def _embedded(config: SearchConfig, index: Index) -> tuple[np.ndarray, np.ndarray]:
    network, trained = load_embedding_model(config.train_dir, config.checkpoint)
    if trained.model != index.model:
        raise ValueError(
            f"the index in {config.index_dir} is of the model {index.model}, and "
            f"{trained.path} is of {trained.model}: embed and index with that, or name the "
            "--train_dir and --checkpoint of the index"
        )
    table = _features(config.query_features, network)
    return table.ids.to_array(), Embedder(network, table)(np.arange(len(table)))


def _features(path: str, model: EmbeddingModel) -> Table:
    """The features of the queries as the model takes them."""
    names, sizes = model.feature_names, model.feature_sizes
    if not path.endswith((".npz", ".npy", ".parquet")):
        return load_features_of_model(path, model.config, names, sizes)
    if model.config.fusion == "frames":
        raise ValueError(
            f"--query_features={path} has no frames, and the model takes features of frame level: "
            "name a directory of build_features"
        )
    data = DataConfig(feature_names=names, feature_sizes=sizes)
    blocks = list(read_table(path, "", data))
    if not blocks:
        raise ValueError(f"--query_features={path} has no videos")
    ids = np.concatenate([block[0] for block in blocks])
    features = np.concatenate([block[1] for block in blocks]).astype(np.float32)
    is_bad = ~np.isfinite(features).all(axis=1)
    if is_bad.any():
        row = int(is_bad.argmax())
        name = ids[row].decode(errors="replace")
        raise ValueError(f"{path}, row {row}: the features of {name!r} are not finite")
    return FeatureTable(VideoIds(ids), features, names, sizes)


def _text(video_id: bytes) -> str:
    return video_id.decode(errors="replace")
