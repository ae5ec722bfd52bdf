"""`yt8m cdml-tables`: the retrieval tables of the CDML paper."""

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.experiments.cdml.config import CDMLConfig
from yt8m_models.experiments.common.embedding_training import EmbeddingTrainingFlags
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m cdml-tables",
    "Trains every row of the CDML paper's tables of cold-start retrieval, over several seeds, and "
    "measures NDCG and MAP: results.csv, results.md and plots in --output_dir. The same command "
    "goes on where an interrupted one stopped. Flags of the model and of the training hold for "
    "every row, unless the row is about them.",
    CDMLConfig,
    EmbeddingTrainingFlags,
    EmbeddingConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> int | None:
    from yt8m_models.experiments.cdml.experiment import run_cdml

    return run_cdml(
        arguments[CDMLConfig], arguments[EmbeddingTrainingFlags], arguments[EmbeddingConfig]
    )


if __name__ == "__main__":
    PROGRAM.run()
