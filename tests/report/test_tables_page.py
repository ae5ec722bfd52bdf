"""Pages of experiments."""

import pytest

from yt8m_models.report.line_chart import LineChart
from yt8m_models.report.matrix import Matrix
from yt8m_models.report.report.config import ReportConfig
from yt8m_models.report.report.reporting import write_report
from yt8m_models.report.spread_chart import SpreadChart
from yt8m_models.report.tables_page import tables_page

HEADER = [
    "table",
    "row",
    "label",
    "runs",
    "directory",
    "gap_mean",
    "gap_std",
    "map_mean",
    "map_std",
]
RESULTS = [
    HEADER,
    ["table2", "average", "Average <b>", 2, "runs/a", 0.5, 0.25, 0.125, 0.5],
    ["table2", "dsgmm", "DSGMM", 2, "runs/d", 0.75, "", 0.25, ""],
    ["table2", "netvlad", "NetVLAD", 0, "runs/n", "", "", "", ""],
    ["figure2", "netvlad-k16", "16", 1, "runs/n16", 0.5, "", 0.5, ""],
    ["figure2", "netvlad-k256", "256", 1, "runs/n256", 0.625, "", 0.5, ""],
    ["figure2", "dsgmm-k16", "16", 1, "runs/d16", 0.75, 0.125, 0.5, ""],
    ["figure2", "dsgmm-k256", "256", 1, "runs/d", 0.875, "", 0.5, ""],
]
TESTS = [
    ["row_a", "row_b", "seed", "only_a", "only_b", "p_value"],
    ["average", "dsgmm", 0, 3, 20, 1e-5],
    ["average", "dsgmm", 1, 4, 15, 0.02],
    ["dsgmm", "netvlad-k16", 0, 4, 5, 0.5],
]
TEXT = """Means over seeds, on `test*`.

## Table 2: Pooling

| row | GAP | mAP | runs |
|---|---|---|---|

## Figure 2: Number of clusters

| pooling | clusters K | GAP | mAP | runs |
|---|---|---|---|---|
"""


@pytest.fixture
def directory(tmp_path, write_csv):
    write_csv(tmp_path / "digits" / "results.csv", RESULTS)
    write_csv(tmp_path / "digits" / "mcnemar.csv", TESTS)
    write_csv(tmp_path / "digits" / "runs.csv", [["rows", "seed", "gap"], ["average", 0, 0.5]])
    (tmp_path / "digits" / "results.md").write_text(TEXT)
    return tmp_path / "digits"


def test_tables_are_points_with_spread_and_figures_are_curves(directory):
    page = tables_page(f"{directory}/")
    assert (page.title, page.note) == ("digits", "Means over seeds, on test*.")
    table, figure, runs = page.sections
    assert [each.title for each in page.sections] == [
        *("Table 2: Pooling", "Figure 2: Number of clusters", "Runs")
    ]
    gap, _, values, tests = table.blocks
    assert isinstance(gap, SpreadChart)
    assert [each[:2] for each in gap.spreads] == [("Average <b>", 0.5), ("DSGMM", 0.75)]
    assert gap.bars[0].text == "0.5000 ± 0.2500"
    assert values.rows[0] == ["average", "Average <b>", 2, 0.5, 0.25, 0.125, 0.5]
    assert values.rows[2] == ["netvlad", "NetVLAD", 0, None, None, None, None]
    assert isinstance(tests, Matrix)
    assert tests.names == ["Average <b>", "DSGMM", "NetVLAD"]
    assert tests.tests == {(0, 1): (0.02, 4, 15)}  # the largest of the seeds
    gap = figure.blocks[0]
    assert isinstance(gap, LineChart)
    assert (gap.x_name, gap.x_texts) == ("clusters K", ["16", "256"])
    assert [(each.name, each.ys) for each in gap.series] == [
        *(("netvlad", [0.5, 0.625]), ("dsgmm", [0.75, 0.875]))
    ]
    assert gap.series[1].spreads[0] == 0.125
    assert runs.blocks[0].rows == [["average", 0, 0.5]]


def test_without_the_text_the_titles_are_those_of_the_rows(directory):
    (directory / "results.md").unlink()
    (directory / "mcnemar.csv").unlink()
    (directory / "runs.csv").unlink()
    page = tables_page(str(directory))
    assert [each.title for each in page.sections] == ["Table 2", "Figure 2"]
    assert page.note == ""


def test_movielens_is_by_the_ratings_for_training(tmp_path, write_csv):
    header = ["train_ratings", "method", "aggregation", "history", "runs", "num_users"]
    rows = [
        [*header, "ndcg_mean", "ndcg_std"],
        ["50%", "cdml", "mean", "all", 2, 24, 0.5, 0.125],
        ["50%", "svd", "", "", 2, 24, 0.75, 0.125],
        ["10", "cdml", "mean", "all", 2, 24, 0.25, 0.125],
    ]
    write_csv(tmp_path / "results.csv", rows)
    page = tables_page(str(tmp_path))
    assert [each.title for each in page.sections] == ["Train ratings: 50%", "Train ratings: 10"]
    spreads = page.sections[0].blocks[0].spreads
    assert [each.name for each in spreads] == ["cdml · mean · all", "svd"]


@pytest.mark.parametrize("width", [375, 1280])
def test_in_a_browser(directory, opened, width):
    write_report(ReportConfig(tables_dir=str(directory), output=str(directory / "a.html")))
    page = opened(directory / "a.html", width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    assert page.locator(".matrix td.level1").inner_text().split("\n") == ["0.02", "4 : 15"]
    label = page.locator(".spreads svg").first.get_attribute("aria-label")
    assert label == "GAP: Average <b> 0.5000 ± 0.2500; DSGMM 0.7500"
    plot = page.locator(".plot").first
    box = plot.bounding_box()
    plot.hover(position={"x": box["width"] * 0.3, "y": 20})
    assert plot.locator(".tip > div").all_inner_texts()[2].split("\n") == [
        "dsgmm",
        "0.7500 ± 0.1250",
    ]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("results.csv", "a,b\n1,2\n", r"results\.csv must have a column NAME_mean; it has a, b"),
        ("results.csv", "table,gap_mean\nt\n", r"results\.csv, line 2: not a line of yt8m"),
        ("mcnemar.csv", "row_a,row_b,p_value\na,b,x\n", r"p_value must be a number; received 'x'"),
    ],
)
def test_damaged_files_are_named(directory, name, content, message):
    (directory / name).write_text(content)
    with pytest.raises(ValueError, match=message):
        tables_page(str(directory))
