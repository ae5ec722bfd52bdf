"""What the fixed effect is fitted against: the parts of all users."""

from typing import Protocol

import numpy as np

from yt8m_models.recommendation.mixed_effects.user_newton import Derivatives


class AllUsers(Protocol):
    """The events of all users, whose parts are solved for one fixed effect after another.

    Attributes:
        size: coefficients of a user, `1 + d`.
        num_events: of all users.
        share: the mean of the labels.
    """

    size: int
    num_events: int
    share: float

    def solve(self, fixed: np.ndarray) -> Derivatives:
        """Solves all users, each from where it was left, for a fixed effect `(1 + d,)`.

        Raises:
            ValueError: as of `solve_users`.
        """

    def coefficients(self) -> np.ndarray:
        """What the users' parts have come to, float32 `(users, 1 + d)`, memory-mapped."""
