"""Scores of videos by what a user watched: mean and max aggregation, and filters of histories."""

import numpy as np

_BLOCK_ELEMENTS = 1 << 22


def max_scores(history: np.ndarray, candidates: np.ndarray) -> np.ndarray:
    """Similarity of each candidate v to the video of a history H that it is most similar to.

        score(v) = max_{h ∈ H} e_h · e_v

    CDML equation 6, DSGMM equation 17. Candidates are taken in blocks, so that memory is bounded.

    Args:
        history: embeddings of the watched videos `(h, d)`.
        candidates: embeddings `(n, d)`.

    Returns:
        `(n,)`.

    Raises:
        ValueError: the history is empty, or the shapes do not fit.
    """
    if history.ndim != 2 or candidates.ndim != 2 or history.shape[1] != candidates.shape[1]:
        raise ValueError(
            "history and candidates must have the shapes (h, d) and (n, d); "
            f"received {history.shape} and {candidates.shape}"
        )
    if not len(history):
        raise ValueError("history must have at least one video; received none")
    scores = np.empty(len(candidates), np.result_type(history, candidates))
    step = max(1, _BLOCK_ELEMENTS // len(history))
    for start in range(0, len(candidates), step):
        block = slice(start, start + step)
        scores[block] = (candidates[block] @ history.T).max(axis=1)
    return scores


def mean_vectors(vectors: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The mean of each of several histories H, for mean aggregation.

        score(v) = 1/|H| Σ_{h ∈ H} e_h · e_v = (1/|H| Σ_{h ∈ H} e_h) · e_v

    CDML equation 5, DSGMM equation 16. Averaging the history first costs |H| + n vectors' work and
    not their product.

    Args:
        vectors: embeddings of all histories, one after the other `(h, d)`.
        offsets: where each history starts, and the end of the last: `(users + 1,)`.

    Returns:
        `(users, d)`.

    Raises:
        ValueError: a history is empty, or the offsets are not those of `vectors`.
    """
    counts = np.diff(offsets)
    if len(offsets) < 1 or offsets[0] != 0 or offsets[-1] != len(vectors):
        raise ValueError(f"offsets must go from 0 to {len(vectors)}, the number of vectors")
    if counts.min(initial=1) < 1:
        raise ValueError(f"each history must have a video; that of user {counts.argmin()} has none")
    return np.add.reduceat(vectors, offsets[:-1], axis=0) / counts[:, None].astype(vectors.dtype)


def kept_ratings(
    users: np.ndarray, ratings: np.ndarray, min_stars: float | None = None, above_mean: bool = False
) -> np.ndarray:
    """Which ratings count as a user's history, by how well they like the video.

    All of them unless a rule is given; with both rules, those that both keep. Where the rules leave
    nothing of a user, the result is false for all of this user's ratings: `users_without` names
    such users, and the caller decides what stands in.

    Args:
        users: who rated, `(n,)` integers from 0.
        ratings: `(n,)`.
        min_stars: keep ratings of at least this.
        above_mean: keep ratings above the mean of the same user's ratings; one that equals it is
            not above it.

    Returns:
        `(n,)` bool.

    Raises:
        ValueError: the shapes differ, or a rating is not finite.
    """
    users, ratings = np.asarray(users), np.asarray(ratings, np.float64)
    if users.shape != ratings.shape or users.ndim != 1:
        raise ValueError(
            f"users and ratings must have one shape (n,); received {users.shape}, {ratings.shape}"
        )
    if not np.isfinite(ratings).all():
        wrong = int(np.flatnonzero(~np.isfinite(ratings))[0])
        raise ValueError(f"ratings must be finite; number {wrong} is {ratings[wrong]}")
    kept = np.ones(len(ratings), bool)
    if min_stars is not None:
        kept &= ratings >= min_stars
    if above_mean:
        sums = np.bincount(users, ratings)
        counts = np.bincount(users)
        # Of equal ratings, the mean may differ by rounding: compare sums, exact for stars.
        kept &= ratings * counts[users] > sums[users]
    return kept


def users_without(users: np.ndarray, kept: np.ndarray) -> np.ndarray:
    """The users all of whose ratings a filter drops, rising `(m,)`."""
    return np.setdiff1d(users, np.asarray(users)[kept])
