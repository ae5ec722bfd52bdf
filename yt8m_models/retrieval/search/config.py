"""The flags of `yt8m search`, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class SearchConfig(Options):
    """The index, the queries, and what to write of each."""

    index_dir: str = option(
        "", "Directory of the index, as written by yt8m build-index.", required=True
    )
    query_video_ids: tuple[str, ...] = option(
        (), "Videos of the index to search with, with commas between, or @file with an id a line."
    )
    query_features: str = option(
        "",
        "Instead of --query_video_ids: content features to embed and search with. An .npz with "
        "`ids` and an array for each feature, .parquet files with the column id or video_id and a "
        "list column for each feature, an .npy with all features side by side, whose queries are "
        "numbered from 0, or a directory written by yt8m build-features.",
    )
    train_dir: str = option(
        "", "--query_features: directory of the training whose model the index is of."
    )
    checkpoint: str = option("auto", "--query_features: which weights; as of yt8m embed.")
    top_k: int = option(10, "Videos to write of each query.", at_least=1)
    exclude_query: bool = option(True, "Leave a query's own id out of its results.")
    probes: int | None = option(
        None,
        "Approximate index: cells that a query visits; more where these have fewer than --top_k. "
        "What --auto of yt8m build-index has chosen, or else 32, unless given.",
        at_least=1,
        unless_given="by index",
    )
    output: str = option(
        "", "CSV file with query, rank (from 1), video_id and score; standard output unless given."
    )
    html: str = option("", "Also write a page of the results, a row for each query.")
    titles: str = option("", "--html: CSV with the columns video_id and title.")
    thumbnails: str = option(
        "", "--html: directory with a picture <id>.jpg of each video, ids percent-encoded."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if bool(self.query_video_ids) == bool(self.query_features):
            raise ValueError(
                "one of --query_video_ids and --query_features must be given; received "
                f"{'both' if self.query_features else 'neither'}"
            )
        if bool(self.query_features) != bool(self.train_dir):
            raise ValueError(
                "--query_features and --train_dir go together; received "
                f"--query_features={self.query_features} and --train_dir={self.train_dir}"
            )
        for name in ("titles", "thumbnails"):
            if getattr(self, name) and not self.html:
                raise ValueError(
                    f"--{name} goes with --html; received {getattr(self, name)} without it"
                )
