"""What the images of this project have in common: colours, axes, and how they are saved."""

import io
from typing import TYPE_CHECKING, Any, Literal

from yt8m_models.storage.whole_file import whole_file

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

BLUE, RED, GREEN, PURPLE = "#4c78a8", "#e4572e", "#54a24b", "#b279a2"
INK = "#333333"
LEGEND: dict[str, Any] = {"frameon": False, "fontsize": 9, "labelcolor": INK}
_SOFT_INK = "#777777"


def can_plot(what: str) -> bool:
    """Whether matplotlib is installed; where it is not, prints that there will be no `what`."""
    try:
        import matplotlib.figure  # noqa: F401
    except ImportError:
        print(f"No {what}: plots need matplotlib (pip install matplotlib).", flush=True)
        return False
    return True


def new_figure(width: float, height: float, title: str = "", dpi: int = 150) -> "Figure":
    """A figure of this size in inches, with a heading where one is given.

    Raises:
        ValueError: matplotlib is not installed.
    """
    try:
        from matplotlib.figure import Figure
    except ImportError as error:
        raise ValueError("plots need matplotlib: pip install matplotlib") from error
    figure = Figure(figsize=(width, height), dpi=dpi, layout="constrained")
    if title:
        figure.suptitle(title, x=0.012, ha="left", fontsize=14, fontweight="bold", color=INK)
    return figure


def styled(axes: "Axes", title: str, x_label: str = "", grid: Literal["x", "y"] = "y") -> None:
    """Gives a panel its title, the label of its x axis, and the lines of a grid along one axis."""
    axes.set_title(title, loc="left", fontsize=11, color=INK)
    axes.set_xlabel(x_label, fontsize=8, color=_SOFT_INK, loc="right", labelpad=0)
    axes.yaxis.label.set(fontsize=8, color=_SOFT_INK)
    axes.grid(axis=grid, color="#e6e6e6", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.spines["bottom"].set_color("#bbbbbb")
    axes.tick_params(colors=_SOFT_INK, labelsize=8, length=0)


def whole_numbers(axes: "Axes") -> None:
    """Ticks of the x axis at a few whole numbers."""
    from matplotlib.ticker import MaxNLocator

    axes.xaxis.set_major_locator(MaxNLocator(nbins=6, integer=True))


def save_figure(path: str, figure: "Figure") -> None:
    """Writes an image in the format of the name's extension; it appears whole or not at all.

    Raises:
        ValueError, OSError: as from `whole_file`.
    """
    image = io.BytesIO()
    figure.savefig(image, format=path.rsplit(".", 1)[1])
    with whole_file(path) as file:
        file.write(image.getvalue())
