"""The flags of `yt8m extract` besides those of the features, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.extraction.config import VIDEOS_HELP
from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class ExtractConfig(Options):
    """The videos, their labels, and where the records go."""

    videos: str = option("", VIDEOS_HELP, required=True)
    output_dir: str = option(
        "",
        "Directory that receives the records and manifest.json. A run that was interrupted goes on "
        "there.",
        required=True,
    )
    labels: str = option(
        "",
        "CSV with the columns video_id and labels: class ids with spaces between, or names of "
        "classes with semicolons between. Videos that it lacks have no labels.",
    )
    vocabulary: str = option(
        "", "CSV with the columns Index and Name: names of the classes, for labels by name."
    )
    videos_per_shard: int = option(100, "Videos of a file of records.", at_least=1)
    max_bad_videos: int | None = option(
        None,
        "Stop when more videos than this cannot be read. The manifest names them.",
        at_least=0,
        unless_given="no bound",
    )
    thumbnails: bool = option(
        False, "Also write small pictures of each video and of each five seconds of it."
    )
