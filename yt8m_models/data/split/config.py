"""What to split, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class SplitConfig(Options):
    """The records to split, and where the two parts go."""

    input_data_pattern: str = option(
        "",
        "Records to split, of any level: file patterns with commas between, or @file with a path a "
        "line.",
        required=True,
    )
    output_dir: str = option(
        "",
        "Directory that receives validation/ and test/, with files named as the input's, and "
        "split.json. A run that was interrupted goes on there.",
        required=True,
    )
    fraction: float = option(
        0.5,
        "Share of the videos that go to test/; the others go to validation/. The DSGMM paper has "
        "113,331 of 218,478 for tests: 0.5187.",
        above=0,
        below=1,
    )
    seed: int = option(0, "Another seed splits the videos otherwise.", at_least=0)
    max_bad_records: int = option(
        0, "Leave out up to this many corrupt records instead of stopping at the first.", at_least=0
    )
