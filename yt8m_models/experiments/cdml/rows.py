"""The rows of the paper's tables and the points of its figure: what each changes.

The changes are fields of `EmbeddingConfig` and of `EmbeddingTrainingFlags`, and

    content   what is measured: `cdml` unless given, `raw` content features, or `random` vectors
    features  their names; all unless given
    bits      of a dimension; 32 unless given
"""

from collections.abc import Mapping, Sequence
from typing import Any

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.experiments.cdml.config import (
    CDMLConfig,
    content_architecture,
    hidden_widths,
    size_and_bits,
)
from yt8m_models.experiments.common.rows import Row, Table, selected


def tables(config: CDMLConfig, model: EmbeddingConfig, features: Sequence[str]) -> list[Table]:
    """The tables and figures that were asked for, with the rows that were.

    Args:
        config: what was asked for.
        model: the embedding that rows change.
        features: names of the content features, in order.

    Raises:
        ValueError: an entry of `config.rows` fits none of them.
    """
    found = []
    if 1 in config.tables:
        found.append(_content(tuple(features), content_architecture(config.content_model)))
    if 2 in config.tables:
        found.append(_architectures(config, model))
    if 3 in config.tables:
        rows = [_quantized(entry, model) for entry in config.bits]
        found.append(Table("table3", "Bits of a dimension", tuple(rows)))
    if 3 in config.figures:
        found += _figure("size", "embedding_size", config.embedding_sizes)
        found += _figure("steps", "max_steps", config.step_counts)
    return selected(found, config.rows)


def _content(features: tuple[str, ...], architecture: Mapping[str, Any]) -> Table:
    """Random vectors, then raw features and CDML, of the first feature and of all.

    The paper's table has the two rows of CDML, of its network early-2560: what it reports of both
    features is what table 2 reports of that one.
    """
    rows = [Row("random", "Random", {"content": "random"})]
    for content, label in (("raw", "Raw"), ("cdml", "CDML")):
        for names in dict.fromkeys([features[:1], features]):
            changes = {"content": content, "features": names}
            if content == "cdml":
                changes |= architecture
            rows.append(
                Row(f"{content}-{'+'.join(names)}", f"{label} {' + '.join(names)}", changes)
            )
    return Table("table1", "Content features", tuple(rows))


def _architectures(config: CDMLConfig, model: EmbeddingConfig) -> Table:
    rows = []
    for fusion in config.fusions:
        for hidden in config.hidden_sizes:
            widths = hidden_widths(hidden, "hidden_sizes")
            layers = "-".join(map(str, (*widths, model.embedding_size)))
            changes: dict[str, Any] = {"fusion": fusion, "hidden_size": widths}
            rows.append(Row(f"{fusion}-{hidden}", f"{fusion.capitalize()} {layers}", changes))
    return Table("table2", "Architectures", tuple(rows))


def _quantized(entry: str, model: EmbeddingConfig) -> Row:
    width, bits = size_and_bits(entry)
    changes: dict[str, Any] = {"bits": bits}
    size = model.embedding_size
    if width is not None:
        size = changes["embedding_size"] = width
    label = f"{size:,} x {bits} bits, {-(-size * bits // 8):,} bytes"
    return Row(f"bits-{entry}", label, changes)


def _figure(kind: str, field: str, values: Sequence[int]) -> list[Table]:
    """A figure over the values of a field; none where there are no values."""
    rows = [Row(f"{kind}-{value}", f"{value:,}", {field: value}) for value in sorted(values)]
    title, axis = {
        "size": ("Width of the embedding", "embedding size"),
        "steps": ("Length of the training", "steps"),
    }[kind]
    return [Table(f"figure3-{kind}", title, tuple(rows), axis=axis)] if rows else []
