"""One dimension of a search space."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import optuna


@dataclass(frozen=True)
class Dimension:
    """The values that one flag, or several that vary together, may have.

    Attributes:
        flags: names of the flags.
        choices: the values as on the command line, with slashes between those of several flags;
            none for a range.
        low, high: the ends of a range, both included; whole numbers where its values are.
        is_log: whether the logarithm of the values is even, and not the values.
    """

    flags: tuple[str, ...]
    choices: tuple[str, ...] = ()
    low: float = 0.0
    high: float = 0.0
    is_log: bool = False

    @property
    def name(self) -> str:
        """The flags, as in `margin/mining`."""
        return "/".join(self.flags)

    def suggest(self, trial: optuna.Trial) -> str:
        """The value of a trial: that which it has, or else one that its sampler chooses."""
        if self.choices:
            return trial.suggest_categorical(self.name, self.choices)
        if isinstance(self.low, int) and isinstance(self.high, int):
            return str(trial.suggest_int(self.name, self.low, self.high, log=self.is_log))
        return str(trial.suggest_float(self.name, self.low, self.high, log=self.is_log))

    def arguments(self, value: str) -> list[str]:
        """A value as arguments of a command line."""
        values = value.split("/") if len(self.flags) > 1 else [value]
        return [f"--{flag}={each}" for flag, each in zip(self.flags, values, strict=True)]
