"""Pages of retrieval."""

import pytest

from yt8m_models.report.report.config import ReportConfig
from yt8m_models.report.report.reporting import write_report
from yt8m_models.report.retrieval_page import retrieval_page

HEADER = ["embedding", "model", "bits", "direction", "ndcg", "map", "num_queries"]
ROWS = [
    ["cdml", "late:1", 32, "T2E", 0.28843982, 0.28850060, 2090],
    ["cdml", "late:1", 32, "E2T", 0.30785898, 0.28992457, 906],
    ["cdml", "late:1", 4, "T2E", 0.28417113, 0.28376916, 2090],
]


def test_each_direction_has_its_measures(tmp_path, write_csv, opened):
    write_csv(tmp_path / "results.csv", [HEADER, *ROWS])
    page = retrieval_page(str(tmp_path))
    first, second, everything = page.sections
    assert first.title == "Evaluation videos for training videos (T2E)"
    assert second.title == "Training videos for evaluation videos (E2T)"
    assert [each[:2] for each in first.blocks[0].spreads] == [
        *(("cdml · 32 bits", 0.28843982), ("cdml · 4 bits", 0.28417113))
    ]
    assert [each.mean for each in second.blocks[1].spreads] == [0.28992457]
    assert everything.blocks[0].rows == ROWS

    write_report(ReportConfig(retrieval_dir=str(tmp_path), output=str(tmp_path / "a.html")))
    shown = opened(tmp_path / "a.html", 375)
    assert shown.evaluate("document.documentElement.scrollWidth") == 375
    cells = shown.locator("tbody tr").first.locator("td").all_inner_texts()
    assert cells == ["cdml", "late:1", "32", "T2E", "0.2884", "0.2885", "2,090"]


def test_other_files_are_refused(tmp_path, write_csv):
    write_csv(tmp_path / "results.csv", [["a"], [1]])
    with pytest.raises(ValueError, match=r"results\.csv must have the columns embedding, bits, "):
        retrieval_page(str(tmp_path))
