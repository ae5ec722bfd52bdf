"""The inference program: predicts records with a trained model and writes a submission file."""

import sys

from yt8m_models.config import ModelConfig
from yt8m_models.engines.options import EngineOptions
from yt8m_models.original_flags import OriginalFlags, translate
from yt8m_models.prediction.config import InferenceConfig, ModelSource, RecordFlags
from yt8m_models.program.command import Arguments, Program
from yt8m_models.program.option import unused_options
from yt8m_models.training.config import TrainConfig

GROUPS = (InferenceConfig, ModelSource, EngineOptions, RecordFlags, ModelConfig, OriginalFlags)
TRAINING_FLAGS = unused_options(
    "Flags of training, which change nothing here.", TrainConfig, *GROUPS
)
PROGRAM = Program(
    "yt8m inference",
    "Predict the classes of videos, or of their segments, with a trained model, and write the "
    "submission file for Kaggle.",
    *GROUPS,
    TRAINING_FLAGS,
    translate=translate,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.prediction.expected import print_unused
    from yt8m_models.prediction.inference import infer

    print_unused(arguments, TRAINING_FLAGS)
    config = arguments[InferenceConfig]
    flags = {**vars(arguments[RecordFlags]), **vars(arguments[ModelConfig])}
    expected = {name: value for name, value in flags.items() if name in arguments.given}
    with arguments[EngineOptions].session(PROGRAM.name) as spark:
        summary = infer(arguments[ModelSource], config, expected, spark)
    speed = summary.num_videos / summary.seconds
    print(
        f"{summary.num_videos:,} videos predicted with {summary.checkpoint} in "
        f"{summary.seconds:,.1f} s ({speed:,.0f} videos/s), written to {config.output_file}"
    )
    if summary.problems:
        print(summary.problems, file=sys.stderr)


if __name__ == "__main__":
    PROGRAM.run()
