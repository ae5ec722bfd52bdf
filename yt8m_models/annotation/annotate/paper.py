"""The figures that the paper reports, from `paper.csv`, to stand beside those measured here.

Source: Lee et al., Collaborative Deep Metric Learning for Video Understanding (KDD 2018), tables 6
and 7: GAP, of the first YouTube-8M challenge (its ten best teams, with models of video-level
features alone or of frames, one model or several) and of MovieLens-20M's genome tags.
"""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from yt8m_models.storage.paper_figures import read_figures
from yt8m_models.storage.text_tables import markdown_table

_SOURCE = Path(__file__).with_name("paper.csv")
_COLUMNS = {
    6: {
        "video_single": "video level, one model",
        "video_ensembled": "video level, ensemble",
        "frame_single": "frames, one model",
        "frame_ensembled": "frames, ensemble",
    },
    7: {"gap": "GAP"},
}
_TITLES = {6: "GAP in the YouTube-8M challenge", 7: "GAP of genome tags"}


def paper_table(number: int, rows: Sequence[dict[str, Any]]) -> list[str]:
    """The lines of table 6 or 7 of the paper, and below its rows those measured here.

    Args:
        number: of the table.
        rows: of the results; of each set of features the best GAP counts, as a video-level model.
    """
    columns = _COLUMNS[number]
    lines = [
        [f"{name} (paper)", *(_cell(figures.get(column, math.nan)) for column in columns)]
        for (table, name), figures in read_figures(_SOURCE).items()
        if table == f"table{number}"
    ]
    for features in dict.fromkeys(row["features"] for row in rows):
        best = max((row for row in rows if row["features"] == features), key=lambda row: row["gap"])
        name = f"{features}, {best['num_mixtures']} mixtures, after {best['stage']}"
        lines.append([name, _cell(best["gap"]), *[_cell(math.nan)] * (len(columns) - 1)])
    title = f"## Table {number}. {_TITLES[number]}"
    return [title, "", *markdown_table(["", *columns.values()], lines)]


def _cell(figure: float) -> str:
    return "–" if math.isnan(figure) else f"{figure:.4f}"
