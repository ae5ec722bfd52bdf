"""Rows of different lengths in one array."""

import numpy as np
import pytest

from yt8m_models.data.ragged import bisect, offsets_of, places_of, runs


def test_places_of_rows_that_repeat_and_are_empty():
    offsets = offsets_of(np.array([2, 0, 3]))
    assert offsets.tolist() == [0, 2, 2, 5]
    owners, places = places_of(offsets, np.array([2, 1, 0, 2]))
    assert owners.tolist() == [0, 0, 0, 2, 2, 3, 3, 3]
    assert places.tolist() == [2, 3, 4, 0, 1, 2, 3, 4]
    assert [part.tolist() for part in places_of(offsets, np.zeros(0, int))] == [[], []]


def test_bisect_finds_what_searchsorted_finds_in_each_row():
    rng = np.random.default_rng(0)
    lengths = rng.integers(0, 9, 300)
    offsets = offsets_of(lengths)
    values = np.concatenate([np.sort(rng.integers(0, 12, length)) for length in lengths])
    sought = rng.integers(-1, 14, 300)
    places = bisect(offsets[:-1], offsets[1:], lambda place: values[place] < sought)
    expected = [
        start + np.searchsorted(values[start:end], value)
        for start, end, value in zip(offsets[:-1], offsets[1:], sought, strict=True)
    ]
    assert places.tolist() == expected


@pytest.mark.parametrize(
    ("most", "expected"),
    [
        (1, [(0, 1), (1, 2), (2, 3), (3, 4), (4, 5)]),
        (4, [(0, 2), (2, 3), (3, 5)]),
        (5, [(0, 2), (2, 3), (3, 5)]),
        (100, [(0, 5)]),
    ],
)
def test_runs(most, expected):
    assert list(runs(offsets_of(np.array([1, 3, 7, 0, 4])), most)) == expected
    assert list(runs(np.array([10, 11, 14, 21, 21, 25]), most)) == expected  # a part of others
    assert list(runs(np.array([0]), most)) == []
