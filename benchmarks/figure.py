"""A measured figure of the benchmarks, a ratio or a size, and a table of them."""

from dataclasses import dataclass, field

from yt8m_models.storage.text_tables import aligned


@dataclass(frozen=True)
class Figure:
    """A measured figure.

    Attributes:
        name: what was measured.
        value: the figure, a ratio measured within one run or a size.
        bound: what it must reach; at least `bound`, or at most where `at_most` is true. `None` for
            figures that are only reported.
        unit: `x` for ratios, or the unit of a size.
        at_most: whether smaller is better.
        detail: the measurements behind the figure, name to value, for the JSON file.
    """

    name: str
    value: float
    bound: float | None = None
    unit: str = "x"
    at_most: bool = False
    detail: dict[str, float] = field(default_factory=dict)

    @property
    def reached(self) -> bool:
        if self.bound is None:
            return True
        return self.value <= self.bound if self.at_most else self.value >= self.bound


def table(figures: list[Figure]) -> str:
    """A line for each figure: its name, value, bound and verdict."""
    rows = [("figure", "value", "bound", "")] + [
        (figure.name, f"{figure.value:.3g} {figure.unit}", *_verdict(figure)) for figure in figures
    ]
    return "\n".join(aligned(rows, "<>><"))


def _verdict(figure: Figure) -> tuple[str, str]:
    """The bound, and whether it is reached; nothing for figures without one."""
    if figure.bound is None:
        return "", ""
    bound = f"{'≤' if figure.at_most else '≥'} {figure.bound:g} {figure.unit}"
    return bound, "reached" if figure.reached else "NOT REACHED"
