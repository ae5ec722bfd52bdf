"""The rows of the paper's tables. What a row changes is its `content`:

average    the mean of a video's frames
none    no features of videos: GLMix of intercepts
netvlad, dsgmm    embeddings of a network with that pooling
"""

from yt8m_models.experiments.common.rows import Row, Table, selected
from yt8m_models.experiments.watch.config import GLMIX, SIMILARITY, WatchConfig

AVERAGE, NONE = "average", "none"
_NETWORKS = (
    Row("netvlad", "2-layer network + NetVLAD", {"content": "netvlad"}),
    Row("dsgmm", "2-layer network + DSGMM", {"content": "dsgmm"}),
)
_TABLES = {
    SIMILARITY: Table(
        "table6",
        "Similarity to what a user watched",
        (Row(AVERAGE, "Average pooling of frames", {"content": AVERAGE}), *_NETWORKS),
    ),
    GLMIX: Table(
        "table7", "GLMix", (Row(NONE, "No video features", {"content": NONE}), *_NETWORKS)
    ),
}


def tables(config: WatchConfig) -> list[Table]:
    """The tables that were asked for, with the rows that were.

    Raises:
        ValueError: an entry of `config.rows` fits none of them.
    """
    return selected([_TABLES[number] for number in sorted(config.tables)], config.rows)
