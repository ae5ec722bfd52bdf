"""p-values between every two of some models."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, NamedTuple

_LEVELS = (0.001, 0.01, 0.05)


class Difference(NamedTuple):
    """McNemar's test of two models.

    Attributes:
        p_value: two-sided.
        only_first: videos that the model of the row alone has right.
        only_second: those that the model of the column alone has right.
    """

    p_value: float
    only_first: int
    only_second: int

    @property
    def text(self) -> str:
        """The p-value with two significant digits."""
        return f"{self.p_value:.2g}"

    @property
    def level(self) -> int:
        """How many of the levels 0.05, 0.01 and 0.001 it is below."""
        return sum(self.p_value < level for level in _LEVELS)


@dataclass(frozen=True)
class Matrix:
    """A triangle of tests.

    Attributes:
        title: what is tested.
        names: of the models, at least two.
        tests: by the places of row and column, the row's the smaller.
    """

    title: str
    names: Sequence[str]
    tests: Mapping[tuple[int, int], Difference]
    template: ClassVar[str] = "matrix.html"
