"""Fitting GLMix: the fixed effect and all users' parts in turn."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.graph.watch_log import LABEL
from yt8m_models.program.extras import require
from yt8m_models.program.progress import Progress
from yt8m_models.recommendation.mixed_effects.all_users import AllUsers
from yt8m_models.recommendation.mixed_effects.config import GLMixConfig
from yt8m_models.recommendation.mixed_effects.glmix import GLMIX, GLMix
from yt8m_models.recommendation.mixed_effects.known_events import read_known_events
from yt8m_models.recommendation.mixed_effects.local_users import LocalUsers
from yt8m_models.recommendation.mixed_effects.spread_users import SpreadUsers
from yt8m_models.recommendation.mixed_effects.user_batches import UserBatches
from yt8m_models.recommendation.mixed_effects.user_newton import Derivatives
from yt8m_models.recommendation.user_events import UserEvents

_SUFFICIENT = 1e-4
_ROUNDING = 1e-12
_MAX_HALVINGS = 30


@dataclass(frozen=True)
class Fit:
    """The minimum that was found.

    Attributes:
        fixed: the fixed effect, its intercept first, `(1 + d,)`.
        users: the part of each user, likewise, float32 `(users, 1 + d)`.
        values: the objective after each round.
        gradient_norm: the largest of the norms, over the number of events, of the gradient by the
            fixed effect and by each user's part.
    """

    fixed: np.ndarray
    users: np.ndarray
    values: tuple[float, ...]
    gradient_norm: float


def train(config: GLMixConfig, progress: bool = False, spark: Any = None) -> tuple[str, str | None]:
    """Fits GLMix to `config.watch_log` and saves it in `config.glmix_dir`.

    Args:
        config: the log, the embeddings and the priors.
        progress: show a progress bar on stderr.
        spark: a `SparkSession` whose workers each solve ranges of users, as of
            `EngineOptions.session`; `None` for this process.

    Returns:
        What was fitted, and what events were left out or `None`, as sentences.

    Raises:
        ValueError: as of `read_known_events` and `fit`; or the directory already holds a GLMix.
        OSError: Spark cannot finish its work.
    """
    GLMIX.refuse_existing(config.glmix_dir)
    embeddings = Embeddings.load(config.embeddings_dir) if config.embeddings_dir else None
    size = embeddings.size if embeddings is not None and config.video_features else 0
    events, vectors, left_out = read_known_events(config, embeddings, size)
    if spark is None:
        fitted = fit(
            UserBatches(vectors, events.offsets, events.video_rows, events.values[LABEL]),
            config.fixed_l2,
            config.user_l2,
            config.tolerance,
            config.max_rounds,
            progress,
            config.global_coefficients,
        )
    else:
        fitted = _fit_spread(spark, events, vectors, config, progress)
    model = embeddings.model if embeddings is not None and size else ""
    glmix = GLMix(model, fitted.fixed, events.users, fitted.users, events.videos)
    glmix.save(config.glmix_dir)
    text = (
        f"{len(events):,} events of {len(events.users):,} users and {len(events.videos):,} videos, "
        f"{len(fitted.values)} rounds, objective {fitted.values[-1]:.6g}, gradient "
        f"{fitted.gradient_norm:.1e}"
    )
    return text, left_out


def fit(
    batches: UserBatches,
    fixed_l2: float,
    user_l2: float,
    tolerance: float = 1e-6,
    max_rounds: int = 50,
    progress: bool = False,
    global_coefficients: bool = True,
) -> Fit:
    """Minimises the negative log-posterior of GLMix, a convex function.

        Σ_events [log(1 + exp(z)) - y z] + fixed_l2/2 |w|² + user_l2/2 Σ_u (a_u² + |c_u|²)
        z = b + w·e_v + a_u + c_u·e_v

    Block coordinate descent: the users' parts are solved exactly for the fixed effect (b, w) as it
    is (`solve_users`); then the fixed effect takes a Newton step for the users' parts as they are,
    and so on. Its Newton matrix counts in how the users' parts will follow. With one that holds
    them still, each step only goes the share of the way that the users have not gone already: for
    2,000 users with 20 events, 29 rounds instead of 5 where user_l2 is 1, 110 where it is 0.1. The
    intercept b has no prior.

    Args:
        batches: the events of all users.
        fixed_l2: weight of the prior on w, above 0.
        user_l2: weight of the prior on a_u and c_u, above 0.
        tolerance: bound of `Fit.gradient_norm`.
        max_rounds: most Newton steps of the fixed effect.
        progress: show a progress bar on stderr.
        global_coefficients: whether w is fitted; otherwise it is 0.

    Raises:
        ValueError: all labels are the same, not converged after `max_rounds`, or threadpoolctl is
            not installed.
    """
    with (
        # Threads take a batch each: BLAS's own ones mostly wait on matrices as small as these.
        require("threadpoolctl").threadpool_limits(1, user_api="blas"),
        _progress(progress) as bar,
    ):
        users = LocalUsers(batches, user_l2, tolerance, bar)
        descent = _Descent(users, fixed_l2, tolerance, bar, global_coefficients)
        return descent.minimum(max_rounds)


def _fit_spread(
    spark: Any, events: UserEvents, vectors: np.ndarray, config: GLMixConfig, progress: bool
) -> Fit:
    """As of `fit`, by the workers of a cluster."""
    l2, tolerance = config.user_l2, config.tolerance
    with (
        _progress(progress) as bar,
        SpreadUsers.opened(spark, events, vectors, config.glmix_dir, l2, tolerance, bar) as users,
    ):
        descent = _Descent(users, config.fixed_l2, tolerance, bar, config.global_coefficients)
        return descent.minimum(config.max_rounds)


def _progress(enabled: bool) -> Progress:
    return Progress(unit="users", description="fitting", enabled=enabled)


class _Descent:
    """Solves all users for a fixed effect, and moves the fixed effect downhill.

    Raises:
        ValueError: all labels are the same.
    """

    def __init__(
        self,
        users: AllUsers,
        fixed_l2: float,
        tolerance: float,
        bar: Progress,
        global_coefficients: bool,
    ) -> None:
        if not 0 < users.share < 1:
            raise ValueError(
                f"there must be labels of 0 and of 1; the mean of all is {users.share:g}"
            )
        self._users = users
        self._prior = np.full(users.size, fixed_l2, np.float64)  # by coefficient
        self._prior[0] = 0
        self._is_fitted = np.full(users.size, global_coefficients)  # the others stay 0
        self._is_fitted[0] = True
        self._tolerance = tolerance
        self._bar = bar

    def minimum(self, max_rounds: int) -> Fit:
        """What all come to.

        Raises:
            ValueError: not converged after so many rounds.
        """
        share, num_events = self._users.share, self._users.num_events
        fixed = np.zeros(self._users.size)
        fixed[0] = np.log(share / (1 - share))
        values: list[float] = []
        solved = self._solve(fixed)
        for _ in range(max_rounds):
            values.append(solved.value)
            norm = float(np.linalg.norm(solved.gradient[self._is_fitted])) / num_events
            self._bar.update(0, objective=solved.value, gradient=norm)
            if norm <= self._tolerance:
                norm = max(norm, solved.gradient_norm)
                return Fit(fixed, self._users.coefficients(), tuple(values), norm)
            fixed, solved = self._step(fixed, solved)
        raise ValueError(
            f"not converged after --max_rounds={max_rounds}: the fixed effect's gradient has the "
            f"norm {norm:.3g} an event, above --tolerance={self._tolerance:g}"
        )

    def _solve(self, fixed: np.ndarray) -> Derivatives:
        """What all users come to; with the prior of the fixed effect in the sums."""
        value = float(np.sum(self._prior * fixed**2)) / 2
        prior = Derivatives(value, self._prior * fixed, np.diag(self._prior), 0.0)
        solved = prior + self._users.solve(fixed)
        return replace(solved, curvature=(solved.curvature + solved.curvature.T) / 2)

    def _step(self, fixed: np.ndarray, solved: Derivatives) -> tuple[np.ndarray, Derivatives]:
        """A Newton step of the fixed effect, halved until the objective falls enough."""
        own = self._is_fitted
        direction = np.zeros_like(fixed)
        direction[own] = -np.linalg.solve(solved.curvature[np.ix_(own, own)], solved.gradient[own])
        slope = float(solved.gradient @ direction)
        size = 1.0
        for _ in range(_MAX_HALVINGS):
            moved = fixed + size * direction
            reached = self._solve(moved)
            bound = solved.value + _SUFFICIENT * size * slope + _ROUNDING * abs(solved.value)
            if reached.value <= bound:
                break
            size /= 2
        return moved, reached
