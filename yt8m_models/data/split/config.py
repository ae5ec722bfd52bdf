"""What to split, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class SplitConfig(Options):
    """The records to split, and where the two parts go.

    Raises:
        ValueError: a value is missing or outside its range; the message names the flag.
    """

    input_data_pattern: str = option(
        "",
        "Records to split, of any level: file patterns with commas between, or @file with a path a "
        "line.",
    )
    output_dir: str = option(
        "",
        "Directory that receives validation/ and test/, with files named as the input's, and "
        "split.json. A run that was interrupted goes on there.",
    )
    fraction: float = option(
        0.5, "Share of the videos that go to test/; the others go to validation/."
    )
    seed: int = option(0, "Another seed splits the videos otherwise.")
    max_bad_records: int = option(
        0, "Leave out up to this many corrupt records instead of stopping at the first."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("input_data_pattern", "output_dir"):
            if not getattr(self, name).strip():
                raise ValueError(f"--{name} must be given")
        if not 0 < self.fraction < 1:
            raise ValueError(f"--fraction must be between 0 and 1; received {self.fraction}")
        for name in ("seed", "max_bad_records"):
            if getattr(self, name) < 0:
                raise ValueError(f"--{name} must be at least 0; received {getattr(self, name)}")
