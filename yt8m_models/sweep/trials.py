"""The trials of a sweep, in a study of Optuna."""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from yt8m_models.program.extras import require
from yt8m_models.sweep.config import GRID, TPE, SweepConfig
from yt8m_models.sweep.dimension import Dimension
from yt8m_models.sweep.trial import COMPLETE, FAILED, RUNNING, Trial

if TYPE_CHECKING:
    import optuna

_NAME = "sweep"  # of the study
_ERROR = "error"


class Trials:
    """Chooses the settings of trials, and keeps what they found in a journal.

    A trial's settings depend on the seed, on its number and on the values of those before it alone,
    so that an interruption changes none.

    Args:
        config: the sampler, the seed and the direction.
        dimensions: of the search space; without ranges for a grid.
        journal: Optuna's journal file, which nobody else writes to; with `None` nothing is kept.

    Raises:
        ValueError: Optuna is not installed.
    """

    def __init__(
        self, config: SweepConfig, dimensions: Sequence[Dimension], journal: str | None
    ) -> None:
        self.config = config
        self.dimensions = dimensions
        self._optuna = require("optuna", extra="sweep")
        self._optuna.logging.set_verbosity(self._optuna.logging.WARNING)
        self._study: optuna.Study = self._optuna.create_study(
            study_name=_NAME,
            storage=None if journal is None else _storage(journal),
            direction=config.direction,
            load_if_exists=True,
        )

    def all(self) -> list[Trial]:
        """The trials that were begun, by number."""
        states = self._optuna.trial.TrialState
        names = {states.COMPLETE: COMPLETE, states.FAIL: FAILED}
        return [
            Trial(
                found.number,
                {name: str(value) for name, value in found.params.items()},
                names.get(found.state, RUNNING),
                math.nan if found.value is None else found.value,
                found.user_attrs.get(_ERROR, ""),
            )
            for found in self._begun()
        ]

    def next(self) -> Trial:
        """The trial to do: one that was interrupted, or else a new one."""
        begun = self._begun()
        is_running = self._optuna.trial.TrialState.RUNNING
        running = [trial for trial in begun if trial.state == is_running]
        number = running[0].number if running else len(begun)
        self._study.sampler = self._sampler(number)
        if running:
            trial = self._optuna.trial.Trial(self._study, running[0]._trial_id)
        else:
            if self.config.sampler == GRID and len(self._study.trials) == number:
                self._study.enqueue_trial(self._point(number))
            trial = self._study.ask()
        settings = {each.name: each.suggest(trial) for each in self.dimensions}
        return Trial(trial.number, settings)

    def complete(self, trial: Trial, value: float) -> None:
        """Notes what a trial found."""
        self._study.tell(trial.number, value)

    def fail(self, trial: Trial, error: str) -> None:
        """Notes why a trial failed; it is not done again."""
        (found,) = (each for each in self._begun() if each.number == trial.number)
        self._optuna.trial.Trial(self._study, found._trial_id).set_user_attr(_ERROR, error)
        self._study.tell(trial.number, state=self._optuna.trial.TrialState.FAIL)

    def _begun(self) -> list[optuna.trial.FrozenTrial]:
        """The trials without a point of the grid that waits to be begun."""
        waiting = self._optuna.trial.TrialState.WAITING
        return [trial for trial in self._study.trials if trial.state != waiting]

    def _sampler(self, number: int) -> optuna.samplers.BaseSampler:
        """A sampler of its own for each trial: one seed for all would repeat draws after a stop."""
        seed = int(np.random.SeedSequence([self.config.seed, number]).generate_state(1)[0])
        from optuna import samplers

        if self.config.sampler == TPE:
            return samplers.TPESampler(seed=seed)
        return samplers.RandomSampler(seed=seed)

    def _point(self, number: int) -> dict[str, str]:
        """A point of the grid, by its place in an order that the seed decides."""
        sizes = [len(each.choices) for each in self.dimensions]
        order = np.random.default_rng(self.config.seed).permutation(int(np.prod(sizes)))
        places = np.unravel_index(order[number], sizes)
        return {
            each.name: each.choices[int(place)]
            for each, place in zip(self.dimensions, places, strict=True)
        }


def _storage(path: str) -> optuna.storages.JournalStorage:
    """A journal without what a kill or a full disk left of a line, to which more would be added."""
    from optuna.storages.journal import JournalFileBackend, JournalFileOpenLock, JournalStorage

    class Ours(JournalFileOpenLock):
        """The directory is locked: a lock of Optuna's that a kill left would be waited for."""

        def acquire(self) -> bool:
            return True

        def release(self) -> None:
            pass

    if os.path.exists(path):
        with open(path, "rb+") as file:
            file.truncate(file.read().rfind(b"\n") + 1)
    return JournalStorage(JournalFileBackend(path, Ours(path)))
