"""GLMix: a logistic model with a part for every user."""

import os
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from yt8m_models import __version__
from yt8m_models.data.video_ids import UNKNOWN, VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.recommendation.mixed_effects.config import GLMixConfig
from yt8m_models.storage.artifact_dir import ArtifactDir, read_array

GLMIX = ArtifactDir(
    "glmix.json",
    ("glmix",),
    "a GLMix",
    "yt8m glmix",
    __version__,
    {"model": str, "embedding_size": int, "num_users": int, "num_trained_videos": int},
)
_BLOCK_ELEMENTS = 1 << 22


@dataclass(frozen=True)
class GLMix:
    """Probability that a user likes a video, from the video's embedding (DSGMM equation 18).

        logit P(y = 1 | user u, video v) = b + w·e_v + a_u + c_u·e_v

    The fixed effect (b, w) is the same for all users; a user without a part of its own, who had no
    events in training, has the fixed effect alone. Equation 18 has no w, which is 0 then; without
    features of videos d is 0.

    Args:
        model: whose embeddings these coefficients are for; empty where d is 0.
        fixed: b and w, float64 `(1 + d,)`.
        users: ids of the users that have a part.
        coefficients: a_u and c_u, float32 `(users, 1 + d)`.
        trained_videos: ids of the videos that had events in training; all others are cold.

    Raises:
        ValueError: the shapes do not fit, or a coefficient is not finite.

    Example:
        >>> glmix = GLMix.load(directory)
        >>> glmix.predict(glmix.users.rows(["ann"]), embeddings.take(rows))  # (1,)
    """

    model: str
    fixed: np.ndarray
    users: VideoIds
    coefficients: np.ndarray
    trained_videos: VideoIds

    def __post_init__(self) -> None:
        shape, count = self.coefficients.shape, len(self.users)
        if self.fixed.ndim != 1 or shape != (count, len(self.fixed)):
            raise ValueError(
                f"fixed and coefficients must have the shapes (1 + d,) and ({count}, 1 + d), of "
                f"{count} users; received {self.fixed.shape} and {shape}"
            )
        of_blocks = (np.isfinite(self.coefficients[block]).all() for block in self.blocks(count))
        if not (np.isfinite(self.fixed).all() and all(of_blocks)):
            raise ValueError("fixed and coefficients must be finite")

    @property
    def size(self) -> int:
        """Width d of the embeddings."""
        return len(self.fixed) - 1

    def blocks(self, num_pairs: int) -> Iterator[slice]:
        """Cuts pairs of a user and a video into blocks whose embeddings take little memory."""
        step = max(1, _BLOCK_ELEMENTS // max(1, self.size))
        return (slice(start, start + step) for start in range(0, num_pairs, step))

    def logits(self, user_rows: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """The logit of each pair of a user and a video.

        Args:
            user_rows: rows of `users`, `(n,)`; `UNKNOWN` for new users.
            vectors: embeddings of the videos `(n, d)`.

        Returns:
            float64 `(n,)`.

        Raises:
            ValueError: the shapes do not fit, or a row is not one of `users`.
        """
        user_rows = np.asarray(user_rows)
        if user_rows.ndim != 1 or vectors.shape != (len(user_rows), self.size):
            raise ValueError(
                f"user_rows and vectors must have the shapes (n,) and (n, {self.size}); received "
                f"{user_rows.shape} and {vectors.shape}"
            )
        if user_rows.size and not (
            user_rows.min() >= UNKNOWN and user_rows.max() < len(self.users)
        ):
            raise ValueError(
                f"user_rows must be {UNKNOWN} to {len(self.users) - 1}; received "
                f"{user_rows.min()} to {user_rows.max()}"
            )
        logits = self.fixed[0] + vectors @ self.fixed[1:]
        known = np.flatnonzero(user_rows != UNKNOWN)
        parts = self.coefficients[user_rows[known]]
        logits[known] += parts[:, 0] + np.einsum("nd,nd->n", parts[:, 1:], vectors[known])
        return logits

    def predict(self, user_rows: np.ndarray, vectors: np.ndarray) -> np.ndarray:
        """P(y = 1) of each pair, float64 `(n,)`; arguments and errors as of `logits`."""
        return np.exp(-np.logaddexp(0, -self.logits(user_rows, vectors)))

    def save(self, directory: str | os.PathLike) -> None:
        """Writes the model; `glmix.json` comes last, so that an unfinished one is none.

            glmix.json          kind, embedding model and size, numbers of users and videos
            fixed.npy           float64 (1 + d,)
            users*.npy          see `VideoIds.arrays`
            coefficients.npy    float32 (users, 1 + d)
            trained_videos*.npy see `VideoIds.arrays`

        Raises:
            ValueError: the directory is not local, or already holds a GLMix.
        """
        arrays = {
            "fixed": self.fixed,
            **self.users.arrays("users"),
            "coefficients": self.coefficients,
            **self.trained_videos.arrays("trained_videos"),
        }
        record = {
            "model": self.model,
            "embedding_size": self.size,
            "num_users": len(self.users),
            "num_trained_videos": len(self.trained_videos),
        }
        GLMIX.write(GLMIX.prepare(directory), record, arrays)

    @classmethod
    def load(cls, directory: str | os.PathLike) -> "GLMix":
        """Reads a model that `save` wrote; its arrays are memory-mapped.

        Raises:
            ValueError: there is none, or it is damaged.
        """
        record = GLMIX.read(directory)
        num_users, width = record["num_users"], 1 + record["embedding_size"]
        fixed = read_array(directory, "fixed", np.floating, (width,))
        users = VideoIds.load(directory, num_users, "users")
        coefficients = read_array(directory, "coefficients", np.floating, (num_users, width))
        videos = VideoIds.load(directory, record["num_trained_videos"], "trained_videos")
        with GLMIX.opening(directory):
            return cls(record["model"], fixed, users, coefficients, videos)


def load_with_embeddings(config: GLMixConfig) -> tuple[GLMix, Embeddings | None]:
    """The model in `config.glmix_dir` and the embeddings in `config.embeddings_dir`.

    A model without features takes any embeddings, or none.

    Raises:
        ValueError: one of them cannot be read, or the model was fitted to others.
    """
    glmix = GLMix.load(config.glmix_dir)
    if not config.embeddings_dir:
        if glmix.size:
            raise ValueError(
                f"--embeddings_dir must be given: the GLMix in {config.glmix_dir} is for the "
                f"{glmix.size} dimensions of the embedding model {glmix.model!r}"
            )
        return glmix, None
    embeddings = Embeddings.load(config.embeddings_dir)
    if glmix.size and (embeddings.model, embeddings.size) != (glmix.model, glmix.size):
        raise ValueError(
            f"this GLMix is for the {glmix.size} dimensions of the embedding model "
            f"{glmix.model!r}; received {embeddings.size} dimensions of {embeddings.model!r}"
        )
    return glmix, embeddings
