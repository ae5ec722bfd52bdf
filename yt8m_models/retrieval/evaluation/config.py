"""The flags of `yt8m evaluate-retrieval`, without NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option

EXACT = 32
BITS = (EXACT, 8, 4, 2)
DIRECTIONS = ("T2E", "E2T")


@dataclass(frozen=True)
class EvaluateRetrievalConfig(Options):
    """Which embeddings to measure, on which graph, and how."""

    graph_dir: str = option("", "Co-watch graph, as written by yt8m build-graph.", required=True)
    embeddings_dirs: tuple[str, ...] = option(
        (),
        "Embeddings to compare, as written by yt8m embed: "
        "name=directory, with commas between. Only videos that all of them have are looked at.",
        required=True,
    )
    bits: tuple[int, ...] = option(
        BITS,
        "Bits of a dimension: 8, 4 and 2 are quantised as by build_index, 32 are float32.",
        required=True,
        choices=BITS,
        distinct=True,
    )
    directions: tuple[str, ...] = option(
        DIRECTIONS,
        "T2E: training videos are the queries, evaluation videos the candidates; E2T: the reverse.",
        required=True,
        choices=DIRECTIONS,
        distinct=True,
    )
    top_k: int = option(10, "NDCG looks at this many candidates.", at_least=1)
    relevance: str = option(
        "binary",
        "Gain of a co-watched candidate in NDCG: 1 (binary), or the number of users who "
        "co-watched it with the query (graded).",
        choices=("binary", "graded"),
    )
    max_queries: int = option(
        0,
        "Queries to draw of each direction, so that large graphs take less time; 0 takes all.",
        at_least=0,
    )
    seed: int = option(0, "Seed of --max_queries.", at_least=0)
    output_dir: str = option("", "Directory that receives the results.", required=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        pairs = [entry.partition("=") for entry in self.embeddings_dirs]
        if any(not name or not directory for name, _, directory in pairs):
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
