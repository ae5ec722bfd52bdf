"""The flags of `yt8m build-index`, without TensorFlow and NumPy."""

import dataclasses
from dataclasses import dataclass

from yt8m_models.program.option import Options, option

_OF_NEW = ("bits", "approximate", "num_lists", "auto", "recall", "seed")


@dataclass(frozen=True)
class BuildIndexConfig(Options):
    """The embeddings, how the index keeps them, and where it goes."""

    embeddings_dir: str = option(
        "",
        "Directory of embeddings, as written by yt8m embed. With --update those to add, if any; "
        "with --compact alone none.",
    )
    output_dir: str = option(
        "",
        "Directory that receives the index; local, without another one. With --update and "
        "--compact that of the index to change.",
        required=True,
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
    seed: int = option(0, "Seed of the samples that values and cells are fitted on.", at_least=0)
    auto: bool = option(
        False,
        "As --approximate, and measure on some of the videos how many cells a query must visit to "
        "find --recall of the ten most similar: the default of yt8m search.",
    )
    recall: float = option(
        0.95, "--auto: the share of the ten most similar videos to find.", above=0, at_most=1
    )
    num_shards: int = option(
        1, "Pieces of the index, which are searched at the same time, a thread each.", at_least=1
    )
    update: bool = option(
        False,
        "Change an index: --remove videos, then add those of --embeddings_dir as one more shard. "
        "Nothing is fitted anew. A video that is there already is replaced.",
    )
    remove: str = option("", "--update: file with the videos to remove, an id a line.")
    compact: bool = option(
        False,
        "Change an index: make --num_shards of its shards, without the removed videos; after "
        "--update where that is set too.",
    )

    @property
    def changes_an_index(self) -> bool:
        """Whether the index is there already."""
        return self.update or self.compact

    @property
    def has_lists(self) -> bool:
        """Whether a new index is to have inverted lists."""
        return self.approximate or self.auto

    def __post_init__(self) -> None:
        super().__post_init__()
        has_embeddings = bool(self.embeddings_dir.strip())
        if self.update and not (has_embeddings or self.remove):
            raise ValueError("--update needs --embeddings_dir, --remove or both; received neither")
        if self.remove and not self.update:
            raise ValueError(f"--remove={self.remove} is for --update, which is not set")
        if not self.changes_an_index and not has_embeddings:
            raise ValueError("--embeddings_dir must be given; received nothing")
        if self.compact and not self.update and has_embeddings:
            raise ValueError(
                f"--compact alone adds no videos; received --embeddings_dir={self.embeddings_dir}"
            )
        if self.num_lists is not None and not self.has_lists:
            raise ValueError(
                f"--num_lists={self.num_lists} is for --approximate and --auto, which are not set"
            )
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value == field.default:
                continue
            if self.changes_an_index and field.name in _OF_NEW:
                raise ValueError(
                    f"--{field.name}={value} is for a new index: one that is changed keeps its own"
                )
            if field.name == "recall" and not self.auto:
                raise ValueError(f"--recall={value} is for --auto, which is not set")
        if self.num_shards > 1 and self.update and not self.compact:
            raise ValueError(
                f"--num_shards={self.num_shards} is for a new index or --compact: "
                "--update adds one shard"
            )
