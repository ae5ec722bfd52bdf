"""McNemar's tests between the rows."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

import numpy as np

from eval.mcnemar_test import mcnemar
from yt8m_models.experiments.common.summary import RowSummary
from yt8m_models.experiments.dsgmm.runs import Result
from yt8m_models.storage.whole_file import join


@dataclass(frozen=True)
class Comparison:
    """McNemar's test on Hit@1 of two rows' models of one seed.

    Attributes:
        row_a: name of one row.
        row_b: name of the other.
        seed: of both models.
        only_a: test videos that the first alone has right.
        only_b: test videos that the second alone has right.
        p_value: two-sided.
    """

    row_a: str
    row_b: str
    seed: int
    only_a: int
    only_b: int
    p_value: float


def compare(summaries: Collection[RowSummary], results: Mapping[str, Result]) -> list[Comparison]:
    """McNemar's test of every two rows with different settings, for each seed that both have.

    The models of different seeds are tested on the same videos, so their counts are not
    independent and are not added up.

    Args:
        summaries: of the rows.
        results: by the directory of the run.

    Raises:
        ValueError: runs were tested on different videos.
    """
    if len({result.videos for result in results.values()}) > 1:
        raise ValueError(
            "the test records have changed since the first run: the runs were tested on different "
            "videos; choose another --output_dir"
        )
    different = list({each.directory: each for each in reversed(list(summaries))}.values())[::-1]

    def correct(summary: RowSummary, seed: int) -> np.ndarray:
        return results[join(summary.directory, f"seed{seed}")].correct

    return [
        Comparison(
            *(first.row.name, second.row.name, seed),
            *mcnemar(correct(first, seed), correct(second, seed)),
        )
        for index, first in enumerate(different)
        for second in different[index + 1 :]
        for seed in first.metrics
        if seed in second.metrics
    ]
