"""The evaluation program: metrics of a trained model, or of each checkpoint as training goes on."""

from eval.program.config import DataFlags, EvalConfig
from yt8m_models.config import ModelConfig
from yt8m_models.original_flags import OriginalFlags, translate
from yt8m_models.program.command import Arguments, Program
from yt8m_models.program.option import unused_options
from yt8m_models.training.config import TrainConfig

GROUPS = (EvalConfig, DataFlags, ModelConfig, OriginalFlags)
TRAINING_FLAGS = unused_options(
    "Flags of training, which change nothing here.", TrainConfig, *GROUPS
)
PROGRAM = Program(
    "yt8m eval",
    "Evaluate a model in training, or a trained one: loss, Hit@1, PERR, GAP and mAP.",
    *GROUPS,
    TRAINING_FLAGS,
    translate=translate,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from eval.program.evaluation import evaluate_training
    from yt8m_models.prediction.expected import print_unused

    print_unused(arguments, TRAINING_FLAGS)
    flags = {**vars(arguments[DataFlags]), **vars(arguments[ModelConfig])}
    expected = {name: value for name, value in flags.items() if name in arguments.given}
    evaluate_training(arguments[EvalConfig], expected)


if __name__ == "__main__":
    PROGRAM.run()
