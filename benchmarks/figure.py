"""One measured figure of the benchmarks: a ratio or a size, and what it must reach."""

from dataclasses import dataclass, field


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
