"""`yt8m sweep`: runs a program with many settings, and finds the best of them."""

from yt8m_models.program.command import Arguments, Program
from yt8m_models.recipes.sweep.config import SWEEP_RECIPES, SweepRecipeConfig
from yt8m_models.sweep.config import SweepConfig

PROGRAM = Program(
    "yt8m sweep",
    "Runs another program again and again with other values of some flags, and finds the values "
    "with the best result, such as yt8m sweep --space='margin=0.1,0.3; "
    "base_learning_rate=log(1e-4,0.1)' --objective=ndcg --output_dir=sweep -- train-embedding "
    "--graph_dir=graph --features_dir=features. The same command goes on where an interrupted one "
    "stopped.",
    SweepRecipeConfig,
    SweepConfig,
    positional="command",
    recipes=SWEEP_RECIPES,
    needs_tensorflow=False,
)


@PROGRAM.main
def main(arguments: Arguments) -> int | None:
    from yt8m_models.sweep.sweeping import sweep

    return sweep(arguments[SweepConfig])


if __name__ == "__main__":
    PROGRAM.run()
