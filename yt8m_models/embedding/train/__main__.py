"""`python -m yt8m_models.embedding.train`: trains an embedding on triplets of a co-watch graph."""

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "python -m yt8m_models.embedding.train",
    "Trains an embedding of videos, so that videos watched together are near each other, on "
    "triplets of a co-watch graph; and resumes where an earlier run in the same --train_dir "
    "stopped.",
    EmbeddingTrainConfig,
    EmbeddingConfig,
)


def main(arguments: Arguments) -> None:
    """Trains as the command line says; after signal n, saves and exits with 128 + n."""
    from yt8m_models.embedding.training.trainer import train
    from yt8m_models.storage import filesystems

    result = train(arguments[EmbeddingTrainConfig], arguments[EmbeddingConfig])
    if result["signal"] is not None:
        filesystems.exit_cleanly(128 + result["signal"])


def run() -> None:
    """The console script."""
    PROGRAM.run(main)


if __name__ == "__main__":
    run()
