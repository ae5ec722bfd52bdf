"""The curves of a training on triplets as an image."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from yt8m_models.storage.plots import BLUE, LEGEND, RED, can_plot, new_figure, save_figure, styled
from yt8m_models.storage.whole_file import join
from yt8m_models.training.history import Row, read_history
from yt8m_models.training.train_dir import CURVES, TRAINING_HISTORY, VALIDATION_HISTORY

if TYPE_CHECKING:
    from matplotlib.axes import Axes

_PANELS = {
    "Loss": {"loss": "triplet loss"},
    "Squared distance": {"positive_distance": "to positives", "negative_distance": "to negatives"},
    "NDCG@10 of validation videos": {"ndcg": "validation"},
}


def plot_curves(train_dir: str) -> None:
    """Draws what `training.csv` and `validation.csv` say to `curves.png` beside them.

    Where matplotlib is not installed, it says so and draws nothing.
    """
    if not can_plot(CURVES):
        return
    training, validation = (
        read_history(join(train_dir, name)) for name in (TRAINING_HISTORY, VALIDATION_HISTORY)
    )
    figure = new_figure(12, 3.4, dpi=120)
    for axes, (title, columns) in zip(figure.subplots(1, 3), _PANELS.items(), strict=True):
        _panel(axes, title, columns, validation if "ndcg" in columns else training)
    save_figure(join(train_dir, CURVES), figure)


def _panel(axes: "Axes", title: str, columns: dict[str, str], rows: Sequence[Row]) -> None:
    steps = [row["step"] for row in rows]
    for color, (column, label) in zip((BLUE, RED), columns.items(), strict=False):
        values = [row[column] for row in rows]
        axes.plot(steps, values, color=color, linewidth=1.6, label=label)
        if column == "ndcg" and values:
            best = max(range(len(values)), key=values.__getitem__)
            axes.plot(steps[best], values[best], "o", color=RED)
            title = f"{title}   {values[best]:.3f}"
    if len(columns) > 1:
        axes.legend(**LEGEND)
    styled(axes, title, "step")
