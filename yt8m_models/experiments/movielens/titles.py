"""Content vectors from titles, years and genres, where trailers cannot be had."""

import numpy as np

from yt8m_models.experiments.movielens.movies import Movies
from yt8m_models.program.extras import require

_YEARS_A_STEP = 5.0


def title_vectors(movies: Movies, size: int) -> np.ndarray:
    """A vector of each movie.

    Three parts, each of length one: TF-IDF of the title's words and of their runs of 3 to 5
    characters; the genres, by inverse document frequency; and the year, as a bell over steps of
    five years. Together they are centred, so that what most movies share makes none alike, and
    reduced to `size` dimensions by principal component analysis.

    Args:
        movies: `n` of them.
        size: dimensions at most; fewer where there are fewer movies or terms.

    Returns:
        float32 `(n, at most size)`.

    Raises:
        ValueError: there are fewer than two movies, or scikit-learn is not installed.
    """
    if len(movies.ids) < 2:
        raise ValueError(f"--items must have at least two movies; received {len(movies.ids)}")
    text = require("sklearn.feature_extraction.text")
    sparse = require("scipy.sparse")
    parts = []
    titles = [title if title.strip() else "untitled" for title in movies.titles]
    characters = text.TfidfVectorizer(analyzer="char_wb", ngram_range=(3, 5), sublinear_tf=True)
    words = text.TfidfVectorizer(token_pattern=r"\w+", sublinear_tf=True)
    parts.append(sparse.hstack([each.fit_transform(titles) for each in (characters, words)]))
    if any(movies.genres):
        parts.append(text.TfidfVectorizer(analyzer=tuple).fit_transform(movies.genres))
    if (is_known := np.isfinite(movies.years)).any():
        steps = np.arange(
            movies.years[is_known].min(), movies.years[is_known].max() + 1, _YEARS_A_STEP
        )
        distance = (movies.years[:, None] - steps) / _YEARS_A_STEP
        parts.append(sparse.csr_matrix(np.nan_to_num(np.exp(-(distance**2) / 2))))
    normalize = require("sklearn.preprocessing").normalize
    features = sparse.hstack([normalize(part) for part in parts]).tocsr()
    analysis = require("sklearn.decomposition").PCA(
        min(size, *(each - 1 for each in features.shape)), svd_solver="arpack", random_state=0
    )
    return analysis.fit_transform(features.astype(np.float64)).astype(np.float32)
