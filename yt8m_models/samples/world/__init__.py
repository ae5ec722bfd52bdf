"""Synthetic users, videos and watch logs from one latent model, to try the embeddings on."""

from typing import TYPE_CHECKING

from yt8m_models.samples.world.config import WorldConfig

if TYPE_CHECKING:
    from yt8m_models.samples.world.writing import WorldSummary

__all__ = ["WorldConfig", "write_world"]


def write_world(config: WorldConfig, progress: bool = False) -> "WorldSummary":
    """Writes the world that `config` describes; see `synthetic.writing.write`."""
    from yt8m_models.samples.world.writing import write

    return write(config, progress)
