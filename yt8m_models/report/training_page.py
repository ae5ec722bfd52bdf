"""The page of a training."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from yt8m_models.data.extraction_record import EXTRACTION_RECORD
from yt8m_models.models.listing import layer_parameters
from yt8m_models.prediction.metric_tables import METRICS
from yt8m_models.report.cards import Card, Cards, Score
from yt8m_models.report.evaluated import Evaluated
from yt8m_models.report.facts import Facts
from yt8m_models.report.last_evaluation import last_evaluation
from yt8m_models.report.line_chart import LineChart, Series
from yt8m_models.report.most_confident import Example
from yt8m_models.report.numbers import number_text
from yt8m_models.report.page import Page
from yt8m_models.report.section import Block, Section
from yt8m_models.report.settings_table import settings_table
from yt8m_models.report.table import Table, Value
from yt8m_models.report.thumbnails import Thumbnails
from yt8m_models.storage import filesystems
from yt8m_models.storage.result_file import read_result
from yt8m_models.storage.whole_file import join
from yt8m_models.training.history import Row, read_history, running_mean
from yt8m_models.training.train_dir import (
    EMBEDDING_RECORD,
    MODEL_RECORD,
    TRAINING_FLAGS,
    TRAINING_HISTORY,
    VALIDATION_HISTORY,
    read_flags,
    read_model_flags,
)

_TITLES = {
    "loss": "Loss",
    **METRICS,
    "ndcg": "NDCG@10",
    "positive_distance": "Squared distance to positives",
    "negative_distance": "Squared distance to negatives",
    "learning_rate": "Learning rate",
}
_FORMATS = {title: ".4f" for title in _TITLES.values()} | {"Learning rate": ".4g"}
_COUNTS = ("step", "epoch", "num_videos", "num_queries", "num_candidates")


def training_page(
    train_dir: str, evaluated: Evaluated | None, names: Mapping[int, str], thumbnails: str
) -> Page:
    """The page of a directory that `yt8m train` or `yt8m train-embedding` has written.

    Args:
        train_dir: the directory.
        evaluated: what a checkpoint is worth; unless given, what `yt8m eval` last wrote there.
        names: of classes.
        thumbnails: directory of pictures; empty for none.

    Raises:
        ValueError: nothing was trained in the directory, or a file in it is damaged.
        OSError: a file cannot be read.
    """
    filesystems.require(train_dir)
    training = read_history(join(train_dir, TRAINING_HISTORY))
    if not training:
        raise ValueError(f"no {TRAINING_HISTORY} with rows in --train_dir={train_dir}")
    validation = read_history(join(train_dir, VALIDATION_HISTORY))
    flags = _flags(train_dir)
    evaluated = last_evaluation(train_dir) if evaluated is None else evaluated
    layers = layer_parameters(*read_model_flags(train_dir)[:2]) if "model" in flags else {}
    best = _best(validation)
    note = ""
    if best is not None:
        step = validation[best]["step"]
        note = (
            f"Metrics are those of the best checkpoint, step {step:,}, on the validation records."
        )
    sections = [
        Section("Summary", [_summary(training, validation, best, sum(layers.values()))], note),
        Section("Curves", _curves(training, validation, best)),
        Section("Validation", _validation(validation, best)),
    ]
    if evaluated is not None:
        sections += _evaluation(evaluated, {**evaluated.names, **names}, Thumbnails(thumbnails))
    sections += [Section("Model", _model(layers)), Section("Flags", [_flag_table(flags)])]
    settings = read_result(
        join(train_dir, EXTRACTION_RECORD),
        lambda record: dict(record["settings"]),
        "the record of an extraction",
    )
    if settings is not None:
        sections.append(Section("Features", [settings_table(settings)]))
    title = str(flags.get("model", "Embedding"))
    return Page("Training", title, train_dir, sections)


def _flags(train_dir: str) -> dict[str, Any]:
    """The flags that the directory records, by name."""
    flags = read_flags(train_dir)
    if flags is None:
        flags = read_result(
            join(train_dir, EMBEDDING_RECORD),
            lambda record: {**record.pop("model"), **record.pop("training"), **record},
            "the record of an embedding",
        )
        if flags is None:
            raise ValueError(
                f"no {MODEL_RECORD} or {EMBEDDING_RECORD} in --train_dir={train_dir}: nothing was "
                "trained there"
            )
        return flags
    trained = read_result(join(train_dir, TRAINING_FLAGS), dict, "the flags of a training")
    return {**flags, **(trained or {})}


def _best(validation: Sequence[Row]) -> int | None:
    """The row of the best checkpoint: the lowest loss, or of embeddings the highest NDCG."""
    if not validation:
        return None
    is_embedding = "ndcg" in validation[0]
    values = [row["ndcg"] if is_embedding else -row["loss"] for row in validation]
    return int(np.nanargmax(values)) if not np.isnan(values).all() else None


def _summary(
    training: Sequence[Row], validation: Sequence[Row], best: int | None, num_parameters: int
) -> Facts:
    facts: list[tuple[str, str] | tuple[str, str, str]] = []
    if best is not None:
        for name in ("gap", "map", "hit_at_one", "perr", "ndcg", "loss"):
            if name in validation[best]:
                facts.append((_TITLES[name], number_text(validation[best][name], ".4f")))
    last = training[-1]
    facts.append(("Steps", f"{last['step']:,}"))
    if "epoch" in last:
        facts.append(("Epochs", f"{last['epoch']:g}"))
    if num_parameters:
        facts.append(("Parameters", f"{num_parameters:,}"))
    return Facts(facts)


def _curves(training: Sequence[Row], validation: Sequence[Row], best: int | None) -> list[Block]:
    """A panel for each value that has a title."""
    marked = None if best is None else float(validation[best]["step"])
    panels: list[Block] = []
    for column, title in _TITLES.items():
        series: list[Series] = []
        if column in training[0]:
            steps, values = _column(training, column)
            smooth = running_mean(values)
            if column == "learning_rate":
                series.append(Series("training", steps.tolist(), values.tolist(), "step"))
            elif not np.allclose(smooth, values):
                series.append(Series("batches", steps.tolist(), values.tolist(), "pale"))
                series.append(Series("their running mean", steps.tolist(), smooth.tolist()))
            else:
                series.append(Series("training", steps.tolist(), values.tolist()))
        note = ""
        if validation and column in validation[0]:
            steps, values = _column(validation, column)
            series.append(Series("validation", steps.tolist(), values.tolist(), "points", color=1))
            note = "" if best is None else number_text(float(values[best]), _FORMATS[title])
        if any(np.isfinite(each.ys).any() for each in series):
            panels.append(
                LineChart(
                    title,
                    "step",
                    series,
                    _FORMATS[title],
                    marked=marked if note else None,
                    mark="best checkpoint" if note else "",
                    note=note,
                    with_zero=column == "learning_rate",
                )
            )
    return panels


def _column(rows: Sequence[Row], column: str) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.array([row["step"] for row in rows], float),
        np.array([row[column] for row in rows], float),
    )


def _validation(validation: Sequence[Row], best: int | None) -> list[Block]:
    if not validation:
        return []
    columns = list(validation[0])
    rows = [
        [int(row[name]) if name in _COUNTS else row[name] for name in columns] for row in validation
    ]
    header = [_TITLES.get(name, name.removeprefix("num_")) for name in columns]
    marked = () if best is None else (best,)
    return [Table("Every validation", header, rows, _FORMATS, marked=marked, mark="best")]


def _evaluation(
    evaluated: Evaluated, names: Mapping[int, str], thumbnails: Thumbnails
) -> list[Section]:
    """The metrics, the classes, and the hits and mistakes where they are known."""
    metrics = evaluated.metrics
    facts = [(_TITLES[name], number_text(metrics[name], ".4f")) for name in (*METRICS, "loss")]
    facts.append((evaluated.unit.capitalize(), f"{metrics['num_videos']:,.0f}"))
    note = f"The checkpoint of step {evaluated.step:,} on {evaluated.records}."
    classes: list[list[Value]] = [
        [label, names.get(label, ""), count, ap]
        for label, count, ap in zip(
            evaluated.classes, evaluated.positives, evaluated.aps, strict=True
        )
    ]
    table = Table(
        "Average precision of each class",
        ("class", "name", "positives", "average precision"),
        classes,
        {"class": "d", "average precision": ".4f"},
        bars=("average precision",),
    )
    sections = [
        Section(
            "Evaluation", [Facts(facts), table], " ".join(filter(None, [note, evaluated.remarks]))
        )
    ]
    examples: list[Block] = [
        Cards(title, cards, bool(thumbnails))
        for title, found in (
            ("Most confident mistakes", evaluated.mistakes),
            ("Most confident hits", evaluated.hits),
        )
        if (cards := [_card(example, names, thumbnails) for example in found])
    ]
    note = (
        "The best class, which is no label in a mistake and one in a hit, and the next two. Labels "
        "have a tick."
    )
    return [
        *sections,
        Section("Hits and mistakes", examples, f"{note} {thumbnails.remarks}".strip()),
    ]


def _card(example: Example, names: Mapping[int, str], thumbnails: Thumbnails) -> Card:
    labels = dict(example.labels)
    scores = [
        Score(
            _class_name(label, names),
            number_text(score, ".3f"),
            min(max(score, 0.0), 1.0),
            "right" if label in labels else "wrong" if rank == 0 else "",
        )
        for rank, (label, score) in enumerate(example.best)
    ]
    shown = {label for label, _ in example.best}
    missed = [
        f"{_class_name(label, names)} {number_text(score, '.3f')}"
        for label, score in example.labels
        if label not in shown
    ]
    return Card(
        example.video_id.decode(errors="replace"),
        picture=thumbnails.of(example.video_id),
        scores=scores,
        note=f"Also labelled: {', '.join(missed)}" if missed else "",
    )


def _class_name(label: int, names: Mapping[int, str]) -> str:
    return names.get(label) or f"class {label}"


def _model(layers: Mapping[str, int]) -> list[Block]:
    if not layers:
        return []
    total = sum(layers.values())
    rows: list[list[Value]] = [[name, count, count / total] for name, count in layers.items()]
    table = Table(
        f"{total:,} parameters",
        ("layer", "parameters", "share"),
        rows,
        {"share": ".1%"},
        bars=("share",),
    )
    return [table]


def _flag_table(flags: Mapping[str, Any]) -> Table:
    rows = [[f"--{name}", _flag_text(value)] for name, value in flags.items()]
    return Table("Flags of the model, the data and the training", ("flag", "value"), rows)


def _flag_text(value: Any) -> str:
    if isinstance(value, list):
        return ",".join(map(str, value))
    return "" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
