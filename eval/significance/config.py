"""What to compare, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option

MISSING = ("refuse", "wrong", "skip")


@dataclass(frozen=True)
class SignificanceConfig(Options):
    """The two submission files to compare, and the records with the labels.

    Raises:
        ValueError: a value is missing or outside its range; the message names the flag.
    """

    predictions: str = option(
        "", "The two submission files, with a comma between. --predictions= may be left out."
    )
    labels: str = option(
        "",
        "Records with the labels, of any level: file patterns with commas between, or @file with a "
        "path a line.",
    )
    missing: str = option(
        "refuse",
        "Labelled videos that only one file has: refuse them, count them as wrong there, or skip "
        "them.",
        choices=MISSING,
    )
    max_bad_records: int = option(
        0, "Skip up to this many corrupt or malformed records instead of stopping at the first."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("predictions", "labels"):
            if not getattr(self, name).strip():
                raise ValueError(f"--{name} must be given")
        if self.missing not in MISSING:
            raise ValueError(
                f"--missing must be one of {', '.join(MISSING)}; received {self.missing!r}"
            )
        if self.max_bad_records < 0:
            raise ValueError(
                f"--max_bad_records must be at least 0; received {self.max_bad_records}"
            )
