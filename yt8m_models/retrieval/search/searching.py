"""Searching an index and writing what is found."""

import csv

from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.retrieval.index import Index
from yt8m_models.retrieval.search.config import SearchConfig
from yt8m_models.retrieval.search.queries import read_queries
from yt8m_models.storage.whole_file import text_output

HEADER = ("query", "rank", "video_id", "score")


def search(config: SearchConfig) -> int:
    """Writes the best videos of each query as CSV and returns how many queries there were.

    The file appears when all of it is written.

    Raises:
        ValueError: as of `Index.load` and `read_queries`.
        OSError: the file cannot be written.
    """
    index = Index.load(config.index_dir)
    names, vectors = read_queries(config, index)
    own = list(index.ids.rows(names)[:, None])
    exclude = own if config.exclude_query else None
    scores, rows = index.search(vectors, config.top_k, exclude, config.probes)
    with text_output(config.output) as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(HEADER)
        for query, found, of_found in zip(names, rows, scores, strict=True):
            known = found != UNKNOWN
            ranked = zip(index.ids[found[known]], of_found[known], strict=True)
            for rank, (video_id, score) in enumerate(ranked, start=1):
                writer.writerow((_text(query), rank, _text(video_id), f"{score:.6f}"))
    return len(names)


def _text(video_id: bytes) -> str:
    return video_id.decode(errors="replace")
