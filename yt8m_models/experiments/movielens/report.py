"""The results as files: CSV files, Markdown and images."""

import dataclasses
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from yt8m_models.experiments.common.plots import draw_line, draw_points
from yt8m_models.experiments.common.report import write_texts
from yt8m_models.experiments.common.summary import Summary, statistics_header
from yt8m_models.experiments.movielens.config import MovieLensConfig
from yt8m_models.experiments.movielens.runs import Method, Result, Run, chosen
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
from yt8m_models.storage.text_tables import csv_text, markdown_table
from yt8m_models.storage.whole_file import join

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLORS = (RED, BLUE, GREEN, PURPLE, "#9d755d", "#e0a52f", "#72b7b2")
_BASELINE = "#9a9a9a"
_METHOD = ("train_ratings", "method", "aggregation", "history")


class MovieLensReport:
    """What the runs have found so far.

    Args:
        config: the flags.
        methods: those of Table 4.
        runs: of all seeds.

    Raises:
        ValueError: the file of a run is not one of results.
    """

    def __init__(
        self, config: MovieLensConfig, methods: Sequence[Method], runs: Sequence[Run]
    ) -> None:
        self.config = config
        self.methods = methods
        self.chosen = chosen(config, methods)
        self.titles = {"ndcg": f"NDCG@{config.top_k}", "average_precision": "Average precision"}
        found: dict[tuple[int | None, Method], dict[int, dict[str, Any]]] = {}
        for run in runs:
            results = run.results()
            for method in methods:
                if (result := results.get(method.key(config))) is not None:
                    found.setdefault((run.num_train, method), {})[run.seed] = vars(result)
        self.summaries = {key: Summary(metrics) for key, metrics in found.items()}

    def write(self) -> list[str]:
        """Writes `runs.csv`, `results.csv` and `results.md`; their paths."""
        texts = {
            "runs.csv": self._runs(),
            "results.csv": self._results(),
            "results.md": self._markdown(),
        }
        return write_texts(self.config.output_dir, texts)

    def write_images(self) -> list[str]:
        """Writes `table4.png` and `figure5.png`; none, with a note, without matplotlib."""
        if not can_plot("images"):
            return []
        figures = {}
        if 4 in self.config.tables:
            figures["table4.png"] = self._table_image()
        if 5 in self.config.figures:
            figures["figure5.png"] = self._figure_image()
        for name, figure in figures.items():
            save_figure(join(self.config.output_dir, name), figure)
        return [join(self.config.output_dir, name) for name in figures]

    def _runs(self) -> str:
        """A line for each split and method."""
        lines = (
            [*self._names(*key), seed, *metrics.values()]
            for key, summary in self.summaries.items()
            for seed, metrics in summary.metrics.items()
        )
        fields = [field.name for field in dataclasses.fields(Result)]
        return csv_text([*_METHOD, "seed", *fields], lines)

    def _results(self) -> str:
        """A line for each method and number of training ratings."""
        counts = ("num_users", "num_without_history")
        lines = (
            [
                *(*self._names(*key), len(summary.metrics)),
                *(f"{summary.mean(name):g}" for name in counts),
                *summary.statistics(self.titles),
            ]
            for key, summary in self.summaries.items()
        )
        return csv_text([*_METHOD, "runs", *counts, *statistics_header(self.titles)], lines)

    def _names(self, count: int | None, method: Method) -> list[str]:
        """Values of the columns `_METHOD`; a fraction of each user's ratings has a percent sign."""
        train = f"{self.config.train_fraction:.0%}" if count is None else str(count)
        return [train, *dataclasses.astuple(method)]

    def _markdown(self) -> str:
        config = self.config
        lines = [
            f"`{config.ratings}`: means over the splits of seeds "
            f"{', '.join(map(str, config.seeds))} ± their standard deviation. Each user's test "
            f"movies are ranked; NDCG@{config.top_k} has the true ratings as relevance (gains "
            "2^stars - 1), and for average precision a movie with "
            f"{config.relevant_stars:g} stars or more is relevant. Of a user whom a rule leaves no "
            "history, all training ratings are the history."
        ]
        if 4 in config.tables:
            lines += self._table_4()
        if 5 in config.tables:
            lines += self._by_count("Table 5", config.training_counts)
        if 5 in config.figures:
            lines += self._by_count("Figure 5", config.figure_counts)
        return "\n".join(lines) + "\n"

    def _table_4(self) -> list[str]:
        rows = []
        for method in self.methods:
            summary = self.summaries.get((None, method))
            without = ""
            if summary is not None and method.history:
                counts = (summary.mean(name) for name in ("num_without_history", "num_users"))
                without = " of ".join(f"{count:.0f}" for count in counts)
            cells = [self._cell(None, method, metric) for metric in self.titles]
            rows.append([*dataclasses.astuple(method), *cells, without])
        header = [*_METHOD[1:], *self.titles.values(), "users without history"]
        fraction = f"{self.config.train_fraction:.0%}"
        heading = f"## Table 4: {fraction} of each user's ratings for training"
        return ["", heading, "", *markdown_table(header, rows)]

    def _by_count(self, kind: str, counts: Sequence[int]) -> list[str]:
        config = self.config
        lines = ["", f"## {kind}: N training ratings of each user, history {config.history}"]
        for metric, title in self.titles.items():
            rows = [
                [method.label, *(self._cell(count, method, metric) for count in counts)]
                for method in self.chosen
            ]
            lines += ["", *markdown_table([title, *(f"N = {count}" for count in counts)], rows)]
        found = [self.summaries.get((count, self.chosen[0])) for count in counts]
        users = ["–" if each is None else f"{each.mean('num_users'):.0f}" for each in found]
        about = f"Users with at least N + {config.min_test} ratings: {', '.join(users)}."
        return [*lines, "", about]

    def _cell(self, count: int | None, method: Method, metric: str) -> str:
        """The mean and the deviation, and how many seeds they are of while some are missing."""
        summary = self.summaries.get((count, method), Summary({}))
        cell = summary.cell(metric)
        done, wanted = len(summary.metrics), len(self.config.seeds)
        return cell if done == wanted or cell == "–" else f"{cell} ({done} of {wanted} seeds)"

    def _table_image(self) -> "Figure":
        """A point for each method, with a bar of a standard deviation over the seeds."""
        found = [method for method in self.methods if (None, method) in self.summaries]
        rows = [self.summaries[None, method] for method in found]
        color_of = _colors([method.label for method in self.methods if method.aggregation])
        colors = [color_of.get(method.label, _BASELINE) for method in found]
        names = [", ".join(filter(None, (method.label, method.history))) for method in found]
        fraction = f"{self.config.train_fraction:.0%}"
        figure, panels = self._panels(
            f"{fraction} of each user's ratings for training", 1.4 + 0.28 * len(found)
        )
        for axes, (metric, title) in zip(panels, self.titles.items(), strict=True):
            draw_points(axes, metric, rows, colors)
            axes.set_yticks(range(len(found)), names if axes is panels[0] else [""] * len(found))
            styled(axes, title, grid="x")
        return figure

    def _figure_image(self) -> "Figure":
        """A line for each method over the number of training ratings."""
        counts = sorted(self.config.figure_counts)
        colors = _colors([method.label for method in self.chosen if method.name != "constant"])
        figure, panels = self._panels(
            f"Training ratings of each user, history {self.config.history}", 4.2
        )
        for axes, (metric, title) in zip(panels, self.titles.items(), strict=True):
            for method in self.chosen:
                places = [count for count in counts if (count, method) in self.summaries]
                rows = [self.summaries[count, method] for count in places]
                color = colors.get(method.label, _BASELINE)
                draw_line(axes, metric, places, rows, color=color, label=method.label)
            axes.set_xscale("log")
            axes.minorticks_off()
            axes.set_xticks(counts, map(str, counts))
            styled(axes, title, "N")
        handles, labels = panels[0].get_legend_handles_labels()
        figure.legend(handles, labels, loc="outside right center", **LEGEND)
        return figure

    def _panels(self, title: str, height: float) -> tuple["Figure", Sequence["Axes"]]:
        figure = new_figure(11, height, title)
        return figure, figure.subplots(1, len(self.titles))


def _colors(labels: Sequence[str]) -> dict[str, str]:
    distinct = list(dict.fromkeys(labels))
    return {label: _COLORS[number % len(_COLORS)] for number, label in enumerate(distinct)}
