"""The rows of the paper's tables and the points of its figures: what each changes of the model."""

import itertools
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from yt8m_models.config import ASSIGNMENTS
from yt8m_models.experiments.common.rows import Row, Table, selected
from yt8m_models.experiments.dsgmm.config import EVERY_POOLING, SPLITS, TablesConfig
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
_PRESETS = {"dsgmm": "DSGMMModel", "vlad": "VLADModel", "sgmm": "SGMMModel"}
_COUPLED = "dsgmm-shared_diagonal"
_NETS = ("netvlad", "dsgmm")
# Table 2's best of either: each cluster is normalised, and not the whole. The poolings of table 3
# that the paper takes from WILLOW as they are keep both norms.
_NO_FINAL_NORM = ("netvlad", "dsgmm", "vlad", "sgmm")
_GAMMA_OF_TABLE_5 = 0.5
_FIGURE_2 = {"gamma": 1.0, "intra_norm": False, "final_norm": False}


def tables(config: TablesConfig) -> list[Table]:
    """The tables and figures that were asked for, with the rows that were.

    Table 1 counts videos and has no rows.

    Raises:
        ValueError: an entry of `config.rows` fits none of them.
    """
    unsupervised = [_row(name) for name in ("average", "vlad", "sgmm", *_NETS)]
    layers = [_row(name) for name in ("netbow", "netfv", "netrvlad", *_NETS)]
    assignments = [row for pooling in _NETS for row in _assignments(pooling)]
    titles_and_rows = {
        2: ("Unsupervised and end-to-end pooling", unsupervised),
        3: ("Cluster-and-aggregate layers", layers),
        4: ("Normalisation", [row for pooling in _NETS for row in _norms(pooling)]),
        5: ("Assignments", assignments),
        EVERY_POOLING: (
            "Every pooling",
            [*map(_row, POOLINGS), next(row for row in assignments if row.name == _COUPLED)],
        ),
    }
    figures = {2: _figure_of_clusters, 3: _figure_of_gamma}
    found = []
    for number in config.tables:
        if number != SPLITS:
            title, rows = titles_and_rows[number]
            found.append(Table(f"table{number}", title, tuple(rows)))
    found += [figures[number](config) for number in config.figures]
    return selected(found, config.rows)


def _row(
    pooling: str, suffix: str = "", label: str = "", usual: Mapping[str, Any] = {}, **changes: Any
) -> Row:
    """A row about `changes`, with the paper's settings in what the command line leaves open."""
    series = _LABELS[pooling]
    changes = {"model": _PRESETS.get(pooling, "NetVLADModelLF"), "pooling": pooling, **changes}
    if pooling in FIXED_POOLINGS:
        changes["frame_layers"] = ()  # their clusters are of recorded frames
    norms = {"final_norm": False} if pooling in _NO_FINAL_NORM else {}
    usual = {name: value for name, value in {**norms, **usual}.items() if name not in changes}
    return Row(f"{pooling}{suffix}", label if label else series, changes, series, usual)


def _norms(pooling: str) -> list[Row]:
    """The pooling with each of the four pairs of norms."""
    rows = []
    for final, intra in itertools.product((False, True), repeat=2):
        names = [name for name, is_on in (("intra", intra), ("final", final)) if is_on]
        norms = f"{' and '.join(names)} norm" if names else "neither norm"
        suffix = "-".join(["", *names]) or "-plain"
        label = f"{_LABELS[pooling]}, {norms}"
        rows.append(_row(pooling, suffix, label, intra_norm=intra, final_norm=final))
    return rows


def _assignments(pooling: str) -> list[Row]:
    """The pooling with each of the assignments; NetVLAD has no γ."""
    usual = {"gamma": _GAMMA_OF_TABLE_5} if pooling == "dsgmm" else {}
    return [
        _row(
            pooling,
            f"-{name}",
            f"{_LABELS[pooling]}, {name.replace('_', ' ')}",
            usual,
            assignment=name,
        )
        for name in ASSIGNMENTS
    ]


def _figure_of_clusters(config: TablesConfig) -> Table:
    """NetVLAD has no γ, and so is not given the figure's."""
    rows = []
    for pooling in _NETS:
        usual = dict(_FIGURE_2)
        if pooling != "dsgmm":
            del usual["gamma"]
        rows += [
            _row(pooling, f"-k{count}", str(count), usual, num_clusters=count)
            for count in config.cluster_counts
        ]
    return Table("figure2", "Number of clusters", tuple(rows), axis="clusters K")


def _figure_of_gamma(config: TablesConfig) -> Table:
    gammas = [Fraction(0), *(Fraction(2) ** power for power in sorted(config.gamma_exponents))]
    points = [
        _row("dsgmm", f"-gamma{float(gamma):g}", str(gamma), gamma=float(gamma)) for gamma in gammas
    ]
    netvlad = _row("netvlad")
    return Table("figure3", "Smoothing of DSGMM", (*points, netvlad), axis="γ", level=netvlad.name)
