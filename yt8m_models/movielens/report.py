"""The results as files: CSV files, Markdown and images."""

import dataclasses
import math
from collections.abc import Mapping

from yt8m_models.experiments.common.report import Report
from yt8m_models.experiments.common.rows import Row, Table
from yt8m_models.experiments.common.summary import RowSummary, Summary, statistics_header
from yt8m_models.movielens.config import MovieLensConfig
from yt8m_models.movielens.paper import paper_figures
from yt8m_models.movielens.runs import Quality, Result
from yt8m_models.storage.text_tables import csv_text, markdown_table

_METHOD = ("train_ratings", "method", "aggregation", "history")
_COUNTS = ("num_users", "num_without_history")
_BY_STARS = {f"average_precision_{stars}": stars for stars in (3, 4, 5)}


class MovieLensReport(Report[Result]):
    """`runs.csv`, `results.csv`, `results.md` and an image of each table.

    In `results.md` the paper's figures stand below the measured ones.
    """

    config: MovieLensConfig
    metrics = ("ndcg", "average_precision", *_BY_STARS)

    @property
    def titles(self) -> dict[str, str]:
        return {"ndcg": f"NDCG@{self.config.top_k}", "average_precision": "Average precision"}

    @property
    def _shown(self) -> dict[str, str]:
        """What `results.md` has, with its titles: average precision also of other stars."""
        others = {
            name: stars for name, stars in _BY_STARS.items() if stars != self.config.relevant_stars
        }
        return {**self.titles, **{name: f"AP, {stars} stars" for name, stars in others.items()}}

    @property
    def introduction(self) -> str:
        config = self.config
        return (
            f"`{config.ratings}`: means over the splits of seeds "
            f"{', '.join(map(str, config.seeds))} ± their standard deviation. Each user's test "
            f"movies are ranked; NDCG@{config.top_k} has the true ratings as relevance (gains "
            "2^stars - 1), and for average precision a movie with "
            f"{config.relevant_stars:g} stars or more is relevant. Of a user whom a rule leaves no "
            "history, all training ratings are the history.\n"
            "Rows with “paper” are what Lee et al. (KDD 2018) report of MovieLens-100K, by "
            "trailers. Which stars make a movie relevant for average precision they do not say, so "
            "theirs cannot be compared."
        )

    def metrics_of(self, row: Row, result: Result) -> Mapping[str, float]:
        quality = result.quality.get(row.changes["method"].key(self.config))
        return {} if quality is None else vars(quality)

    def runs_csv(self, results: Mapping[str, Result]) -> str:
        """A line for each split and method."""
        lines = (
            [*self._names(summary.row), seed, *metrics.values()]
            for summary in self._found(self.summaries(results))
            for seed, metrics in summary.metrics.items()
        )
        fields = [field.name for field in dataclasses.fields(Quality)]
        return csv_text([*_METHOD, "seed", *fields], lines)

    def results_csv(self, summaries: Mapping[str, RowSummary]) -> str:
        """A line for each method and number of training ratings."""
        lines = (
            [
                *(*self._names(summary.row), len(summary.metrics)),
                *(f"{summary.mean(name):g}" for name in _COUNTS),
                *summary.statistics(self.metrics),
            ]
            for summary in self._found(summaries)
        )
        return csv_text([*_METHOD, "runs", *_COUNTS, *statistics_header(self.metrics)], lines)

    def section(self, table: Table, summaries: Mapping[str, RowSummary]) -> list[str]:
        lines = self._by_count if table.axis else self._by_history
        return ["", f"## {table.heading}", *lines(table, summaries)]

    def _by_history(self, table: Table, summaries: Mapping[str, RowSummary]) -> list[str]:
        """Table 4."""
        rows = []
        for row in table.rows:
            summary, method = summaries[row.name], row.changes["method"]
            without = ""
            if summary.metrics and method.history:
                counts = (summary.mean(name) for name in reversed(_COUNTS))
                without = " of ".join(f"{count:.0f}" for count in counts)
            cells = [self._cell(summary, metric) for metric in self._shown]
            rows.append([*dataclasses.astuple(method), *cells, without])
        for (name, aggregation, history), figures in paper_figures().items():
            is_asked = aggregation in self.config.aggregations and history in self.config.histories
            if name == table.name and is_asked:
                cells = [_of_the_paper(figures, metric) for metric in self._shown]
                rows.append(["paper, CDML", aggregation, history, *cells, ""])
        header = [*_METHOD[1:], *self._shown.values(), "users without history"]
        return ["", *markdown_table(header, rows)]

    def _by_count(self, table: Table, summaries: Mapping[str, RowSummary]) -> list[str]:
        """Table 5 and Figure 5: a table for each metric."""
        found = {(row.series, row.label): summaries[row.name] for row in table.rows}
        methods, counts = map(dict.fromkeys, zip(*found, strict=True))
        by_method = {
            method: [found.get((method, count), Summary({})) for count in counts]
            for method in methods
        }
        paper = {
            key[1:]: figures for key, figures in paper_figures().items() if key[0] == table.name
        }
        if not any(count in counts for _, count in paper):
            paper = {}
        lines = []
        for metric, title in self._shown.items():
            rows = [
                [method, *(self._cell(each, metric) for each in by_count)]
                for method, by_count in by_method.items()
            ]
            if metric in self.titles:
                for model in dict.fromkeys(model for model, _ in paper):
                    found_there = [paper.get((model, count), {}) for count in counts]
                    cells = [_of_the_paper(figures, metric) for figures in found_there]
                    rows.append([f"paper, {model}", *cells])
            lines += ["", *markdown_table([title, *(f"N = {count}" for count in counts)], rows)]
        means = [each.mean("num_users") for each in next(iter(by_method.values()))]
        users = ["–" if math.isnan(mean) else f"{mean:.0f}" for mean in means]
        about = f"Users with at least N + {self.config.min_test} ratings: {', '.join(users)}."
        return [*lines, "", about]

    def _found(self, summaries: Mapping[str, RowSummary]) -> list[RowSummary]:
        """Those with metrics; behind the others those that the first seeds lack."""
        found = [summary for summary in summaries.values() if summary.metrics]
        return sorted(found, key=lambda each: self.config.seeds.index(next(iter(each.metrics))))

    def _names(self, row: Row) -> list[str]:
        """Values of the columns `_METHOD`; a fraction of each user's ratings has a percent sign."""
        count = row.changes["num_train"]
        train = f"{self.config.train_fraction:.0%}" if count is None else str(count)
        return [train, *dataclasses.astuple(row.changes["method"])]

    def _cell(self, summary: Summary, metric: str) -> str:
        """The mean and the deviation, and how many seeds they are of while some are missing."""
        cell = summary.cell(metric)
        done, wanted = len(summary.metrics), len(self.config.seeds)
        return cell if done == wanted or cell == "–" else f"{cell} ({done} of {wanted} seeds)"


def _of_the_paper(figures: Mapping[str, float], metric: str) -> str:
    return f"{figures[metric]:.4f}" if metric in figures else "–"
