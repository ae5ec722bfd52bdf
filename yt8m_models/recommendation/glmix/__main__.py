"""`yt8m glmix`: fits, measures and asks GLMix."""

import sys

from yt8m_models.engines.options import EngineOptions
from yt8m_models.program.command import Arguments, Program
from yt8m_models.recommendation.mixed_effects.config import EVALUATE, PREDICT, GLMixConfig

PROGRAM = Program(
    "yt8m glmix",
    "GLMix, a logistic model of which videos a user likes, from the videos' embeddings, with a "
    "part for every user: fits it to events, predicts, and measures AUC, also for cold-start "
    "videos alone.",
    GLMixConfig,
    EngineOptions,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    config, engine = arguments[GLMixConfig], arguments[EngineOptions]
    if config.mode == PREDICT:
        from yt8m_models.recommendation.glmix.prediction import predict

        with engine.session(PROGRAM.name) as spark:
            _print(*predict(config, progress=True, spark=spark))
    elif config.mode == EVALUATE:
        from yt8m_models.recommendation.mixed_effects.evaluation import evaluate

        with engine.session(PROGRAM.name) as spark:
            evaluation = evaluate(config, spark)
        _print(evaluation.text(), evaluation.left_out)
    else:
        from yt8m_models.recommendation.mixed_effects.fitting import train

        with engine.session(PROGRAM.name) as spark:
            _print(*train(config, progress=True, spark=spark))


def _print(text: str, left_out: str | None) -> None:
    print(text)
    if left_out:
        print(left_out, file=sys.stderr)


if __name__ == "__main__":
    PROGRAM.run()
