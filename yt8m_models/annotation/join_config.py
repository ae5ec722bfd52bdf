"""What to join, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option

MISSING = ("zeros", "error")


@dataclass(frozen=True)
class JoinConfig(Options):
    """The records, the embeddings, and where the joined records go.

    Raises:
        ValueError: a value is missing or outside its range; the message names the flag.
    """

    input_data_pattern: str = option(
        "",
        "Video-level records: file patterns with commas between, or @file with a path a line.",
    )
    embeddings_dir: str = option("", "Directory of embeddings (yt8m embed).")
    output_dir: str = option(
        "",
        "Directory for the joined records, in files named as the input's, and join.json. A run "
        "that was interrupted goes on there.",
    )
    feature_name: str = option("cdml", "Name of the feature in the joined records.")
    missing: str = option(
        "zeros",
        "Videos without an embedding: zeros in its place, counted, or an error.",
        choices=MISSING,
    )
    max_bad_records: int = option(
        0, "Leave out up to this many corrupt records instead of stopping at the first."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("input_data_pattern", "embeddings_dir", "output_dir", "feature_name"):
            if not getattr(self, name).strip():
                raise ValueError(f"--{name} must be given; received nothing")
        if self.missing not in MISSING:
            raise ValueError(f"--missing must be {' or '.join(MISSING)}; received {self.missing}")
        if self.max_bad_records < 0:
            raise ValueError(
                f"--max_bad_records must be at least 0; received {self.max_bad_records}"
            )
