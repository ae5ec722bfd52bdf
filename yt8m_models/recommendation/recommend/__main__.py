"""`yt8m recommend`: recommends videos to users."""

import sys

from yt8m_models.engines.options import EngineOptions
from yt8m_models.program.command import Arguments, Program
from yt8m_models.recommendation.recommend.config import RecommendConfig

PROGRAM = Program(
    "yt8m recommend",
    "Recommends videos of an index to users by the videos that they watched. What a user watched "
    "is left out. Users without any known video get none, and are named.",
    RecommendConfig,
    EngineOptions,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.recommendation.recommend.recommending import recommend

    with arguments[EngineOptions].session(PROGRAM.name) as spark:
        report = recommend(arguments[RecommendConfig], progress=True, spark=spark)
    print(report.text(), file=sys.stderr)


if __name__ == "__main__":
    PROGRAM.run()
