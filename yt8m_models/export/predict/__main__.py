"""`yt8m predict`: predictions of an exported model for records, without TensorFlow."""

import sys

from yt8m_models.export.predict.config import PredictConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m predict",
    "Predict the classes of videos with an exported model, and write the submission file for "
    "Kaggle. Neither TensorFlow nor Keras is imported.",
    PredictConfig,
    needs_tensorflow=False,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.export.predict.predicting import predict

    config = arguments[PredictConfig]
    summary = predict(config)
    speed = summary.num_videos / summary.seconds
    print(
        f"{summary.num_videos:,} videos predicted with {summary.path} in {summary.seconds:,.1f} s "
        f"({speed:,.0f} videos/s), written to {config.output_file}"
    )
    if summary.problems:
        print(summary.problems, file=sys.stderr)


if __name__ == "__main__":
    PROGRAM.run()
