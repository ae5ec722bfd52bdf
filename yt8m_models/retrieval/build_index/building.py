"""Building an index of the embeddings of a directory."""

from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.program.progress import Progress
from yt8m_models.retrieval.build_index.config import BuildIndexConfig
from yt8m_models.retrieval.index import Index
from yt8m_models.retrieval.index_dir import INDEX


def build_index(config: BuildIndexConfig, progress: bool = False) -> Index:
    """Builds the index of `config.embeddings_dir` and writes it to `config.output_dir`.

    The directory holds an index when all of it is written.

    Args:
        config: what to build.
        progress: show a progress bar on stderr.

    Raises:
        ValueError: there are no complete embeddings, one is not finite, the directory already holds
            an index, or FAISS is wanted and not installed.
    """
    INDEX.prepare(config.output_dir)
    embeddings = Embeddings.load(config.embeddings_dir)
    total = (2 if config.approximate else 1) * len(embeddings)
    with Progress(total, "videos", "indexing", enabled=progress) as bar:
        return Index.write(
            config.output_dir,
            embeddings,
            bits=None if config.bits == 32 else config.bits,
            approximate=config.approximate,
            num_lists=config.num_lists,
            seed=config.seed,
            on_video=bar.update,
            num_shards=config.num_shards,
        )
