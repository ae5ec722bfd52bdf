"""Newton's method for the logistic regressions of many users at once."""

from dataclasses import dataclass

import numpy as np

from yt8m_models.recommendation.mixed_effects.user_batches import UserBatch

_MAX_STEPS = 100
_MAX_HALVINGS = 40
_SUFFICIENT = 1e-4
_ROUNDING = 1e-12


@dataclass(frozen=True)
class Derivatives:
    """What users come to together, the fixed effect being given.

    Attributes:
        value: the sum of the users' objectives.
        gradient: of that sum by the fixed effect, `(p,)`.
        curvature: the second derivative of that sum by the fixed effect, `(p, p)`, where the users'
            coefficients follow it so as to stay optimal.
        gradient_norm: the largest norm of a user's gradient over the number of its events.
    """

    value: float
    gradient: np.ndarray
    curvature: np.ndarray
    gradient_norm: float

    @classmethod
    def nothing(cls, size: int) -> "Derivatives":
        """Those of no users, for a fixed effect of so many coefficients."""
        return cls(0.0, np.zeros(size), np.zeros((size, size)), 0.0)

    def __add__(self, other: "Derivatives") -> "Derivatives":
        """Those of other users with these."""
        return Derivatives(
            self.value + other.value,
            self.gradient + other.gradient,
            self.curvature + other.curvature,
            max(self.gradient_norm, other.gradient_norm),
        )


@dataclass(frozen=True)
class UserSolutions(Derivatives):
    """What the users of a batch come to, and how.

    Attributes:
        coefficients: of each user, the intercept first, `(b, p)`.
    """

    coefficients: np.ndarray


def solve_users(
    batch: UserBatch, fixed: np.ndarray, start: np.ndarray, l2: float, tolerance: float
) -> UserSolutions:
    """Minimises each user's objective over its coefficients c, for a given fixed effect f.

        L(c) = Σ_i [log(1 + exp(z_i)) - y_i z_i] + l2/2 |c|²,   z_i = x_i · (f + c)

    Newton steps with the matrix H = Xᵀ W X + l2 I, W = diag(p (1 - p)), halved until they descend.
    A user with fewer events n than coefficients p is solved in the space of its events, by
    Woodbury's identity with B = I + W^½ X Xᵀ W^½ / l2, `(n, n)`:

        H⁻¹ = (I - Xᵀ W^½ B⁻¹ W^½ X / l2) / l2

    The curvature is the Schur complement of the users' coefficients in the joint second derivative,
    A - A H⁻¹ A with A = Xᵀ W X, which is l2 H⁻¹ A, or Xᵀ W^½ B⁻¹ W^½ X.

    Args:
        batch: the events.
        fixed: f, `(p,)`.
        start: coefficients to start from, `(b, p)`.
        l2: weight of the prior, above 0.
        tolerance: a user is solved when the gradient's norm over its events is at most this.

    Raises:
        ValueError: a user's problem does not converge.
    """
    problem = _Problem(batch, fixed, l2)
    counts = batch.is_event.sum(axis=1)
    coefficients = start
    for _ in range(_MAX_STEPS):
        logits = problem.logits(coefficients)
        residuals, weights = problem.residuals(logits)
        gradients = problem.gradients(residuals, coefficients)
        norms = np.linalg.norm(gradients, axis=1) / counts
        unsolved = norms > tolerance
        if not unsolved.any():
            break
        directions = problem.directions(weights, gradients) * unsolved[:, None]
        coefficients = problem.step(coefficients, logits, gradients, directions)
    else:
        worst = int(norms.argmax())
        raise ValueError(
            f"the problem of user {batch.users[worst]} did not converge in {_MAX_STEPS} steps: its "
            f"gradient has the norm {norms[worst]:.3g} an event, above --tolerance={tolerance:g}"
        )
    return UserSolutions(
        float(problem.values(logits, coefficients).sum()),
        np.einsum("bnp,bn->p", batch.designs, residuals, optimize=True),
        problem.curvature(weights),
        float(norms.max()),
        coefficients,
    )


