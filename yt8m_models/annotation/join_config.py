"""What to join, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class JoinConfig(Options):
    """The records, the embeddings, and where the joined records go."""

    input_data_pattern: str = option(
        "",
        "Video-level records: file patterns with commas between, or @file with a path a line.",
        required=True,
    )
    embeddings_dir: str = option("", "Directory of embeddings (yt8m embed).", required=True)
    output_dir: str = option(
        "",
        "Directory for the joined records, in files named as the input's, and join.json. A run "
        "that was interrupted goes on there.",
        required=True,
    )
    feature_name: str = option("cdml", "Name of the feature in the joined records.", required=True)
    missing: str = option(
        "zeros",
        "Videos without an embedding: zeros in its place, counted, or an error.",
        choices=("zeros", "error"),
    )
    max_bad_records: int = option(
        0, "Leave out up to this many corrupt records instead of stopping at the first.", at_least=0
    )
