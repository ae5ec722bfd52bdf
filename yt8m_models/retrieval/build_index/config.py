"""The flags of `yt8m build-index`, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class BuildIndexConfig(Options):
    """The embeddings, how the index keeps them, and where it goes."""

    embeddings_dir: str = option(
        "", "Directory of embeddings, as written by yt8m embed.", required=True
    )
    output_dir: str = option(
        "", "Directory that receives the index; local, without another one.", required=True
    )
    bits: int = option(
        32,
        "Bits of a dimension: 2, 4 or 8 with the values of least squared error (Lloyd-Max), or 32 "
        "for exact embeddings.",
        choices=(2, 4, 8, 32),
    )
    approximate: bool = option(
        False,
        "Add inverted lists, so that a query is compared with the videos of the nearest cells "
        "alone. Needs FAISS.",
    )
    num_lists: int | None = option(
        None,
        "--approximate: how many cells; 4 times the root of the number of videos unless given.",
        at_least=1,
    )
    num_shards: int = option(
        1, "Pieces of the index, which are searched at the same time, a thread each.", at_least=1
    )
    seed: int = option(0, "Seed of the samples that values and cells are fitted on.", at_least=0)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.num_lists is not None and not self.approximate:
            raise ValueError(f"--num_lists={self.num_lists} is for --approximate, which is not set")
