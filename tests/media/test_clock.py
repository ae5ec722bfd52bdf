"""The times of frames, from stamps in hundredths of a second; each lasts a tenth."""

from fractions import Fraction

import pytest

from yt8m_models.media.clock import Clock


@pytest.mark.parametrize(
    ("stamps", "times"),
    [
        ([500, 510, 520], [500, 510, 520]),
        ([None, None, None], [0, 10, 20]),
        ([500, None, 520], [500, 510, 520]),
        ([500, 530, 520], [500, 530, 520]),
        ([500, 1300, 1310], [500, 1300, 1310]),
        ([500, 510, 0, 10], [500, 510, 520, 530]),
        ([500, 510, 90_000, 90_010, 0], [500, 510, 520, 530, 540]),
    ],
)
def test_goes_on_where_stamps_start_anew(stamps, times):
    """Behind steps back of more than a second, and pauses of more than ten."""
    clock = Clock(Fraction(1, 100), longest_pause=Fraction(10))
    received = [clock.time(stamp, Fraction(1, 10)) for stamp in stamps]
    assert received == [Fraction(time, 100) for time in times]
