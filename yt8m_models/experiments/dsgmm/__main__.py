"""`python -m yt8m_models.experiments.dsgmm`: the tables and figures of the DSGMM paper."""

from yt8m_models.config import ModelConfig
from yt8m_models.experiments.dsgmm.config import FrameDataConfig, TablesConfig, TrainingFlags
from yt8m_models.program.command import Arguments, Program, UsageError

PROGRAM = Program(
    "python -m yt8m_models.experiments.dsgmm",
    "Trains and tests every row of the DSGMM paper's tables and figures, over several seeds: "
    "results.csv, results.md, McNemar's tests and plots in --output_dir. The same command goes on "
    "where an interrupted one stopped. Flags of the model hold for every row, unless the row is "
    "about them.",
    TablesConfig,
    TrainingFlags,
    FrameDataConfig,
    ModelConfig,
)


def main(arguments: Arguments) -> None:
    """Runs the experiments; after signal n, ends with status 128 + n."""
    from yt8m_models.experiments.dsgmm.experiment import run_tables
    from yt8m_models.storage import filesystems

    for name in ("model", "pooling"):
        if name in arguments.given:
            raise UsageError(f"--{name} is what the rows differ in; pick rows with --rows")
    signal = run_tables(
        arguments[TablesConfig],
        arguments[TrainingFlags],
        arguments[FrameDataConfig],
        arguments[ModelConfig],
    )
    if signal is not None:
        filesystems.exit_cleanly(128 + signal)


def run() -> None:
    """The console script."""
    PROGRAM.run(main)


if __name__ == "__main__":
    run()
