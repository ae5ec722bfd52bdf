"""The flags of `yt8m evaluate-retrieval`, without NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option

BITS = (32, 8, 4, 2)
DIRECTIONS = ("T2E", "E2T")
RELEVANCES = ("binary", "graded")


@dataclass(frozen=True)
class EvaluateRetrievalConfig(Options):
    """Which embeddings to measure, on which graph, and how.

    Raises:
        ValueError: a value is missing or outside its range; the message names the flag.
    """

    graph_dir: str = option("", "Co-watch graph, as written by yt8m build-graph.")
    embeddings_dirs: tuple[str, ...] = option(
        (),
        "Embeddings to compare, as written by yt8m embed: "
        "name=directory, with commas between. Only videos that all of them have are looked at.",
    )
    bits: tuple[int, ...] = option(
        BITS, "Bits of a dimension: 8, 4 and 2 are quantised as by build_index, 32 are float32."
    )
    directions: tuple[str, ...] = option(
        DIRECTIONS,
        "T2E: training videos are the queries, evaluation videos the candidates; E2T: the reverse.",
    )
    top_k: int = option(10, "NDCG looks at this many candidates.")
    relevance: str = option(
        "binary",
        "Gain of a co-watched candidate in NDCG: 1 (binary), or the number of users who "
        "co-watched it with the query (graded).",
        choices=RELEVANCES,
    )
    max_queries: int = option(
        0, "Queries to draw of each direction, so that large graphs take less time; 0 takes all."
    )
    seed: int = option(0, "Seed of --max_queries.")
    output_dir: str = option("", "Directory that receives the results.")

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("graph_dir", "output_dir"):
            if not getattr(self, name).strip():
                raise ValueError(f"--{name} must name a directory; received nothing")
        for name, known in (("bits", BITS), ("directions", DIRECTIONS)):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values) or not set(values) <= set(known):
                raise ValueError(
                    f"--{name} must be different ones of {', '.join(map(str, known))}; "
                    f"received {','.join(map(str, values)) or 'none'}"
                )
        if self.relevance not in RELEVANCES:
            raise ValueError(
                f"--relevance must be {' or '.join(RELEVANCES)}; received {self.relevance!r}"
            )
        for name, least in (("top_k", 1), ("max_queries", 0), ("seed", 0)):
            if getattr(self, name) < least:
                raise ValueError(
                    f"--{name} must be at least {least}; received {getattr(self, name)}"
                )
        pairs = [entry.partition("=") for entry in self.embeddings_dirs]
        if not pairs or any(not name or not directory for name, _, directory in pairs):
            raise ValueError(
                "--embeddings_dirs must be name=directory, with commas between; received "
                f"{','.join(self.embeddings_dirs) or 'nothing'}"
            )
        if len(self.directories) < len(pairs):
            raise ValueError(
                "--embeddings_dirs must have different names; received "
                f"{', '.join(name for name, _, _ in pairs)}"
            )

    @property
    def directories(self) -> dict[str, str]:
        """The directory of each name."""
        pairs = (entry.partition("=") for entry in self.embeddings_dirs)
        return {name: directory for name, _, directory in pairs}
