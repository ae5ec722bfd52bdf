"""`yt8m demo`: a page on which a trained model labels video files."""

from yt8m_models.demo.config import DemoConfig
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m demo",
    "Serves a page for this machine alone: drop a clip on it, and see what a trained model says of "
    "it, of each five seconds of it and, with an index, which videos are most similar. The page "
    "asks nothing of other machines. Ctrl-C ends it.",
    DemoConfig,
    ExtractionConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.demo.serving import serve

    serve(arguments[DemoConfig], arguments[ExtractionConfig], arguments.given)


if __name__ == "__main__":
    PROGRAM.run()
