"""Work spread over a cluster: results, errors, and workers that die."""

import pytest

pytest.importorskip("pyspark", reason="needs the extra `spark`")

from tests.engines.dying import WritesAndDies, refuse_odd_items
from yt8m_models.engines.session import reporting_errors
from yt8m_models.engines.spread import absolute, parts_beside, spread


def test_results_are_in_order_and_a_lost_task_is_done_again(spark, tmp_path):
    items = [3, 1, 2]
    assert spread(spark, WritesAndDies(str(tmp_path), dies_at=1), items) == [9, 1, 4]
    assert (tmp_path / "died").exists()
    files = {path.name: path.read_text() for path in tmp_path.glob("*.txt")}
    assert files == {"1.txt": "1\n1\n", "2.txt": "2\n4\n", "3.txt": "3\n9\n"}
    assert spread(spark, refuse_odd_items, []) == []


def test_the_first_error_is_raised_as_it_was(spark):
    with pytest.raises(ValueError, match=r"^item 3 is odd$"):
        spread(spark, refuse_odd_items, [2, 3, 4, 5])


def test_what_spark_cannot_do_is_an_os_error(spark):
    message = r"Spark cannot finish its work: .*TABLE_OR_VIEW_NOT_FOUND"
    with pytest.raises(OSError, match=message), reporting_errors():
        spark.sql("SELECT * FROM nothing")


def test_paths_for_workers(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert absolute("a/b") == str(tmp_path / "a" / "b")
    assert absolute("gs://a/b") == "gs://a/b"
    assert absolute("") == ""


def test_parts_are_hidden_beside_the_output_and_go(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with parts_beside("out/model/") as directory:
        (tmp_path / "out" / directory / "1.csv").write_text("1")
        assert directory.startswith(f"{tmp_path}/out/.model.")
    assert not list((tmp_path / "out").iterdir())
    with (
        pytest.raises(ValueError, match=r"gs://b/a\.csv must be local with --engine=spark"),
        parts_beside("gs://b/a.csv"),
    ):
        pass
