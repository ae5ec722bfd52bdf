"""How many cells a query must visit, by measurement."""

import time

import numpy as np

from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.retrieval.index import Index
from yt8m_models.retrieval.index_dir import Probed
from yt8m_models.retrieval.segment import Segment
from yt8m_models.storage.text_tables import markdown_table

K = 10
_QUERIES = 256
_HALVINGS = 3


def measured_probes(index: Index, recall: float, seed: int = 0) -> Index:
    """An approximate index with the least probes that find enough of what exact search finds.

    Up to 256 of its own videos, drawn, are the queries, each without itself. The probes are doubled
    from 1 until they find `recall` of the ten best by the same vectors or codes; then the interval
    of the last doubling is halved three times.

    Args:
        index: with lists.
        recall: the share of the ten best to find.
        seed: of the draw.

    Returns:
        The index with its `probes` and `recall_curve`.
    """
    rng = np.random.default_rng(seed)
    rows = np.sort(rng.choice(len(index), min(len(index), _QUERIES), replace=False))
    queries, own = index.vectors(rows), list(rows[:, None])
    exact = Index(index.ids, index.model, [Segment(each.stored) for each in index.segments])
    _, best = exact.search(queries, K, own)
    curve: dict[int, Probed] = {}

    def finds_enough(probes: int) -> bool:
        start = time.perf_counter()
        _, found = index.search(queries, K, own, probes)
        ms = 1e3 * (time.perf_counter() - start) / len(queries)
        curve[probes] = Probed(probes, _share(best, found), ms)
        return curve[probes].recall >= recall

    most = 1
    while not finds_enough(most) and most < index.num_lists:
        most = min(2 * most, index.num_lists)
    least = most // 2
    for _ in range(_HALVINGS):
        if most - least > 1:
            middle = (least + most) // 2
            least, most = (least, middle) if finds_enough(middle) else (middle, most)
    measured = [curve[probes] for probes in sorted(curve)]
    return Index(index.ids, index.model, index.segments, most, measured)


def _share(best: np.ndarray, found: np.ndarray) -> float:
    """How many of the best rows `(q, k)` of all queries were found; 1 where there are none."""
    known = best != UNKNOWN
    hits = np.concatenate([np.isin(*rows) for rows in zip(best, found, strict=True)])
    return float((hits & known.ravel()).sum() / known.sum()) if known.any() else 1.0


def curve_table(index: Index) -> list[str]:
    """The lines of a Markdown table of what was measured; the probes that were chosen are bold."""
    rows = []
    for each in index.recall_curve:
        probes = f"{each.probes:,}"
        chosen = f"**{probes}**" if each.probes == index.probes else probes
        rows.append([chosen, f"{each.recall:.3f}", f"{each.ms:.2f}"])
    return markdown_table(["probes", f"recall@{K}", "ms a query"], rows)
