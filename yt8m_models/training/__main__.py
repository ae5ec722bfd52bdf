"""The training program: `yt8m train`, `train.py`."""

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.original_flags import OriginalFlags, translate
from yt8m_models.program.command import Arguments, Program
from yt8m_models.recipes.config import RECIPES, RecipeConfig
from yt8m_models.training.config import TrainConfig

PROGRAM = Program(
    "yt8m train",
    "Trains a model on YouTube-8M records, and resumes where an earlier run in the same "
    "--train_dir stopped.",
    RecipeConfig,
    TrainConfig,
    DataConfig,
    ModelConfig,
    OriginalFlags,
    recipes=RECIPES,
    translate=translate,
)


@PROGRAM.main
def main(arguments: Arguments) -> int | None:
    config = arguments[TrainConfig]
    if config.list_models:
        from yt8m_models.models.listing import list_models

        print(list_models())
        return None

    from yt8m_models.training.trainer import train, use_deterministic_operations

    use_deterministic_operations(config)
    result = train(config, arguments[DataConfig], arguments[ModelConfig])
    signal: int | None = result["signal"]
    return signal


if __name__ == "__main__":
    PROGRAM.run()
