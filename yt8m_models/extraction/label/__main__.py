"""`yt8m label`: names what is in video files, with a trained model."""

import sys

from yt8m_models.engines.options import EngineOptions
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.extraction.label.config import LabelConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m label",
    "Labels video files with a trained model: extracts their features as those of the training "
    "were, predicts, and prints the best classes of each.",
    LabelConfig,
    ExtractionConfig,
    EngineOptions,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.extraction.label.labelling import label

    with arguments[EngineOptions].session(PROGRAM.name) as spark:
        summary = label(arguments[LabelConfig], arguments[ExtractionConfig], arguments.given, spark)
    if summary.num_failures:
        print(f"{summary.num_failures:,} videos could not be read", file=sys.stderr)


if __name__ == "__main__":
    PROGRAM.run()
