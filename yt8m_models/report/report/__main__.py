"""`yt8m report`: a page of a training, an experiment, an extraction or retrieval."""

from yt8m_models.program.command import Arguments, Program
from yt8m_models.report.report.config import ReportConfig

PROGRAM = Program(
    "yt8m report",
    "Writes a page of what a directory holds, one HTML file that asks for no other: the curves of "
    "a training, its classes, hits and mistakes; the tables of an experiment; the videos of an "
    "extraction; the measures of retrieval.",
    ReportConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.report.report.reporting import write_report

    config = arguments[ReportConfig]
    write_report(config)
    print(f"wrote {config.output}")


if __name__ == "__main__":
    PROGRAM.run()
