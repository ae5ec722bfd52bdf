"""The curves of a training on triplets as an image."""

import io
from collections.abc import Sequence
from typing import TYPE_CHECKING

import tensorflow as tf

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
_COLORS = ("#4c78a8", "#e4572e")
_INK = "#333333"


def plot_curves(train_dir: str) -> None:
    """Draws what `training.csv` and `validation.csv` say to `curves.png` beside them.

    Raises:
        ImportError: matplotlib is not installed.
    """
    from matplotlib.figure import Figure

    histories = [join(train_dir, name) for name in (TRAINING_HISTORY, VALIDATION_HISTORY)]
    training, validation = (
        read_history(path) if tf.io.gfile.exists(path) else [] for path in histories
    )
    figure = Figure(figsize=(12, 3.4), dpi=120, layout="constrained")
    for axes, (title, columns) in zip(figure.subplots(1, 3), _PANELS.items(), strict=True):
        _panel(axes, title, columns, validation if "ndcg" in columns else training)
    image = io.BytesIO()
    figure.savefig(image, format="png")
    path = join(train_dir, CURVES)
    with tf.io.gfile.GFile(f"{path}.partial", "wb") as file:
        file.write(image.getvalue())
    tf.io.gfile.rename(f"{path}.partial", path, overwrite=True)


def _panel(axes: "Axes", title: str, columns: dict[str, str], rows: Sequence[Row]) -> None:
    steps = [row["step"] for row in rows]
    for color, (column, label) in zip(_COLORS, columns.items(), strict=False):
        values = [row[column] for row in rows]
        axes.plot(steps, values, color=color, linewidth=1.6, label=label)
        if column == "ndcg" and values:
            best = max(range(len(values)), key=values.__getitem__)
            axes.plot(steps[best], values[best], "o", color=_COLORS[1])
            title = f"{title}   {values[best]:.3f}"
    if len(columns) > 1:
        axes.legend(frameon=False, fontsize=8, labelcolor=_INK)
    axes.set_title(title, loc="left", fontsize=11, color=_INK)
    axes.set_xlabel("step", fontsize=8, color="#777777", loc="right")
    axes.grid(axis="y", color="#e6e6e6", linewidth=0.8)
    axes.spines[["top", "right", "left"]].set_visible(False)
    axes.tick_params(colors="#777777", labelsize=8, length=0)
