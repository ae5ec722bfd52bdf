"""`yt8m significance A.csv B.csv --labels PATTERN`: McNemar's test on Hit@1."""

import sys

from eval.significance.config import SignificanceConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m significance",
    "Compares two submission files by McNemar's test on Hit@1: whether one of two models has the "
    "best class right for more videos than chance explains. Videos without labels are left out.",
    SignificanceConfig,
    positional="predictions",
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from eval.significance.comparison import compare

    comparison = compare(arguments[SignificanceConfig], progress=True)
    print(comparison.report())
    if comparison.problems:
        print(comparison.problems, file=sys.stderr)


if __name__ == "__main__":
    PROGRAM.run()
