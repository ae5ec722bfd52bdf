"""`yt8m annotate`: trains and compares annotation models."""

from yt8m_models.annotation.annotate.config import AnnotateConfig, VideoDataConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m annotate",
    "Trains the annotation model of CDML, block PCA and a mixture of experts, with each number of "
    "mixtures: Adam, then full-batch RPROP of PCA and experts in turn. With --cdml_dir (or "
    "--compare_without) each is trained with and without the embeddings, as in Table 6 and Figure "
    "6 of the paper, and with --genome_dir as in Table 7. The same command goes on where an "
    "interrupted one stopped.",
    AnnotateConfig,
    VideoDataConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> int | None:
    from yt8m_models.annotation.annotate.annotating import annotate

    return annotate(arguments[AnnotateConfig], arguments[VideoDataConfig])


if __name__ == "__main__":
    PROGRAM.run()
