"""The results as files: `runs.csv`, `results.csv` and `results.md`."""

import dataclasses
from collections.abc import Sequence

from yt8m_models.experiments.common.report import write_texts
from yt8m_models.experiments.common.summary import Summary, statistics_header
from yt8m_models.experiments.movielens.config import MovieLensConfig
from yt8m_models.experiments.movielens.runs import (
    METRICS,
    Method,
    Result,
    Run,
    Summaries,
    chosen,
    summarize,
)
from yt8m_models.storage.text_tables import csv_text, markdown_table

_METHOD = ("train_ratings", "method", "aggregation", "history")


def write_report(
    config: MovieLensConfig, methods: Sequence[Method], runs: Sequence[Run]
) -> list[str]:
    """Writes the files, of the runs that are done; their paths."""
    summaries = summarize(config, methods, runs)
    texts = {
        "runs.csv": _runs(config, summaries),
        "results.csv": _results(config, summaries),
        "results.md": _markdown(config, methods, summaries),
    }
    return write_texts(config.output_dir, texts)


def _runs(config: MovieLensConfig, summaries: Summaries) -> str:
    """A line for each split and method."""
    lines = (
        [*_of(config, *key), seed, *metrics.values()]
        for key, summary in summaries.items()
        for seed, metrics in summary.metrics.items()
    )
    fields = [field.name for field in dataclasses.fields(Result)]
    return csv_text([*_METHOD, "seed", *fields], lines)


def _results(config: MovieLensConfig, summaries: Summaries) -> str:
    """A line for each method and number of training ratings."""
    counts = ("num_users", "num_without_history")
    lines = (
        [
            *(*_of(config, *key), len(summary.metrics)),
            *(f"{summary.mean(name):g}" for name in counts),
            *summary.statistics(METRICS),
        ]
        for key, summary in summaries.items()
    )
    return csv_text([*_METHOD, "runs", *counts, *statistics_header(METRICS)], lines)


def _of(config: MovieLensConfig, count: int | None, method: Method) -> list[str]:
    """Values of the columns `_METHOD`; a fraction of each user's ratings has a percent sign."""
    train = f"{config.train_fraction:.0%}" if count is None else str(count)
    return [train, *dataclasses.astuple(method)]


def _markdown(config: MovieLensConfig, methods: Sequence[Method], summaries: Summaries) -> str:
    lines = [
        f"`{config.ratings}`: means over the splits of seeds "
        f"{', '.join(map(str, config.seeds))} ± their standard deviation. Each user's test movies "
        f"are ranked; NDCG@{config.top_k} has the true ratings as relevance (gains 2^stars - 1), "
        f"and for average precision a movie with {config.relevant_stars:g} stars or more is "
        "relevant. Of a user whom a rule leaves no history, all training ratings are the history.",
    ]
    if 4 in config.tables:
        lines += _table_4(config, methods, summaries)
    for is_wanted, kind, counts in (
        (5 in config.tables, "Table 5", config.training_counts),
        (5 in config.figures, "Figure 5", config.figure_counts),
    ):
        if is_wanted:
            lines += [
                "",
                f"## {kind}: N training ratings of each user, history {config.history}",
                *_by_count(config, chosen(config, methods), summaries, counts),
            ]
    return "\n".join(lines) + "\n"


def _table_4(config: MovieLensConfig, methods: Sequence[Method], summaries: Summaries) -> list[str]:
    names = [name.format(top_k=config.top_k) for name in METRICS.values()]
    rows = []
    for method in methods:
        summary = summaries.get((None, method))
        without = ""
        if summary is not None and method.history:
            counts = (summary.mean(name) for name in ("num_without_history", "num_users"))
            without = " of ".join(f"{count:.0f}" for count in counts)
        cells = [_cell(config, summary, metric) for metric in METRICS]
        rows.append([*dataclasses.astuple(method), *cells, without])
    return [
        *("", f"## Table 4: {config.train_fraction:.0%} of each user's ratings for training", ""),
        *markdown_table(
            ["method", "aggregation", "history", *names, "users without history"], rows
        ),
    ]


def _by_count(
    config: MovieLensConfig,
    methods: Sequence[Method],
    summaries: Summaries,
    counts: Sequence[int],
) -> list[str]:
    lines = []
    for metric, name in METRICS.items():
        rows = [
            [
                method.label,
                *(_cell(config, summaries.get((count, method)), metric) for count in counts),
            ]
            for method in methods
        ]
        header = [name.format(top_k=config.top_k), *(f"N = {count}" for count in counts)]
        lines += ["", *markdown_table(header, rows)]
    found = [summaries.get((count, methods[0])) for count in counts]
    users = ["–" if each is None else f"{each.mean('num_users'):.0f}" for each in found]
    return [*lines, "", f"Users with at least N + {config.min_test} ratings: {', '.join(users)}."]


def _cell(config: MovieLensConfig, summary: Summary | None, metric: str) -> str:
    """The mean and the deviation, and how many seeds they are of while some are missing."""
    if summary is None:
        return "–"
    cell = summary.cell(metric)
    done, wanted = len(summary.metrics), len(config.seeds)
    return cell if done == wanted or cell == "–" else f"{cell} ({done} of {wanted} seeds)"
