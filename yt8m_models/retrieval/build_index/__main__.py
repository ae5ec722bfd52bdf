"""`yt8m build-index`: makes embeddings searchable."""

from yt8m_models.program.command import Arguments, Program
from yt8m_models.retrieval.build_index.config import BuildIndexConfig

PROGRAM = Program(
    "yt8m build-index",
    "Builds an index of embeddings for yt8m search: exact, quantised to 2, 4 or 8 bits a "
    "dimension, or approximate. With --update and --compact it changes one.",
    BuildIndexConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.retrieval.build_index.building import advice, build_index
    from yt8m_models.retrieval.probes import curve_table

    config = arguments[BuildIndexConfig]
    index = build_index(config, progress=True)
    print(
        f"{len(index):,} videos of {index.bytes_per_video:,} bytes in {config.output_dir}, "
        f"of the model {index.model}"
    )
    if config.auto:
        print(f"{index.num_lists:,} lists; searches visit {index.probes:,} of them unless told:")
        print("\n".join(curve_table(index)))
    if text := advice(index):
        print(text)


if __name__ == "__main__":
    PROGRAM.run()
