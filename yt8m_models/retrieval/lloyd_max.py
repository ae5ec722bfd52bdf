"""Values of least squared error for each dimension of a sample (Lloyd–Max)."""

import numpy as np

_MAX_ITERATIONS = 1000
_TOLERANCE = 1e-7
_BLOCK_VALUES = 1 << 23
_CELLS = 256


def lloyd_max(sample: np.ndarray, num_values: int) -> np.ndarray:
    """The values that samples are rounded to with least squared error, dimension by dimension.

        minimise Σ_n min_j (x_ni - v_ij)²  over v_i1 ≤ … ≤ v_iK, for each dimension i by itself

    Lloyd's iteration: each value becomes the mean of the samples that are nearest to it. On sorted
    samples those are a run, whose mean is a difference of running sums, so that an iteration costs
    K log n a dimension and not n; every third iteration leaps in the direction of two others
    (SQUAREM, Varadhan and Roland, 2008). It stops where no dimension's error falls by more than
    1e-7 of itself.

    Lloyd's iteration ends in the local optimum next to its start, so that matters. 256 values start
    at quantiles of the density to the power 1/3, the best density for many values (Panter and Dite,
    1951). Fewer start at the best that runs of 256 such cells allow, by dynamic programming; where
    there are 256 distinct samples or fewer, that is the optimum. A dimension of K or fewer distinct
    samples has these as its values.

    Args:
        sample: finite, `(n, d)`.
        num_values: K.

    Returns:
        float32 `(d, K)`, rising in each dimension.
    """
    num_samples, size = sample.shape
    values = np.empty((size, num_values), np.float32)
    step = max(1, _BLOCK_VALUES // num_samples)
    for start in range(0, size, step):
        ordered = np.sort(sample[:, start : start + step].T.astype(np.float32), axis=1)
        values[start : start + step] = _fit(ordered, num_values)
    return values


def count_below(ordered: np.ndarray, limits: np.ndarray) -> np.ndarray:
    """How many entries of each row of `ordered`, rising `(d, n)`, are below each of the row's
    limits `(d, m)`: int64 `(d, m)`."""
    counts = np.empty(limits.shape, np.int64)
    for row, entries in enumerate(ordered):  # NumPy's search is for one row
        counts[row] = entries.searchsorted(limits[row])
    return counts


def _fit(ordered: np.ndarray, num_values: int) -> np.ndarray:
    """The values of samples that are sorted in each row `(d, n)`."""
    sums = np.zeros((len(ordered), ordered.shape[1] + 1))
    np.cumsum(ordered, axis=1, dtype=np.float64, out=sums[:, 1:])
    squares = np.einsum("dn,dn->d", ordered, ordered, dtype=np.float64)
    values = np.stack(
        [
            _best_runs(samples, of_samples, num_values)
            if num_values < _CELLS
            else _spread(samples, num_values)
            for samples, of_samples in zip(ordered, sums, strict=True)
        ]
    )
    moving = np.arange(len(ordered))  # the dimensions whose error still falls
    errors = np.full(len(ordered), np.inf)
    for _ in range(_MAX_ITERATIONS):
        of_moving = ordered[moving], sums[moving], squares[moving]
        received, reached = _accelerated(values[moving], *of_moving)
        falls = errors[moving] - reached > _TOLERANCE * np.abs(reached)
        values[moving], errors[moving] = received, reached
        moving = moving[falls]
        if not len(moving):
            break
    return values


def _accelerated(values: np.ndarray, *samples: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two of Lloyd's iterations, or where it is better, a third after a leap in their direction."""
    once, _ = _step(values, *samples)
    twice, errors = _step(once, *samples)
    first, change = once - values, twice - 2 * once + values
    squares = (first**2).sum(axis=1, keepdims=True), (change**2).sum(axis=1, keepdims=True)
    length = np.sqrt(squares[0] / np.maximum(squares[1], np.finfo(float).tiny))
    leap = np.sort(values + 2 * length * first + length**2 * change, axis=1)
    landed, landed_errors = _step(leap, *samples)
    better = landed_errors < errors
    return np.where(better[:, None], landed, twice), np.where(better, landed_errors, errors)


def _step(
    values: np.ndarray, ordered: np.ndarray, sums: np.ndarray, squares: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """The means of the samples nearest to each value `(d, K)`, the value itself where there are
    none; and the squared error with these means `(d,)`."""
    ends = np.empty((len(values), values.shape[1] + 1), np.int64)
    ends[:, 0], ends[:, -1] = 0, ordered.shape[1]
    ends[:, 1:-1] = count_below(ordered, (values[:, 1:] + values[:, :-1]) / 2)
    counts = np.diff(ends, axis=1)
    totals = np.diff(np.take_along_axis(sums, ends, axis=1), axis=1)
    means = np.where(counts > 0, totals / np.maximum(counts, 1), values)
    return means, squares - (counts * means**2).sum(axis=1)


def _spread(samples: np.ndarray, num_values: int) -> np.ndarray:
    """Quantiles of the density to the power 1/3 of rising samples, or all distinct ones: `(K,)`."""
    distinct = samples[np.append(True, samples[1:] > samples[:-1])]
    if len(distinct) <= num_values:
        return np.pad(distinct, (0, num_values - len(distinct)), "edge").astype(np.float64)
    # Between quantiles of equal share s the density is s / width.
    edges = np.linspace(0, len(samples) - 1, 4 * num_values + 1).astype(int)
    quantiles = samples[edges].astype(np.float64)
    shares = np.append(0, np.cumsum(np.diff(quantiles) ** (2 / 3)))
    places = (np.arange(num_values) + 0.5) / num_values
    return np.asarray(np.interp(places * shares[-1], shares, quantiles))


def _best_runs(samples: np.ndarray, sums: np.ndarray, num_values: int) -> np.ndarray:
    """The means of the K runs of cells with least squared error, by dynamic programming: `(K,)`.

    The cells are those of `_spread`, at most 256.
    """
    cells = _spread(samples, _CELLS)
    ends = np.unique(np.append(samples.searchsorted((cells[1:] + cells[:-1]) / 2), len(samples)))
    ends = np.append(0, ends[ends > 0])
    if len(ends) <= num_values:
        return _spread(samples, num_values)
    counts = ends - ends[:, None]
    totals = sums[ends] - sums[ends, None]
    # A run of n samples that sum to S has Σ x² - S² / n as its squared error.
    gains = np.where(counts > 0, totals**2 / np.maximum(counts, 1), -np.inf)
    best, before = gains[0], []
    for _ in range(num_values - 1):
        reached = best[:, None] + gains
        before.append(reached.argmax(axis=0))
        best = reached.max(axis=0)
    bounds = [len(ends) - 1]
    for of_end in reversed(before):
        bounds.append(of_end[bounds[-1]])
    starts = np.array([0, *reversed(bounds)])
    means: np.ndarray = totals[starts[:-1], starts[1:]] / counts[starts[:-1], starts[1:]]
    return means
