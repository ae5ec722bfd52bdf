"""What `yt8m eval` left in the directory of a training."""

import math
from collections.abc import Mapping
from typing import Any

from yt8m_models.prediction.metric_tables import METRICS
from yt8m_models.report.csv_rows import read_rows
from yt8m_models.report.evaluated import Evaluated
from yt8m_models.storage.result_file import read_result
from yt8m_models.storage.whole_file import join


def last_evaluation(train_dir: str) -> Evaluated | None:
    """The evaluation in `metrics.json` and `per_class.csv`; `None` where there is none.

    It knows no hits and mistakes.

    Raises:
        ValueError: a file is not what `yt8m eval` writes; the message names it.
        OSError: it cannot be read.
    """
    parsed = read_result(join(train_dir, "eval", "metrics.json"), _parsed, "an evaluation")
    table = read_rows(join(train_dir, "eval", "per_class.csv"), "a line of yt8m eval")
    if parsed is None or table is None:
        return None
    table.require("class", "name", "positives", "average_precision")
    rows = [row for row in table.rows if table.count(row, "positives")]
    classes = [table.count(row, "class") for row in rows]
    return Evaluated(
        **parsed,
        classes=classes,
        positives=[table.count(row, "positives") for row in rows],
        aps=[table.number(row, "average_precision") for row in rows],
        names={label: row["name"] for label, row in zip(classes, rows, strict=True) if row["name"]},
        hits=[],
        mistakes=[],
    )


def _parsed(record: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "step": int(record["step"]),
        "records": str(record["eval_data_pattern"]),
        "unit": "segments" if record["segment_labels"] else "videos",
        "metrics": {
            name: math.nan if record[name] is None else float(record[name])
            for name in ("loss", *METRICS, "num_videos")
        },
    }
