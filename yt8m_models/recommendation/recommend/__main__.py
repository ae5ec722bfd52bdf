"""`yt8m recommend`: recommends videos to users."""

import sys

from yt8m_models.program.command import Arguments, Program
from yt8m_models.recommendation.recommend.config import RecommendConfig

PROGRAM = Program(
    "yt8m recommend",
    "Recommends videos of an index to users by the videos that they watched. What a user watched "
    "is left out. Users without any known video get none, and are named.",
    RecommendConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.recommendation.recommend.recommending import recommend

    print(recommend(arguments[RecommendConfig], progress=True).text(), file=sys.stderr)


if __name__ == "__main__":
    PROGRAM.run()
