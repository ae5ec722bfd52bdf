"""`python -m yt8m_models.recommendation.recommend`: recommends videos to users."""

import sys

from yt8m_models.program.command import Arguments, Program
from yt8m_models.recommendation.recommend.config import RecommendConfig

PROGRAM = Program(
    "python -m yt8m_models.recommendation.recommend",
    "Recommends videos of an index to users by the videos that they watched. What a user watched "
    "is left out. Users without any known video get none, and are named.",
    RecommendConfig,
)


def main(arguments: Arguments) -> None:
    from yt8m_models.recommendation.recommend.recommending import recommend

    print(recommend(arguments[RecommendConfig], progress=True).text(), file=sys.stderr)


def run() -> None:
    """The console script."""
    PROGRAM.run(main)


if __name__ == "__main__":
    run()
