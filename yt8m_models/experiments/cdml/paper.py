"""The figures that the paper reports, from `paper.csv`, to stand beside those measured here.

Source: Lee et al., Collaborative Deep Metric Learning for Video Understanding (KDD 2018), tables 1
to 3, as shares of 1. Figure 3 is drawn alone. Table 3 comes from another measurement than table 2:
of the same network, 256 dimensions as float32, it has an NDCG of 0.030 and table 2 one of 0.099;
the paper does not say what differs.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from yt8m_models.experiments.common.rows import Table
from yt8m_models.storage.paper_figures import read_figures

SOURCE = Path(__file__).with_name("paper.csv")


def paper_figures(tables: Sequence[Table]) -> dict[tuple[str, str], Mapping[str, float]]:
    """The figures by table and row, and by metric.

    Args:
        tables: those of `rows.tables`, whose rows in table 1 are named by the features.
    """
    figures = dict(read_figures(SOURCE))
    first, both = (figures.pop(("table1", of)) for of in ("first feature", "all features"))
    for table in tables:
        for row in table.rows:
            if table.name == "table1" and row.changes["content"] == "cdml":
                figures["table1", row.name] = both if len(row.changes["features"]) > 1 else first
    return figures
