"""`yt8m score FILE.csv … --labels=PATTERN`: metrics of submission files."""

import sys

from yt8m_models.prediction.score.config import ScoreConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m score",
    "Scores submission files against labelled records: Hit@1, PERR, GAP and mAP of videos, MAP@K "
    "of segments (of which only the rated ones count), and the average precision of each class.",
    ScoreConfig,
    positional="submissions",
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.prediction.score.scoring import report, score

    scores, problems = score(arguments[ScoreConfig], progress=True)
    print(report(scores))
    if problems:
        print(problems, file=sys.stderr)


if __name__ == "__main__":
    PROGRAM.run()
