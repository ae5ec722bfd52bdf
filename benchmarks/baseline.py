"""Figures that were recorded before, to notice when the code got slower."""

import json
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure

ALLOWED = 0.9


def read_baseline(flag: str, path: str) -> dict[str, float]:
    """The recorded figures of the file that this flag names, name to value.

    Raises:
        ValueError: the file cannot be read or is not of such figures.
    """
    try:
        recorded = json.loads(Path(path).read_text(encoding="utf-8"))["figures"]
        return {str(name): float(value) for name, value in recorded.items()}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{flag}={path}: not a file of recorded figures ({error!r})") from error


def record(figures: list[Figure], path: str, environment: dict[str, Any]) -> None:
    """Records figures, of those recorded before and these the worse: several runs show the noise.

    Args:
        figures: those measured.
        path: a JSON file, written if it is not there.
        environment: what they were measured on, written beside them.
    """
    recorded = read_baseline("--record", path) if Path(path).exists() else {}
    for figure in figures:
        worse = max if figure.at_most else min
        recorded[figure.name] = worse(figure.value, recorded.get(figure.name, figure.value))
    text = json.dumps({**environment, "figures": recorded}, indent=2)
    Path(path).write_text(text + "\n", encoding="utf-8")


def regressions(figures: list[Figure], recorded: dict[str, float]) -> list[str]:
    """What is worse than nine tenths of the recorded value, a line each; the rest is not compared.

    Raises:
        ValueError: none of the figures is recorded.
    """
    known = [figure for figure in figures if figure.name in recorded]
    if not known:
        raise ValueError("--check: none of the figures measured is recorded there")
    lines = []
    for figure in known:
        before = recorded[figure.name]
        gain = before / figure.value if figure.at_most else figure.value / before
        if gain < ALLOWED:
            lines.append(
                f"{figure.name}: {figure.value:.3g} {figure.unit}, recorded {before:.3g} "
                f"({gain:.0%} as good)"
            )
    return lines
