"""The comparison of all runs, as tables and as images: Tables 6 and 7 and Figure 6 of CDML."""

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import pandas as pd

from yt8m_models.annotation.annotate.measure import VIDEO_MAP
from yt8m_models.annotation.annotate.paper import paper_table
from yt8m_models.annotation.annotate.runs import ADAM, FINAL, Run
from yt8m_models.storage.plots import (
    BLUE,
    GREEN,
    LEGEND,
    PURPLE,
    RED,
    can_plot,
    new_figure,
    save_figure,
    styled,
)
from yt8m_models.storage.text_tables import csv_text
from yt8m_models.storage.whole_file import join, write_text
from yt8m_models.training.history import read_history
from yt8m_models.training.train_dir import VALIDATION_HISTORY

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PANELS = {"GAP": "gap", "MAP of videos": VIDEO_MAP, "mAP of classes": "map"}
_COLORS = (BLUE, RED, GREEN, PURPLE)  # by the features
_LINES = ("-", "--", "-.", ":")  # by the number of mixtures
_STYLES = {ADAM: "--", FINAL: "-"}

Row = dict[str, Any]


def write_report(output_dir: str, runs: Sequence[Run], table: int) -> None:
    """Writes `results.csv`, `results.json`, `results.md` and, with matplotlib, two images.

    A row is a model after one of the stages of its training. Runs that are not done are left out;
    without any that is done nothing is written.

    Args:
        output_dir: of the program.
        runs: all of them.
        table: that of the paper which `results.md` has too, 6 or 7.
    """
    rows = [row for run in runs for row in run.result() or ()]
    if not rows:
        return
    lines = ([row[name] for name in rows[0]] for row in rows)
    write_text(join(output_dir, "results.csv"), csv_text(rows[0], lines))
    write_text(join(output_dir, "results.json"), json.dumps(rows, indent=1) + "\n")
    text = "\n".join([markdown(rows), *paper_table(table, rows)]) + "\n"
    write_text(join(output_dir, "results.md"), text)
    if can_plot("results.png"):
        save_figure(join(output_dir, "results.png"), draw(rows))
        save_figure(join(output_dir, "training.png"), draw_training(runs))


def markdown(rows: Sequence[Row]) -> str:
    """A line for each number of mixtures and stage, with the metrics of each set of features."""
    sets = dict.fromkeys(row["features"] for row in rows)
    columns = [(features, name) for features in sets for name in _PANELS]
    lines: dict[tuple[int, str], list[str]] = {}
    for row in rows:
        cells = lines.setdefault((row["num_mixtures"], row["stage"]), [""] * len(columns))
        for name, metric in _PANELS.items():
            cells[columns.index((row["features"], name))] = f"{row[metric]:.4f}"
    table = [
        ["mixtures", "after", *(f"{features}: {name}" for features, name in columns)],
        ["---", "---", *("---:" for _ in columns)],
        *([str(mixtures), stage, *cells] for (mixtures, stage), cells in lines.items()),
    ]
    return "".join(f"| {' | '.join(line)} |\n" for line in table)


def draw(rows: Sequence[Row]) -> "Figure":
    """The metrics over the number of mixtures, a line for each set of features and stage.

    Raises:
        ValueError: matplotlib is not installed.
    """
    figure = new_figure(14, 3.8, "Annotation")
    table = pd.DataFrame(rows).sort_values("num_mixtures", kind="stable")
    colors = dict(zip(table["features"].unique(), _COLORS, strict=False))
    mixtures = list(table["num_mixtures"].unique())
    for axes, (title, metric) in zip(
        figure.subplots(1, len(_PANELS)), _PANELS.items(), strict=True
    ):
        for (features, stage), line in table.groupby(["features", "stage"], sort=False):
            axes.plot(
                [mixtures.index(number) for number in line["num_mixtures"]],
                line[metric],
                _STYLES[stage],
                marker="o",
                markersize=5,
                markerfacecolor="white" if stage == ADAM else colors[features],
                linewidth=1.8,
                color=colors[features],
                label=f"{features}, after {stage}",
            )
        axes.set_xticks(range(len(mixtures)), [str(number) for number in mixtures])
        styled(axes, title, "mixtures")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, **LEGEND)
    return figure


def draw_training(runs: Sequence[Run]) -> "Figure":
    """Figure 6: the metrics over the passes over the records, a line for each run with any.

    Raises:
        ValueError: matplotlib is not installed.
    """
    figure = new_figure(14, 3.8, "Training")
    features = list(dict.fromkeys(run.features for run in runs))
    mixtures = list(dict.fromkeys(run.num_mixtures for run in runs))
    for axes, (title, metric) in zip(
        figure.subplots(1, len(_PANELS)), _PANELS.items(), strict=True
    ):
        for run in runs:
            rows = read_history(join(run.directory, VALIDATION_HISTORY))
            if rows:
                axes.plot(
                    [row["epoch"] for row in rows],
                    [row[metric] for row in rows],
                    linestyle=_LINES[mixtures.index(run.num_mixtures) % len(_LINES)],
                    linewidth=1.8,
                    color=_COLORS[features.index(run.features)],
                    label=f"{run.features}, {run.num_mixtures} mixtures",
                )
        styled(axes, title, "passes over the training records")
    figure.legend(*axes.get_legend_handles_labels(), loc="outside lower center", ncols=2, **LEGEND)
    return figure
