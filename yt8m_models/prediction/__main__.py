"""The inference program: predicts records with a trained model and writes a submission file."""

import sys

from yt8m_models.prediction.config import InferenceConfig, ModelSource
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m inference",
    "Predict the classes of videos, or of their segments, with a trained model, and write the "
    "submission file for Kaggle.",
    InferenceConfig,
    ModelSource,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.prediction.inference import infer

    config = arguments[InferenceConfig]
    summary = infer(arguments[ModelSource], config)
    speed = summary.num_videos / summary.seconds
    print(
        f"{summary.num_videos:,} videos predicted with {summary.checkpoint} in "
        f"{summary.seconds:,.1f} s ({speed:,.0f} videos/s), written to {config.output_file}"
    )
    if summary.problems:
        print(summary.problems, file=sys.stderr)


if __name__ == "__main__":
    PROGRAM.run()
