"""`python -m yt8m_models.experiments.cdml`: the retrieval tables of the CDML paper."""

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.experiments.cdml.config import CDMLConfig, EmbeddingTrainingFlags
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "python -m yt8m_models.experiments.cdml",
    "Trains every row of the CDML paper's tables of cold-start retrieval, over several seeds, and "
    "measures NDCG and MAP: results.csv, results.md and plots in --output_dir. The same command "
    "goes on where an interrupted one stopped. Flags of the model and of the training hold for "
    "every row, unless the row is about them.",
    CDMLConfig,
    EmbeddingTrainingFlags,
    EmbeddingConfig,
)


def main(arguments: Arguments) -> None:
    """Runs the experiments; after signal n, ends with status 128 + n."""
    from yt8m_models.experiments.cdml.experiment import run_cdml
    from yt8m_models.storage import filesystems

    signal = run_cdml(
        arguments[CDMLConfig], arguments[EmbeddingTrainingFlags], arguments[EmbeddingConfig]
    )
    if signal is not None:
        filesystems.exit_cleanly(128 + signal)


def run() -> None:
    """The console script."""
    PROGRAM.run(main)


if __name__ == "__main__":
    run()
