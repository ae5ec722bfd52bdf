"""Tests of yt8m_models.training.history."""

import numpy as np
import pytest

from yt8m_models.training.history import History, read_history, running_mean

COLUMNS = ("step", "epoch", "loss")


def row(step):
    return {"step": step, "epoch": 0, "loss": step / 3}


def test_rows_come_back(tmp_path):
    path = str(tmp_path / "history.csv")
    history = History(path, COLUMNS, resumed_step=0)
    history.append(row(10))
    history.append(row(20))
    history.flush()
    assert (tmp_path / "history.csv").read_text() == (
        "step,epoch,loss\n10,0,3.3333333\n20,0,6.6666665\n"
    )
    rows = read_history(path)
    assert [line["step"] for line in rows] == [10, 20]
    assert rows[1]["loss"] == pytest.approx(20 / 3)


def test_a_resumed_run_drops_the_rows_of_lost_steps(tmp_path):
    path = str(tmp_path / "history.csv")
    history = History(path, COLUMNS, resumed_step=0)
    for step in (10, 20, 30):
        history.append(row(step))
    history.flush()
    resumed = History(path, COLUMNS, resumed_step=20)
    resumed.append(row(25))
    resumed.flush()
    assert [line["step"] for line in read_history(path)] == [10, 20, 25]


def test_rows_are_in_the_file_only_after_a_flush(tmp_path):
    path = tmp_path / "history.csv"
    history = History(str(path), COLUMNS, resumed_step=0)
    history.append(row(10))
    assert not path.exists()
    history.flush()
    assert path.exists()


def test_a_file_that_is_no_history_is_named(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("step,epoch,loss\n1,0,0.5\nx,0,0.5\n")
    with pytest.raises(ValueError, match=r"history\.csv, line 3"):
        History(str(path), COLUMNS, resumed_step=0)


def test_therunning_mean_against_a_loop():
    values = np.random.default_rng(0).normal(size=200)
    expected = [values[max(0, i - 5) : i + 6].mean() for i in range(200)]
    np.testing.assert_allclose(running_mean(values), expected)


def test_few_values_are_not_smoothed():
    np.testing.assert_allclose(running_mean(np.array([1.0, 5.0, 2.0])), [1.0, 5.0, 2.0])


def test_a_file_without_a_column_of_today_goes_on_with_it(tmp_path):
    path = tmp_path / "history.csv"
    path.write_text("step,loss\n1,0.5\n")
    history = History(str(path), COLUMNS, resumed_step=1)
    history.append(row(2))
    history.flush()
    first, second = read_history(str(path))
    assert (first["step"], first["loss"], np.isnan(first["epoch"])) == (1, 0.5, True)
    assert second == pytest.approx(row(2))
