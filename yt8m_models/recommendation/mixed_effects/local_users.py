"""All users' parts, solved in this process."""

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from yt8m_models.program.progress import Progress
from yt8m_models.recommendation.mixed_effects.all_users import AllUsers
from yt8m_models.recommendation.mixed_effects.user_batches import UserBatches
from yt8m_models.recommendation.mixed_effects.user_newton import (
    Derivatives,
    UserSolutions,
    solve_users,
)
from yt8m_models.storage.spilled_array import SpilledArray

_BLOCK_USERS = 1 << 12


class LocalUsers(AllUsers):
    """Users whose batches are solved by a thread each.

    Their parts are memory-mapped, so that memory is that of some batches.

    Args:
        batches: the events of all users.
        l2: weight of the prior on a user's part, above 0.
        tolerance: as of `solve_users`.
        bar: shows how many users are solved.
    """

    def __init__(self, batches: UserBatches, l2: float, tolerance: float, bar: Progress) -> None:
        self.size = batches.size
        self.num_events = len(batches.labels)
        self.share = float(np.mean(batches.labels)) if self.num_events else 0.0
        self._batches = batches
        self._l2 = l2
        self._tolerance = tolerance
        self._bar = bar
        parts, num_users = SpilledArray(np.float64, self.size), len(batches.offsets) - 1
        for start in range(0, num_users, _BLOCK_USERS):
            parts.append(np.zeros((min(_BLOCK_USERS, num_users - start), self.size)))
        self._parts = parts.mapped()

    def solve(self, fixed: np.ndarray) -> Derivatives:
        total = Derivatives.nothing(self.size)

        def solve_batch(number: int) -> tuple[np.ndarray, UserSolutions]:
            batch = self._batches[number]
            start = self._parts[batch.users]
            return batch.users, solve_users(batch, fixed, start, self._l2, self._tolerance)

        with ThreadPoolExecutor(os.cpu_count()) as executor:
            for users, solved in executor.map(solve_batch, range(len(self._batches))):
                self._parts[users] = solved.coefficients
                total += solved
                self._bar.update(len(users))
        return total

    def coefficients(self) -> np.ndarray:
        found = SpilledArray(np.float32, self.size)
        for start in range(0, len(self._parts), _BLOCK_USERS):
            found.append(self._parts[start : start + _BLOCK_USERS])
        return found.mapped()
