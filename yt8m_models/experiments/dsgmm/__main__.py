"""`yt8m dsgmm-tables`: the tables and figures of the DSGMM paper."""

from yt8m_models.config import ModelConfig
from yt8m_models.experiments.dsgmm.config import FrameDataConfig, TablesConfig, TrainingFlags
from yt8m_models.program.command import Arguments, Program, UsageError

PROGRAM = Program(
    "yt8m dsgmm-tables",
    "Trains and tests every row of the DSGMM paper's tables and figures, over several seeds: "
    "results.csv, results.md, McNemar's tests and plots in --output_dir. The same command goes on "
    "where an interrupted one stopped. Flags of the model hold for every row, unless the row is "
    "about them.",
    TablesConfig,
    TrainingFlags,
    FrameDataConfig,
    ModelConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> int | None:
    from yt8m_models.experiments.dsgmm.experiment import run_tables

    for name in ("model", "pooling"):
        if name in arguments.given:
            raise UsageError(f"--{name} is what the rows differ in; pick rows with --rows")
    return run_tables(
        arguments[TablesConfig],
        arguments[TrainingFlags],
        arguments[FrameDataConfig],
        arguments[ModelConfig],
    )


if __name__ == "__main__":
    PROGRAM.run()
