"""What to inspect, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class InspectConfig(Options):
    """The files to look at, and the form of the report.

    Raises:
        ValueError: no pattern, or a negative number of records.
    """

    pattern: str = option(
        "",
        "Files: patterns with commas between, or @file with a path a line. --pattern= may be left "
        "out.",
        required=True,
    )
    json: bool = option(False, "Write the report as JSON instead of as a table.")
    max_records: int = option(
        0, "Look at the first so many records of each file; 0 for all.", at_least=0
    )
