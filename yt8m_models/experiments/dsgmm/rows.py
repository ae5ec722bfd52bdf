"""The rows of the paper's tables and the points of its figures: what each changes of the model."""

import itertools
from fractions import Fraction
from typing import Any

from yt8m_models.config import ASSIGNMENTS
from yt8m_models.experiments.common.rows import Row, Table, selected
from yt8m_models.experiments.dsgmm.config import EVERY_POOLING, TablesConfig
from yt8m_models.poolings import FIXED_POOLINGS, POOLINGS

_LABELS = {
    "average": "Average pooling",
    "max": "Max pooling",
    "vlad": "VLAD",
    "sgmm": "SGMM",
    "netbow": "NetBoW",
    "netfv": "NetFV",
    "netrvlad": "NetRVLAD",
    "vlagd": "VLAGD",
    "netvlad": "NetVLAD",
    "dsgmm": "DSGMM",
    "dbof": "DBoF",
    "soft_dbof": "Soft DBoF",
    "gated_dbof": "Gated DBoF",
    "nextvlad": "NeXtVLAD",
    "attention": "Self-attention",
    "feature_attention": "Feature-level attention",
    "lstm": "LSTM",
    "gru": "GRU",
}
_COUPLED = "dsgmm-shared_diagonal"
_PRESETS = {"dsgmm": "DSGMMModel", "vlad": "VLADModel", "sgmm": "SGMMModel"}


def tables(config: TablesConfig) -> list[Table]:
    """The tables and figures that were asked for, with the rows that were.

    Raises:
        ValueError: an entry of `config.rows` fits none of them.
    """
    unsupervised = [_row(name) for name in ("average", "vlad", "sgmm", "netvlad", "dsgmm")]
    layers = [_row(name) for name in ("netbow", "netfv", "netrvlad", "netvlad", "dsgmm")]
    assignments = [
        _row("dsgmm", f"-{name}", name.replace("_", " "), assignment=name) for name in ASSIGNMENTS
    ]
    titles_and_rows = {
        2: ("Unsupervised and end-to-end pooling", unsupervised),
        3: ("Cluster-and-aggregate layers", layers),
        4: ("Normalisation", _norms("netvlad") + _norms("dsgmm")),
        5: ("Assignments of DSGMM", assignments),
        EVERY_POOLING: (
            "Every pooling",
            [*map(_row, POOLINGS), next(row for row in assignments if row.name == _COUPLED)],
        ),
    }
    figures = {2: _figure_of_clusters, 3: _figure_of_gamma}
    found = []
    for number in config.tables:
        title, rows = titles_and_rows[number]
        found.append(Table(f"table{number}", title, tuple(rows)))
    found += [figures[number](config) for number in config.figures]
    return selected(found, config.rows)


def _row(pooling: str, suffix: str = "", label: str = "", **changes: Any) -> Row:
    series = _LABELS[pooling]
    changes = {"model": _PRESETS.get(pooling, "NetVLADModelLF"), "pooling": pooling, **changes}
    if pooling in FIXED_POOLINGS:
        changes["frame_layers"] = ()  # their clusters are of recorded frames
    return Row(f"{pooling}{suffix}", label if label else series, changes, series)


def _norms(pooling: str) -> list[Row]:
    """The pooling with each of the four pairs of norms."""
    rows = []
    for intra, final in itertools.product((True, False), repeat=2):
        names = [name for name, is_on in (("intra", intra), ("final", final)) if is_on]
        norms = f"{' and '.join(names)} norm" if names else "neither norm"
        suffix = "-".join(["", *names]) or "-plain"
        label = f"{_LABELS[pooling]}, {norms}"
        rows.append(_row(pooling, suffix, label, intra_norm=intra, final_norm=final))
    return rows


def _figure_of_clusters(config: TablesConfig) -> Table:
    rows = tuple(
        _row(pooling, f"-k{count}", str(count), num_clusters=count)
        for pooling in ("netvlad", "dsgmm")
        for count in config.cluster_counts
    )
    return Table("figure2", "Number of clusters", rows, axis="clusters K")


def _figure_of_gamma(config: TablesConfig) -> Table:
    gammas = [Fraction(0), *(Fraction(2) ** power for power in sorted(config.gamma_exponents))]
    rows = tuple(
        _row("dsgmm", f"-gamma{float(gamma):g}", str(gamma), gamma=float(gamma)) for gamma in gammas
    )
    return Table("figure3", "Smoothing of DSGMM", rows, axis="γ")
