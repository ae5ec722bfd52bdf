"""`yt8m inspect PATTERN`: reports what is in record files."""

from yt8m_models.data.inspect.config import InspectConfig
from yt8m_models.program.command import Arguments, Program

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

    from yt8m_models.data.inspect.inspector import inspect_files
    from yt8m_models.data.inspect.report import as_dict
    from yt8m_models.data.inspect.table import render

    config = arguments[InspectConfig]
    reports = inspect_files(config.pattern, config.max_records, progress=True)
    print(json.dumps(as_dict(reports), indent=2) if config.json else render(reports))


if __name__ == "__main__":
    PROGRAM.run()
