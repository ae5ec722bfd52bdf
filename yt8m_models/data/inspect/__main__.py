"""`yt8m inspect PATTERN`: reports what is in record files."""

from dataclasses import dataclass

from yt8m_models.program.command import Arguments, Program
from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class InspectConfig(Options):
    """The files to look at, and the form of the report."""

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


PROGRAM = Program(
    "yt8m inspect",
    "Reports what is in record files: per file the number of records, their level, the features "
    "and their sizes, label statistics and corrupt records; as a table, or as JSON with --json.",
    InspectConfig,
    positional="pattern",
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    import json

    from yt8m_models.data.inspect.file_report import inspect_files
    from yt8m_models.data.inspect.report import as_dict, render

    config = arguments[InspectConfig]
    reports = inspect_files(config.pattern, config.max_records, progress=True)
    print(json.dumps(as_dict(reports), indent=2) if config.json else render(reports))


if __name__ == "__main__":
    PROGRAM.run()