class _Problem:
    """The objective of each user of a batch, and its derivatives."""

    def __init__(self, batch: UserBatch, fixed: np.ndarray, l2: float) -> None:
        self.batch = batch
        self.l2 = l2
        self.designs = batch.designs
        self.fixed_logits = self.designs @ fixed
        num_events, size = self.designs.shape[1:]
        self.in_event_space = num_events < size
        if self.in_event_space:
            self.gram = self.designs @ self.designs.transpose(0, 2, 1)

    def logits(self, coefficients: np.ndarray) -> np.ndarray:
        """`(b, n)`."""
        return self.fixed_logits + self._apply(coefficients)

    def residuals(self, logits: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """p - y and p (1 - p), each `(b, n)`, 0 in padding."""
        probabilities = np.exp(-np.logaddexp(0, -logits))
        weights = probabilities * (1 - probabilities) * self.batch.is_event
        return (probabilities - self.batch.labels) * self.batch.is_event, weights

    def values(self, logits: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """`(b,)`."""
        losses = np.logaddexp(0, logits) - self.batch.labels * logits
        penalty = self.l2 / 2 * np.sum(coefficients**2, axis=1)
        return np.sum(losses * self.batch.is_event, axis=1) + penalty

    def gradients(self, residuals: np.ndarray, coefficients: np.ndarray) -> np.ndarray:
        """`(b, p)`."""
        return self._apply_transposed(residuals) + self.l2 * coefficients

    def directions(self, weights: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        """-H⁻¹ g, `(b, p)`."""
        if not self.in_event_space:
            hessians, _ = self._hessians(weights)
            return -np.linalg.solve(hessians, gradients[..., None])[..., 0]
        roots = np.sqrt(weights)
        inner = np.linalg.solve(self._systems(roots), (roots * self._apply(gradients))[..., None])[
            ..., 0
        ]
        return (self._apply_transposed(roots * inner) / self.l2 - gradients) / self.l2

    def step(
        self,
        coefficients: np.ndarray,
        logits: np.ndarray,
        gradients: np.ndarray,
        directions: np.ndarray,
    ) -> np.ndarray:
        """The coefficients after a step of each user, halved until its objective falls enough."""
        values = self.values(logits, coefficients)
        slopes = np.sum(gradients * directions, axis=1)
        changes = self._apply(directions)
        sizes = np.ones(len(values))
        for _ in range(_MAX_HALVINGS):
            moved = coefficients + sizes[:, None] * directions
            reached = self.values(logits + sizes[:, None] * changes, moved)
            bounds = values + _SUFFICIENT * sizes * slopes + _ROUNDING * (1 + np.abs(values))
            too_far = reached > bounds
            if not too_far.any():
                break
            sizes[too_far] /= 2
        return moved

    def curvature(self, weights: np.ndarray) -> np.ndarray:
        """The sum over users of the Schur complements, `(p, p)`."""
        if not self.in_event_space:
            hessians, moments = self._hessians(weights)
            return self.l2 * np.linalg.solve(hessians, moments).sum(axis=0)
        roots = np.sqrt(weights)
        scaled = roots[..., None] * self.designs
        solved = np.linalg.inv(self._systems(roots)) @ scaled
        size = scaled.shape[-1]
        return scaled.reshape(-1, size).T @ solved.reshape(-1, size)

    def _systems(self, roots: np.ndarray) -> np.ndarray:
        """B, `(b, n, n)`."""
        systems = self.gram * (roots[:, :, None] / self.l2) * roots[:, None, :]
        systems += np.eye(systems.shape[1])
        return systems

    def _hessians(self, weights: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """H and A, `(b, p, p)`."""
        moments = self.designs.transpose(0, 2, 1) @ (weights[..., None] * self.designs)
        return moments + self.l2 * np.eye(moments.shape[1]), moments

    def _apply(self, coefficients: np.ndarray) -> np.ndarray:
        """X c, `(b, n)`."""
        return (self.designs @ coefficients[..., None])[..., 0]

    def _apply_transposed(self, values: np.ndarray) -> np.ndarray:
        """Xᵀ r, `(b, p)`."""
        return (values[:, None, :] @ self.designs)[:, 0]
