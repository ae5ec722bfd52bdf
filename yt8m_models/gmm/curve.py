"""The log-likelihood of a UBM by iteration, as an image."""

import io
from collections.abc import Mapping, Sequence

_INK = "#333333"
_GRID = "#e6e6e6"
_LINES = ("#4c78a8", "#e4572e", "#54a24b", "#b279a2")


def draw(histories: Mapping[str, Sequence[float]]) -> bytes:
    """A PNG with a panel for each UBM: its log-likelihood per frame by iteration.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure
    from matplotlib.ticker import MaxNLocator

    figure = Figure(figsize=(5 * len(histories), 3.4), dpi=150, layout="constrained")
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
        axes.set_title(f"{name}   {history[-1]:,.4f}", loc="left", fontsize=11, color=_INK)
        axes.grid(axis="y", color=_GRID, linewidth=0.8)
        axes.set_axisbelow(True)
        axes.spines[["top", "right", "left"]].set_visible(False)
        axes.spines["bottom"].set_color("#bbbbbb")
        axes.tick_params(colors="#777777", labelsize=8, length=0)
        axes.ticklabel_format(axis="y", useOffset=False)
        axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))
        axes.set_xlabel("iteration", fontsize=8, color="#777777", loc="right", labelpad=0)
    panels[0].set_ylabel("log-likelihood per frame", fontsize=8, color="#777777")
    image = io.BytesIO()
    figure.savefig(image, format="png")
    return image.getvalue()
