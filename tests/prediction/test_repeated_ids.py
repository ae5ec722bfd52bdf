"""Ids that come more than once, in memory and in temporary files."""

from collections import Counter

import numpy as np
import pytest

from yt8m_models.prediction.repeated_ids import RepeatedIds


@pytest.mark.parametrize("most_in_memory", [10, 999, 10**6])
def test_against_a_counter(most_in_memory):
    ids = [b"v%d" % number for number in np.random.default_rng(0).integers(0, 3000, 2000)]
    repeated = RepeatedIds(most_in_memory)
    for start in range(0, len(ids), 37):
        repeated.add(ids[start : start + 37])
        assert len(repeated._held) <= most_in_memory
    expected = {video for video, count in Counter(ids).items() if count > 1}
    count, example = repeated.find()
    assert count == len(expected)
    assert example in expected


@pytest.mark.parametrize("most_in_memory", [1, 100])
def test_each_once(most_in_memory):
    repeated = RepeatedIds(most_in_memory)
    repeated.add([b"a", b"b"])
    repeated.add([b"c"])
    assert repeated.find() == (0, None)


def test_no_ids():
    assert RepeatedIds().find() == (0, None)
