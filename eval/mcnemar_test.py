"""McNemar's test: are two models right about equally many of the same videos?

It imports NumPy and SciPy inside a function, so that `--help` answers at once.
"""

from typing import Any, NamedTuple


class McNemar(NamedTuple):
    """The outcome of McNemar's test.

    Attributes:
        only_a: videos that the first model alone has right.
        only_b: videos that the second model alone has right.
        p_value: two-sided: how probable a split at least as uneven is where both are equally good.
    """

    only_a: int
    only_b: int
    p_value: float


def mcnemar(a_correct: Any, b_correct: Any) -> McNemar:
    """McNemar's test on the same videos, exact at any number of them.

    Of n videos that one model alone has right, either model has each with probability 1/2 where
    both are equally good. With k = min(only_a, only_b), p = min(1, 2 Σ_{i ≤ k} C(n, i) / 2ⁿ); p is
    1 for n = 0. Videos that both have right, or neither, say nothing.

    Args:
        a_correct: whether the first model is right about each video, bool `(videos,)`.
        b_correct: the same of the second model.

    Raises:
        ValueError: the two are not one-dimensional, differ in length, or are not bool.

    Source: McNemar, Note on the sampling error of the difference between correlated proportions or
    percentages, Psychometrika 12 (1947); exact form: the sign test.

    Example:
        >>> mcnemar([True, True, False], [False, True, False])
        McNemar(only_a=1, only_b=0, p_value=1.0)
    """
    import numpy as np
    from scipy.stats import binomtest

    a, b = np.asarray(a_correct), np.asarray(b_correct)
    if a.ndim != 1 or a.shape != b.shape:
        raise ValueError(
            "a_correct and b_correct must have the same shape (videos,); "
            f"received {a.shape} and {b.shape}"
        )
    for name, values in (("a_correct", a), ("b_correct", b)):
        if values.dtype != bool and values.size:
            raise ValueError(f"{name} must be bool; received {values.dtype}")
    only_a, only_b = int(np.sum(a > b)), int(np.sum(b > a))
    n = only_a + only_b
    return McNemar(only_a, only_b, float(binomtest(only_a, n).pvalue) if n else 1.0)
