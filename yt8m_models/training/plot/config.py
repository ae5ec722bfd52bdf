"""The flags of the plotting program, without TensorFlow."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class PlotConfig(Options):
    """What to plot.

    Raises:
        ValueError: a value is missing; the message names the flag.
    """

    train_dir: str = option("", "Directory of the training.", required=True)
    output: str = option("curves.png", "Image to write: .png, .svg or .pdf.")
    title: str = option("", "Heading of the image; the model's name unless given.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.output.endswith((".png", ".svg", ".pdf")):
            raise ValueError(f"--output must end in .png, .svg or .pdf; received {self.output}")
