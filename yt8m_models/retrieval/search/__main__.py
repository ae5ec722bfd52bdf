"""`yt8m search`: the videos that are most similar to others."""

from yt8m_models.program.command import Arguments, Program
from yt8m_models.retrieval.search.config import SearchConfig

PROGRAM = Program(
    "yt8m search",
    "Writes the videos of an index that are most similar to given videos, best first, with their "
    "cosine similarity.",
    SearchConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.retrieval.search.searching import search

    config = arguments[SearchConfig]
    num_queries = search(config)
    if config.output:
        print(f"the results of {num_queries:,} queries are in {config.output}")
    if config.html:
        print(f"wrote {config.html}")


if __name__ == "__main__":
    PROGRAM.run()
