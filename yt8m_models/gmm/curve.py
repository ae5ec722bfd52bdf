"""The log-likelihood of a UBM by iteration, as an image."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from yt8m_models.storage.plots import BLUE, GREEN, PURPLE, RED, new_figure, styled, whole_numbers

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_LINES = (BLUE, RED, GREEN, PURPLE)


def draw(histories: Mapping[str, Sequence[float]]) -> "Figure":
    """A panel for each UBM: its log-likelihood per frame by iteration.

    Raises:
        ValueError: matplotlib is not installed.
    """
    figure = new_figure(5 * len(histories), 3.4)
    panels = figure.subplots(1, len(histories), squeeze=False).flat
    for index, (axes, (name, history)) in enumerate(zip(panels, histories.items(), strict=True)):
        axes.plot(
            range(1, len(history) + 1),
            history,
            color=_LINES[index % len(_LINES)],
            linewidth=1.8,
            marker="o",
            markersize=3,
        )
        styled(axes, f"{name}   {history[-1]:,.4f}", "iteration")
        whole_numbers(axes)
        axes.ticklabel_format(axis="y", useOffset=False)
    panels[0].set_ylabel("log-likelihood per frame")
    return figure
