"""The plotting program: `yt8m plot`."""

from dataclasses import dataclass

from yt8m_models.program.command import Arguments, Program
from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class PlotConfig(Options):
    """What to plot."""

    train_dir: str = option("", "Directory of the training.", required=True)
    output: str = option("curves.png", "Image to write: .png, .svg or .pdf.")
    title: str = option("", "Heading of the image; the model's name unless given.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.output.endswith((".png", ".svg", ".pdf")):
            raise ValueError(f"--output must end in .png, .svg or .pdf; received {self.output}")


PROGRAM = Program(
    "yt8m plot", "Plots the curves of a training: losses, metrics and learning rate.", PlotConfig
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.training.plot.curves import plot_training

    config = arguments[PlotConfig]
    plot_training(config.train_dir, config.output, config.title)
    print(f"wrote {config.output}")


if __name__ == "__main__":
    PROGRAM.run()
