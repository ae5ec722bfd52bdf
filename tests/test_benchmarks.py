"""What the benchmarks make of their measurements."""

import pytest

from benchmarks import comparison
from benchmarks.figure import Figure, table
from benchmarks.step_limit import CASES, weight_bytes


def test_figures_against_their_bounds():
    fast = Figure("speed", 0.8, 0.7)
    heavy = Figure("memory", 1.2, 1.0, "GB", at_most=True)
    assert (fast.reached, heavy.reached, Figure("other", 3.0).reached) == (True, False, True)
    assert table([fast, heavy]).splitlines()[1:] == [
        "speed    0.8 x  ≥ 0.7 x  reached",
        "memory  1.2 GB   ≤ 1 GB  NOT REACHED",
    ]


@pytest.mark.parametrize(
    ("value", "at_most", "is_worse"),
    [(0.91, False, False), (0.89, False, True), (1.1, True, False), (1.12, True, True)],
)
def test_figures_against_those_of_another_commit(value, at_most, is_worse):
    """Nine tenths of 1 are 0.9; of a figure that is to be small, 1 / 0.9 = 1.11."""
    before, now = Figure("a", 1.0, at_most=at_most), Figure("a", value, at_most=at_most)
    found = comparison.slower([(before, now)])
    assert bool(found) == is_worse
    assert not is_worse or found[0].startswith(f"a: {value} x, before 1 (")


def test_both_trees_are_measured_in_turn_and_medians_compared(monkeypatch):
    measured = []

    def measure(tree, names):
        measured.append((tree / "README.md").exists() and tree == comparison.ROOT)
        value = float(len(measured))
        figures = {"speed": Figure("speed", value), f"only {tree}": Figure("new", 1.0)}
        return figures

    monkeypatch.setattr(comparison, "_measured", measure)
    ((before, now),) = comparison.compare("HEAD", ("step",), 3)
    assert measured == [False, True] * 3
    assert (before.value, now.value) == (3.0, 4.0)  # the medians of 1, 3, 5 and of 2, 4, 6
    assert comparison.gain(before, now) == pytest.approx(4 / 3)


def test_a_commit_that_is_not_there():
    with pytest.raises(ValueError, match=r"--base=nowhere: .*not a valid object name"):
        comparison.compare("nowhere", ("step",), 1)


def test_work_of_a_step():
    """DSGMM on rgb, K = 256, hidden 1024, 80 videos of 30 frames, 3,862 classes, 2 mixtures.

    Multiplications of the forward pass: assignment and statistics 2 · 2400 · 1024 · 256, hidden
    80 · 262144 · 1024, gating 80 · 1024², MoE 80 · 1024 · 5 · 3862, its gating 80 · 3862²; the
    backward pass has twice as many, and each comes with an addition.
    """
    products = [
        2 * 2400 * 1024 * 256,
        80 * 262144 * 1024,
        80 * 1024**2,
        80 * 1024 * 5 * 3862,
        80 * 3862**2,
    ]
    assert CASES["dsgmm_paper"].flops(80) == 6 * sum(products)
    assert weight_bytes(1000) == 40_000  # ten passes over numbers of four bytes
