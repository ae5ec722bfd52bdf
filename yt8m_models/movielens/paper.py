"""The figures that the paper reports, from `paper.csv`, to stand below those measured here.

Source: Lee et al., Collaborative Deep Metric Learning for Video Understanding (KDD 2018), tables 4
and 5, of MovieLens-100K. Its CDML is of trailers; all but that and SVD it quotes from Lee et al.,
Local Collaborative Ranking (2014). Which stars make a movie relevant for its average precision it
does not say.
"""

from collections.abc import Mapping
from pathlib import Path

from yt8m_models.storage.paper_figures import read_figures

SOURCE = Path(__file__).with_name("paper.csv")


def paper_figures() -> Mapping[tuple[str, str, str], Mapping[str, float]]:
    """The figures by metric, and by

    - `table4`, aggregation and history,
    - `table5`, model and N.
    """
    found = {}
    for (table, row), figures in read_figures(SOURCE).items():
        first, _, second = row.partition(" ")
        found[table, first, second] = figures
    return found
