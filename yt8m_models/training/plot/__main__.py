"""The plotting program: `yt8m plot`."""

from yt8m_models.program.command import Arguments, Program
from yt8m_models.training.plot.config import PlotConfig

PROGRAM = Program(
    "yt8m plot",
    "Plots the curves of a training: losses, metrics and learning rate.",
    PlotConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    """Writes the image that the command line asks for."""
    from yt8m_models.training.plot.curves import plot_training

    config = arguments[PlotConfig]
    plot_training(config.train_dir, config.output, config.title)
    print(f"wrote {config.output}")


if __name__ == "__main__":
    PROGRAM.run()
