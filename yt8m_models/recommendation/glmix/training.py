"""Fitting GLMix to the events of files."""

from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.graph.watch_log import LABEL
from yt8m_models.recommendation.glmix.config import GLMixConfig
from yt8m_models.recommendation.glmix.fitting import fit
from yt8m_models.recommendation.glmix.glmix import GLMIX, GLMix
from yt8m_models.recommendation.glmix.known_events import read_known_events
from yt8m_models.recommendation.glmix.user_batches import UserBatches


def train(config: GLMixConfig, progress: bool = False) -> tuple[str, str | None]:
    """Fits GLMix to `config.watch_log` and saves it in `config.glmix_dir`.

    Returns:
        What was fitted, and what events were left out or `None`, as sentences.

    Raises:
        ValueError: as of `read_known_events` and `fit`; or the directory already holds a GLMix.
    """
    GLMIX.refuse_existing(config.glmix_dir)
    embeddings = Embeddings.load(config.embeddings_dir)
    events, vectors, left_out = read_known_events(config, embeddings)
    fitted = fit(
        UserBatches(vectors, events.offsets, events.video_rows, events.values[LABEL]),
        config.fixed_l2,
        config.user_l2,
        config.tolerance,
        config.max_rounds,
        progress,
    )
    glmix = GLMix(embeddings.model, fitted.fixed, events.users, fitted.users, events.videos)
    glmix.save(config.glmix_dir)
    text = (
        f"{len(events):,} events of {len(events.users):,} users and {len(events.videos):,} videos, "
        f"{len(fitted.values)} rounds, objective {fitted.values[-1]:.6g}, gradient "
        f"{fitted.gradient_norm:.1e}"
    )
    return text, left_out
