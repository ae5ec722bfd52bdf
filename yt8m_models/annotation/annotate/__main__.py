"""`python -m yt8m_models.annotation.annotate`: trains and compares annotation models."""

from yt8m_models.annotation.annotate.config import AnnotateConfig, VideoDataConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "python -m yt8m_models.annotation.annotate",
    "Trains the annotation model of CDML, block PCA and a mixture of experts, with each number of "
    "mixtures: Adam, then full-batch RPROP of PCA and experts in turn. With --cdml_dir (or "
    "--compare_without) each is trained with and without the embeddings, as in Table 7 and Figure "
    "6 of the paper. The same command goes on where an interrupted one stopped.",
    AnnotateConfig,
    VideoDataConfig,
)


def main(arguments: Arguments) -> None:
    """Trains as the command line says; after signal n, saves and exits with 128 + n."""
    from yt8m_models.annotation.annotate.annotating import annotate
    from yt8m_models.storage import filesystems

    signal = annotate(arguments[AnnotateConfig], arguments[VideoDataConfig])
    if signal is not None:
        filesystems.exit_cleanly(128 + signal)


def run() -> None:
    """The console script."""
    PROGRAM.run(main)


if __name__ == "__main__":
    run()
