"""What a sweep found, as files."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from yt8m_models.storage.plots import BLUE, RED, can_plot, new_figure, save_figure, styled
from yt8m_models.storage.text_tables import csv_text
from yt8m_models.storage.whole_file import join, write_text
from yt8m_models.sweep.config import MAXIMIZE, SweepConfig
from yt8m_models.sweep.dimension import Dimension
from yt8m_models.sweep.trial import COMPLETE, Trial

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

_COLUMNS = 3


def write_report(
    config: SweepConfig, dimensions: Sequence[Dimension], trials: Sequence[Trial]
) -> list[str]:
    """Writes `results.csv`, a line a trial, and `best.flags` where there is a best; their paths."""
    rows = (
        [
            each.number,
            each.state,
            each.value,
            *(each.settings.get(dimension.name, "") for dimension in dimensions),
            each.error,
        ]
        for each in trials
    )
    names = [dimension.name for dimension in dimensions]
    header = ["trial", "state", config.objective, *names, "error"]
    paths = [join(config.output_dir, "results.csv")]
    write_text(paths[0], csv_text(header, rows))
    best = best_of(config, trials)
    if best is not None:
        paths.append(join(config.output_dir, "best.flags"))
        write_text(paths[1], _flag_file(config, dimensions, best))
    return paths


def best_of(config: SweepConfig, trials: Sequence[Trial]) -> Trial | None:
    """The trial with the best value, the first of several; `None` where none is complete."""
    complete = [each for each in trials if each.state == COMPLETE]
    choose = max if config.direction == MAXIMIZE else min
    return choose(complete, key=lambda each: each.value, default=None)


def write_image(
    config: SweepConfig, dimensions: Sequence[Dimension], trials: Sequence[Trial]
) -> list[str]:
    """Writes `objective.png` where a trial is complete; its path. Needs matplotlib, or says so."""
    best = best_of(config, trials)
    if best is None or not can_plot("objective.png"):
        return []
    path = join(config.output_dir, "objective.png")
    complete = [each for each in trials if each.state == COMPLETE]
    save_figure(path, draw(config.objective, dimensions, complete, best))
    return [path]


def draw(
    objective: str, dimensions: Sequence[Dimension], trials: Sequence[Trial], best: Trial
) -> "Figure":
    """The objective over each dimension, a point a trial, the best in another colour.

    Raises:
        ValueError: matplotlib is not installed.
    """
    columns = min(_COLUMNS, len(dimensions))
    lines = -(-len(dimensions) // columns)
    figure = new_figure(3.6 * columns + 0.6, 3.0 * lines, f"{objective} of {len(trials)} trials")
    grid = figure.subplots(lines, columns, sharey=True, squeeze=False).ravel()
    for axes, dimension in zip(grid, dimensions, strict=False):
        _draw_dimension(axes, dimension, trials, best)
    for axes in grid[len(dimensions) :]:
        axes.set_visible(False)
    return figure


def _draw_dimension(
    axes: "Axes", dimension: Dimension, trials: Sequence[Trial], best: Trial
) -> None:
    def place(trial: Trial) -> float:
        value = trial.settings[dimension.name]
        return dimension.choices.index(value) if dimension.choices else float(value)

    for each in trials:
        color, size = (RED, 7) if each is best else (BLUE, 5)
        axes.plot([place(each)], [each.value], "o", color=color, markersize=size, alpha=0.8)
    if dimension.choices:
        axes.set_xticks(range(len(dimension.choices)), dimension.choices)
    elif dimension.is_log:
        axes.set_xscale("log")
    styled(axes, dimension.name)


def _flag_file(config: SweepConfig, dimensions: Sequence[Dimension], best: Trial) -> str:
    """The flags of the best trial but that of its directory, for `--flagfile`."""
    name, *flags = config.command
    chosen = [
        argument
        for dimension in dimensions
        for argument in dimension.arguments(best.settings[dimension.name])
    ]
    title = f"# yt8m {name}: trial {best.number}, {config.objective} {best.value:.6g}"
    return "\n".join([title, *flags, *chosen]) + "\n"
