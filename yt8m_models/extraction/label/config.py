"""The flags of `yt8m label` besides those of the features, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.extraction.config import VIDEOS_HELP
from yt8m_models.program.option import Options, option

_FORMATS = (".csv", ".json")


@dataclass(frozen=True)
class LabelConfig(Options):
    """The model, the videos, and what to say of them.

    Raises:
        ValueError: `output_file` is neither a CSV nor JSON.
    """

    train_dir: str = option(
        "", "The directory of the training, or of a run of yt8m annotate.", required=True
    )
    videos: str = option("", VIDEOS_HELP, required=True)
    vocabulary: str = option(
        "", "CSV with the columns Index and Name: names of the classes. Otherwise their ids."
    )
    checkpoint: str = option(
        "auto",
        "latest, best (lowest validation loss), the path of a checkpoint, or auto: the best where "
        "the training was validated, the latest otherwise.",
        required=True,
    )
    top_k: int = option(5, "Classes of a video, or of a segment, at most.", at_least=1)
    min_score: float = option(
        0.0, "Leave out classes with a lower score than this.", at_least=0, at_most=1
    )
    segments: bool = option(
        False, "Label each five seconds by themselves; needs a frame-level model."
    )
    output_file: str = option(
        "", "Also write the labels to this .csv or .json. It appears whole at the end."
    )
    max_bad_videos: int | None = option(
        None,
        "Stop when more videos than this cannot be read; they are named.",
        at_least=0,
        unless_given="no bound",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.output_file and not self.output_file.endswith(_FORMATS):
            raise ValueError(
                f"--output_file must end in .csv or .json; received {self.output_file}"
            )
