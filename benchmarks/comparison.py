"""The figures of the working tree beside those of another commit, on one machine in one run."""

import io
import json
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from benchmarks.figure import Figure

ROOT = Path(__file__).resolve().parents[1]
ALLOWED = 0.9


def compare(base: str, names: Sequence[str], rounds: int) -> list[tuple[Figure, Figure]]:
    """Measures a commit and the working tree in turn; the median of each figure of both.

    Each measurement is a process of its own in its own tree. Benchmarks that the commit does not
    have are not run, and figures that one of the two does not have are left out.

    Args:
        base: the commit, in any form that git understands.
        names: the benchmarks.
        rounds: how often each of the two is measured.

    Raises:
        ValueError: there is no such commit, it has none of the benchmarks, or one fails.
    """
    of_base, of_tree = [], []
    with tempfile.TemporaryDirectory() as directory:
        _check_out(base, Path(directory))
        names = [name for name in names if Path(directory, "benchmarks", f"{name}.py").exists()]
        if not names:
            raise ValueError(f"--base={base}: has none of these benchmarks")
        for _ in range(rounds):
            of_base.append(_measured(Path(directory), names))
            of_tree.append(_measured(ROOT, names))
    before, now = _medians(of_base), _medians(of_tree)
    return [(before[name], figure) for name, figure in now.items() if name in before]


def slower(pairs: Sequence[tuple[Figure, Figure]]) -> list[str]:
    """The figures that are worse than nine tenths of the other commit's, a line each."""
    return [
        f"{now.name}: {now.value:.3g} {now.unit}, before {before.value:.3g} "
        f"({gain(before, now):.0%} as good)"
        for before, now in pairs
        if gain(before, now) < ALLOWED
    ]


def gain(before: Figure, now: Figure) -> float:
    """How many times as good a figure is as before."""
    return before.value / now.value if now.at_most else now.value / before.value


def _check_out(base: str, tree: Path) -> None:
    """Writes the files of a commit."""
    archive = subprocess.run(["git", "-C", str(ROOT), "archive", base], capture_output=True)
    if archive.returncode:
        raise ValueError(f"--base={base}: {archive.stderr.decode().strip()}")
    with tarfile.open(fileobj=io.BytesIO(archive.stdout)) as files:
        files.extractall(tree, filter="data")


def _measured(tree: Path, names: Sequence[str]) -> dict[str, Figure]:
    with tempfile.TemporaryDirectory() as directory:
        output = Path(directory, "figures.json")
        command = [sys.executable, "-m", "benchmarks", f"--only={','.join(names)}"]
        subprocess.run([*command, f"--output={output}"], cwd=tree, stdout=subprocess.DEVNULL)
        if not output.exists():  # it ends with an error where a bound is not reached, too
            raise ValueError(f"the benchmarks of {tree} did not run to the end")
        rows = json.loads(output.read_text(encoding="utf-8"))["figures"]
    figures = [Figure(**{k: v for k, v in row.items() if k != "reached"}) for row in rows]
    return {figure.name: figure for figure in figures}


def _medians(runs: Sequence[dict[str, Figure]]) -> dict[str, Figure]:
    return {
        name: replace(figure, value=statistics.median(run[name].value for run in runs))
        for name, figure in runs[0].items()
    }
