"""Curves of a training directory as an image."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from yt8m_models.storage import filesystems
from yt8m_models.storage.plots import (
    BLUE,
    LEGEND,
    RED,
    new_figure,
    save_figure,
    styled,
    whole_numbers,
)
from yt8m_models.storage.whole_file import join
from yt8m_models.training.history import Row, read_history, running_mean
from yt8m_models.training.train_dir import TRAINING_HISTORY, VALIDATION_HISTORY, read_model_flags

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_PANELS = {"Loss": "loss", "GAP": "gap", "Hit@1": "hit_at_one", "Learning rate": "learning_rate"}


def plot_training(train_dir: str, output: str, title: str = "") -> None:
    """Plots loss, GAP, Hit@1 and learning rate over the steps of a training.

    Curves of training batches are drawn pale, and their running mean over them; validation with a
    point for each checkpoint, a ring around the kept one. The image appears whole or not at all.

    Args:
        train_dir: the directory of the training.
        output: the image, `.png`, `.svg` or `.pdf`.
        title: the heading; the model's name unless given.

    Raises:
        ValueError: nothing was trained in the directory, or matplotlib is not installed.
    """
    filesystems.require(train_dir)
    filesystems.require(output)
    training = read_history(join(train_dir, TRAINING_HISTORY))
    validation = read_history(join(train_dir, VALIDATION_HISTORY))
    if not training:
        raise ValueError(f"no {TRAINING_HISTORY} with rows in --train_dir={train_dir}")
    if not title:
        title = read_model_flags(train_dir)[0].model
    save_figure(output, draw(training, validation, title))


def draw(training: Sequence[Row], validation: Sequence[Row], title: str) -> "Figure":
    """The figure of a training's rows and of its validation's, which may be empty.

    Raises:
        ValueError: matplotlib is not installed.
    """
    figure = new_figure(10, 6.4, title)
    figure.get_layout_engine().set(w_pad=0.15, h_pad=0.12)  # type: ignore[union-attr,call-arg]
    panels = figure.subplots(2, 2).flat
    for axes, (name, column) in zip(panels, _PANELS.items(), strict=True):
        _panel(axes, name, column, training, validation)
    figure.legend(
        *panels[0].get_legend_handles_labels(),
        loc="upper right",
        ncols=3,
        borderaxespad=0.6,
        **LEGEND,
    )
    return figure


def _panel(
    axes: "Axes", title: str, column: str, training: Sequence[Row], validation: Sequence[Row]
) -> None:
    """One curve of training and one of validation; the kept checkpoint's value in the title."""
    steps, values = _columns(training, column)
    if column == "learning_rate":
        axes.step(steps, values, where="post", color=BLUE, linewidth=1.8)
        axes.set_ylim(0, 1.15 * values.max())
    else:
        axes.plot(steps, values, color=BLUE, linewidth=0.8, alpha=0.3)
        axes.plot(steps, running_mean(values), color=BLUE, linewidth=1.8, label="training batches")
        if validation:
            steps, values = _columns(validation, column)
            axes.plot(steps, values, "o-", color=RED, linewidth=1.8, ms=4, label="validation")
            kept = np.argmin(_columns(validation, "loss")[1])
            ring = axes.plot(steps[kept], values[kept], "o", ms=10, label="lowest validation loss")
            ring[0].set(markerfacecolor="none", markeredgecolor=RED)
            title = f"{title}   {values[kept]:.3f}"
    styled(axes, title, "step")
    axes.margins(x=0.02)
    whole_numbers(axes)
    axes.xaxis.set_major_formatter("{x:,.0f}")


def _columns(rows: Sequence[Row], column: str) -> tuple[np.ndarray, np.ndarray]:
    return np.array([row["step"] for row in rows]), np.array([row[column] for row in rows])
