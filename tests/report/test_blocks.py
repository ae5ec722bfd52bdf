"""What tables, drawings and matrices say."""

import math

import pytest

from yt8m_models.report.line_chart import LineChart, Series
from yt8m_models.report.matrix import Difference
from yt8m_models.report.numbers import number_text, parsed
from yt8m_models.report.spread_chart import Spread, SpreadChart
from yt8m_models.report.table import Table


@pytest.mark.parametrize(
    ("value", "form", "text"),
    [
        (1234567, "", "1,234,567"),
        (0.123456789, "", "0.123457"),
        (0.5, ".4f", "0.5000"),
        (None, ".4f", "–"),
        (math.nan, ".4f", "–"),
    ],
)
def test_numbers_as_text(value, form, text):
    assert number_text(value, form) == text


def test_cells_of_csv_files():
    assert [parsed(text) for text in ("3", "0.5", "", "a", "1/64")] == [3, 0.5, None, "a", "1/64"]
    assert type(parsed("3")) is int


def test_cells_have_their_numbers_in_full():
    table = Table("t", ("name", "ap"), [["a", 0.123456789], ["b", None]], {"ap": ".3f"}, ["ap"])
    assert table.are_numbers == [False, True]
    assert table.cells == [
        [("a", None, None), ("0.123", "0.123456789", 0.1235)],
        [("b", None, None), ("–", "", None)],
    ]
    assert not table.is_searchable
    assert Table("t", ("n",), [[n] for n in range(13)]).is_searchable


def test_a_curve_is_where_its_values_are():
    series = [Series("a", [0, 50, 100], [0.0, math.nan, 1.0]), Series("b", [0, 100], [0.5, 0.25])]
    chart = LineChart("Loss", "step", series)
    first, second = chart.curves
    assert [(point.x, point.y, point.at) for point in first.points] == [
        (0, 100, "0"),
        (100, 0, "100"),
    ]
    assert (first.path, second.path) == ("M0 100L100 0", "M0 50L100 75")
    assert chart.hover["curves"][1]["points"] == [
        (0, 50, "0", "0.5000"),
        (100, 75, "100", "0.2500"),
    ]
    assert chart.summary == ("Loss over step: a from 0.0000 to 1.0000; b from 0.5000 to 0.2500")


def test_steps_have_corners():
    chart = LineChart("r", "step", [Series("a", [0, 50, 100], [0.0, 1.0, 0.5], "step")])
    assert chart.curves[0].path == "M0 100H50V0H100V50"


def test_the_marked_point_is_ringed():
    xs = [20, 40, 60]
    series = [Series("t", [0, 100], [0.0, 1.0]), Series("v", xs, [0.25, 0.5, 0.75], "points")]
    ((color, point),) = LineChart("g", "step", series, marked=40).ringed
    assert (color, point.x, point.y) == (1, 40, 50)


def test_settings_stand_at_equal_distances_with_their_spread():
    series = [Series("a", [0, 1], [0.5, 0.25], "points", [0.5, math.nan])]
    chart = LineChart("g", "K", series, x_texts=["16", "256"])
    assert chart.x_ticks == [(25, "16"), (75, "256")]
    first, second = chart.curves[0].points
    assert (first.x, first.low, first.high, first.text) == (25, 100, 0, "0.5000 ± 0.5000")
    assert (second.x, second.low, second.text) == (75, None, "0.2500")


def test_many_points_are_thinned_and_the_last_stays():
    xs = list(range(10_001))
    points = LineChart("g", "step", [Series("a", xs, xs)], ",.0f").curves[0].points
    assert len(points) <= 402
    assert (points[0].at, points[-1].at, points[-1].text) == ("0", "10,000", "10,000")


def test_means_with_their_spread():
    chart = SpreadChart("GAP", [Spread("a", 0.5, 0.5), Spread("b", 0.75)])
    assert [tick for tick in chart.ticks if tick[1] in ("0.0", "1.0")] == [(0, "0.0"), (100, "1.0")]
    first, second = chart.bars
    assert (first.start, first.place, first.end, first.is_best) == (0, 50, 100, False)
    assert (second.start, second.place, second.end, second.is_best) == (75, 75, 75, True)
    assert chart.summary == "GAP: a 0.5000 ± 0.5000; b 0.7500"


@pytest.mark.parametrize(("p", "level"), [(0.05, 0), (0.049, 1), (0.0099, 2), (1e-30, 3)])
def test_levels_of_p_values(p, level):
    assert Difference(p, 1, 2).level == level
