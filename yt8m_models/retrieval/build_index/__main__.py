"""`python -m yt8m_models.retrieval.build_index`: makes embeddings searchable."""

from yt8m_models.program.command import Arguments, Program
from yt8m_models.retrieval.build_index.config import BuildIndexConfig

PROGRAM = Program(
    "python -m yt8m_models.retrieval.build_index",
    "Builds an index of embeddings for python -m yt8m_models.retrieval.search: exact, quantised to "
    "2, 4 or 8 bits a dimension, or approximate.",
    BuildIndexConfig,
)


def main(arguments: Arguments) -> None:
    """Builds as the command line says."""
    from yt8m_models.retrieval.build_index.building import build_index

    config = arguments[BuildIndexConfig]
    index = build_index(config, progress=True)
    print(
        f"{len(index):,} videos of {index.bytes_per_video:,} bytes in {config.output_dir}, "
        f"of the model {index.model}"
    )


def run() -> None:
    """The console script."""
    PROGRAM.run(main)


if __name__ == "__main__":
    run()
