"""Building an index of the embeddings of a directory, and changing one."""

from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.program.progress import Progress
from yt8m_models.retrieval.build_index.config import BuildIndexConfig
from yt8m_models.retrieval.id_file import read_ids
from yt8m_models.retrieval.index import Index
from yt8m_models.retrieval.index_dir import INDEX
from yt8m_models.retrieval.index_update import compact_index, update_index
from yt8m_models.retrieval.probes import measured_probes

_LARGE = 500_000


def build_index(config: BuildIndexConfig, progress: bool = False) -> Index:
    """Builds the index of `config.embeddings_dir` in `config.output_dir`, or changes the one there.

    The directory holds an index when all of it is written, and one that is changed holds the old
    one until then.

    Args:
        config: what to build.
        progress: show a progress bar on stderr.

    Raises:
        ValueError: there are no complete embeddings, one is not finite, the directory already holds
            an index, or holds none to change, or FAISS is wanted and not installed.
        OSError: the file of `config.remove` cannot be read.
    """
    if not config.changes_an_index:
        return _new(config, progress)
    index = Index.load(config.output_dir)
    if config.update:
        remove = read_ids(config.remove, "--remove") if config.remove else []
        embeddings = Embeddings.load(config.embeddings_dir) if config.embeddings_dir else None
        total = (2 if index.is_approximate else 1) * len(embeddings or ())
        with Progress(total, "videos", "indexing", enabled=progress and total > 0) as bar:
            index = update_index(config.output_dir, embeddings, remove, bar.update)
    return compact_index(config.output_dir, config.num_shards) if config.compact else index


def _new(config: BuildIndexConfig, progress: bool) -> Index:
    INDEX.prepare(config.output_dir)
    embeddings = Embeddings.load(config.embeddings_dir)
    total = (2 if config.has_lists else 1) * len(embeddings)

    def tuned(index: Index) -> Index:
        return measured_probes(index, config.recall, config.seed) if config.auto else index

    with Progress(total, "videos", "indexing", enabled=progress) as bar:
        return Index.write(
            config.output_dir,
            embeddings,
            bits=None if config.bits == 32 else config.bits,
            approximate=config.has_lists,
            num_lists=config.num_lists,
            seed=config.seed,
            on_video=bar.update,
            num_shards=config.num_shards,
            tuned=tuned,
        )


def advice(index: Index) -> str:
    """What would make searches of a large exact index faster; empty where nothing would."""
    if len(index) < _LARGE or index.is_approximate or index.bits is not None:
        return ""
    return (
        f"exact search compares a query with all {len(index):,} videos: --auto visits those of the "
        "nearest cells alone, and --bits=4 takes an eighth of the memory"
    )
