"""Fitting GLMix to the events of files."""

from dataclasses import dataclass

from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.program.progress import Progress
from yt8m_models.recommendation.glmix.config import GLMixConfig
from yt8m_models.recommendation.glmix.fitting import fit
from yt8m_models.recommendation.glmix.glmix import GLMIX, GLMix
from yt8m_models.recommendation.glmix.known_events import read_known_events
from yt8m_models.recommendation.glmix.user_batches import UserBatches


@dataclass(frozen=True)
class Training:
    """What was fitted.

    Attributes:
        glmix: the model.
        num_events: that it was fitted to.
        values: the objective after each round.
        gradient_norm: as of `Fit`.
        left_out: events that were left out, as a sentence; `None` where none were.
    """

    glmix: GLMix
    num_events: int
    values: tuple[float, ...]
    gradient_norm: float
    left_out: str | None

    def text(self) -> str:
        return (
            f"{self.num_events:,} events of {len(self.glmix.users):,} users and "
            f"{len(self.glmix.trained_videos):,} videos, {len(self.values)} rounds, objective "
            f"{self.values[-1]:.6g}, gradient {self.gradient_norm:.1e}"
        )


def train(config: GLMixConfig, progress: bool = False) -> Training:
    """Fits GLMix to `config.watch_log` and saves it in `config.glmix_dir`.

    Args:
        config: what to fit.
        progress: show a progress bar on stderr.

    Raises:
        ValueError: as of `read_known_events` and `fit`; or the directory already holds a GLMix.
    """
    GLMIX.refuse_existing(config.glmix_dir)
    embeddings = Embeddings.load(config.embeddings_dir)
    events = read_known_events(config, embeddings)
    batches = UserBatches(events.vectors, events.offsets, events.video_rows, events.labels)
    with Progress(unit="users", description="fitting", enabled=progress) as bar:
        fitted = fit(
            batches,
            config.fixed_l2,
            config.user_l2,
            config.tolerance,
            config.max_rounds,
            on_batch=bar.update,
            on_round=lambda value, norm: bar.update(0, objective=value, gradient=norm),
        )
    glmix = GLMix(embeddings.model, fitted.fixed, events.users, fitted.users, events.videos)
    glmix.save(config.glmix_dir)
    return Training(glmix, len(events.labels), fitted.values, fitted.gradient_norm, events.left_out)
