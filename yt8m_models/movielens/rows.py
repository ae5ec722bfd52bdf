"""Ways to score test movies, and the rows of the paper's tables: each a way on a kind of split.

The changes are

    num_train   training ratings of each user; `None` where they are a fraction of the user's
    method      how test movies are scored
"""

import dataclasses
import itertools
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from yt8m_models.experiments.common.rows import Row, Table, selected
from yt8m_models.movielens.config import CDML, IMPUTED_SVDS, MovieLensConfig


@dataclass(frozen=True)
class Method:
    """A way to score a user's test movies.

    Attributes:
        name: of the features, or of the baseline.
        aggregation: of the similarities; empty for a baseline.
        history: which training ratings are the history; empty for a baseline.
    """

    name: str
    aggregation: str = ""
    history: str = ""

    @property
    def label(self) -> str:
        """For people to read."""
        return f"{self.name}, {self.aggregation}" if self.aggregation else self.name

    def key(self, config: MovieLensConfig) -> str:
        """The name of its results, with the settings that these depend on."""
        settings: dict[str, list[Any]] = {
            "svd": [config.svd_factors, config.svd_epochs],
            **{name: [config.imputed_svd_rank] for name in IMPUTED_SVDS},
            "nmf": [config.nmf_factors, config.nmf_epochs],
            CDML: [
                *(config.history, config.cdml_steps, config.cdml_hidden_size),
                *(config.cdml_embedding_size, config.cdml_batch_size, config.cdml_min_likes),
                config.cdml_learning_rate,
            ],
        }
        parts = [*dataclasses.astuple(self), *settings.get(self.name, [])]
        return " ".join(str(part) for part in parts if part != "")


def methods(config: MovieLensConfig, features: Sequence[str]) -> list[Method]:
    """Those of Table 4; the others are among them.

    Args:
        config: the flags.
        features: names of the features.
    """
    names = [*features, CDML] if config.cdml_steps else features
    found = itertools.product(names, config.aggregations, config.histories)
    return [*itertools.starmap(Method, found), *map(Method, config.baselines)]


def tables(
    config: MovieLensConfig, all_methods: Sequence[Method], histories: Collection[str]
) -> list[Table]:
    """The tables and figures that were asked for, with the rows that were.

    Args:
        config: what was asked for.
        all_methods: those of Table 4.
        histories: of the methods of Table 5 and Figure 5.

    Raises:
        ValueError: an entry of `config.rows` fits none of them.
    """
    chosen = [method for method in all_methods if method.history in ("", *histories)]
    by_count = f"N training ratings of each user, history {config.history}"
    found = []
    if 4 in config.tables:
        title = f"{config.train_fraction:.0%} of each user's ratings for training"
        found.append(Table("table4", title, _rows(config, [None], all_methods)))
    if 5 in config.tables:
        rows = _rows(config, config.training_counts, chosen)
        found.append(Table("table5", by_count, rows, axis="N"))
    if 5 in config.figures:
        rows = _rows(config, config.figure_counts, chosen)
        found.append(Table("figure5", by_count, rows, axis="N"))
    return selected(found, config.rows)


def split_name(config: MovieLensConfig, num_train: int | None) -> str:
    """What rows and files call a split."""
    return f"fraction{config.train_fraction:g}" if num_train is None else f"n{num_train}"


def _rows(
    config: MovieLensConfig, counts: Sequence[int | None], scored: Sequence[Method]
) -> tuple[Row, ...]:
    """A row for each method, with each number of training ratings."""
    rows = []
    for num_train, method in itertools.product(counts, scored):
        parts = list(filter(None, dataclasses.astuple(method)))
        label = ", ".join(parts) if num_train is None else str(num_train)
        changes = {"num_train": num_train, "method": method}
        name = "-".join([split_name(config, num_train), *parts])
        rows.append(Row(name, label, changes, series=method.label))
    return tuple(rows)
