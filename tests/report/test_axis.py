"""Round places on an axis."""

import pytest

from yt8m_models.report.axis import Axis


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ([0.0, 1.0], ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        ([10, 376], ["0", "100", "200", "300", "400"]),
        ([0.8612, 0.8731], ["0.8600", "0.8625", "0.8650", "0.8675", "0.8700", "0.8725", "0.8750"]),
        ([-0.3, 0.30000000000000004], ["-0.4", "-0.2", "0.0", "0.2", "0.4"]),
        ([1500, 9800], ["0", "2,000", "4,000", "6,000", "8,000", "10,000"]),
        ([2.0], ["1.0", "1.5", "2.0", "2.5", "3.0"]),
        ([0.0], ["-0.6", "-0.4", "-0.2", "0.0", "0.2", "0.4", "0.6"]),
    ],
)
def test_ticks_are_round_and_span_the_values(values, texts):
    axis = Axis(values)
    assert [tick.text for tick in axis.ticks] == texts
    assert (axis.ticks[0].place, axis.ticks[-1].place) == (0, 100)
    assert all(0 <= axis.place(value) <= 100 for value in values)


def test_places_are_in_proportion():
    axis = Axis([0, 400])
    assert [axis.place(value) for value in (0, 100, 376)] == [0, 25, 94]


def test_an_axis_may_begin_at_zero():
    assert [tick.text for tick in Axis([0.002, 0.003], with_zero=True).ticks][:2] == [
        *("0.000", "0.001")
    ]
