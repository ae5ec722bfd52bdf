"""The flags of `yt8m demo` besides those of the features, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class DemoConfig(Options):
    """The model, the videos to find similar ones among, and where the page is.

    Raises:
        ValueError: flags of the index are given without it.
    """

    train_dir: str = option(
        "", "The directory of the training, or of a run of yt8m annotate.", required=True
    )
    checkpoint: str = option(
        "auto",
        "latest, best (lowest validation loss), the path of a checkpoint, or auto: the best where "
        "the training was validated, the latest otherwise.",
        required=True,
    )
    vocabulary: str = option(
        "", "CSV with the columns Index and Name: names of the classes. Otherwise their ids."
    )
    top_k: int = option(5, "Classes of a clip, and of each five seconds, at most.", at_least=1)
    index_dir: str = option(
        "",
        "Also show the videos of this index, as yt8m build-index writes it, that are most similar.",
        aliases=("index",),
    )
    embedding_dir: str = option(
        "",
        "--index_dir: directory of the training whose model the index is of; not for an index of "
        "raw features (yt8m embed --raw).",
    )
    titles: str = option("", "--index_dir: CSV with the columns video_id and title.")
    thumbnails: str = option(
        "",
        "--index_dir: directory of a picture for each video, as yt8m extract --thumbnails names "
        "them (its thumbnails/).",
    )
    num_neighbours: int = option(10, "--index_dir: similar videos to show.", at_least=1)
    host: str = option(
        "127.0.0.1",
        "Address to listen at; 0.0.0.0 lets other machines in, and asks nobody who they are.",
        required=True,
    )
    port: int = option(7860, "Port to listen at.", at_least=1, at_most=65535)
    max_megabytes: int = option(200, "Larger files are refused.", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("embedding_dir", "titles", "thumbnails"):
            if getattr(self, name) and not self.index_dir:
                raise ValueError(
                    f"--{name} goes with --index_dir; received {getattr(self, name)} without it"
                )
