"""Tests of yt8m_models.training.plot."""

import sys

import numpy as np
import pytest

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.program.command import UsageError
from yt8m_models.training.history import History
from yt8m_models.training.plot.__main__ import PROGRAM
from yt8m_models.training.plot.curves import draw, plot_training
from yt8m_models.training.train_dir import record_model_flags

pytest.importorskip("matplotlib", reason="matplotlib is an extra")

COLUMNS = ("step", "epoch", "loss", "learning_rate", "gap", "hit_at_one")


def row(step, loss, gap):
    values = {"step": step, "epoch": 1, "loss": loss, "learning_rate": 0.01 / step}
    return {**values, "gap": gap, "hit_at_one": gap / 2}


TRAINING = [row(step, 10 / step, 1 - 1 / step) for step in range(1, 201)]
VALIDATION = [row(100, 3.0, 0.5), row(150, 2.0, 0.7), row(200, 2.5, 0.8)]


def test_the_kept_checkpoint_is_that_of_the_lowest_loss_in_each_panel():
    axes = draw(TRAINING, VALIDATION, "A model").axes
    assert [each.get_title(loc="left") for each in axes] == [
        "Loss   2.000", "GAP   0.700", "Hit@1   0.350", "Learning rate",
    ]  # fmt: skip
    for each in axes[:3]:
        ring = each.get_lines()[-1]
        assert list(ring.get_xdata()) == [150]
    np.testing.assert_allclose(axes[0].get_lines()[2].get_ydata(), [3.0, 2.0, 2.5])
    np.testing.assert_allclose(
        axes[3].get_lines()[0].get_ydata(), [0.01 / s for s in range(1, 201)]
    )


def test_without_validation_there_are_only_curves_of_training():
    axes = draw(TRAINING[:1], [], "A model").axes
    assert [len(each.get_lines()) for each in axes] == [2, 2, 2, 1]


@pytest.fixture
def train_dir(tmp_path):
    directory = str(tmp_path / "model")
    record_model_flags(directory, ModelConfig("MoeModel"), DataConfig(), "CrossEntropyLoss")
    for name, rows in (("training", TRAINING), ("validation", VALIDATION)):
        history = History(f"{directory}/{name}.csv", COLUMNS, resumed_step=0)
        for each in rows:
            history.append(each)
        history.flush()
    return directory


@pytest.mark.parametrize(
    ("name", "start"), [("c.png", b"\x89PNG"), ("c.svg", b"<?xml"), ("c.pdf", b"%PDF")]
)
def test_images(train_dir, tmp_path, name, start):
    plot_training(train_dir, str(tmp_path / name))
    assert (tmp_path / name).read_bytes().startswith(start)
    assert {path.name for path in tmp_path.iterdir()} == {"model", name}


def test_the_program(train_dir, tmp_path, run_here):
    output = tmp_path / "curves.png"
    assert run_here(PROGRAM, f"--train_dir={train_dir}", f"--output={output}")[0] == 0
    assert output.exists()


def test_a_directory_without_training_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"no training\.csv with rows in --train_dir="):
        plot_training(str(tmp_path), str(tmp_path / "c.png"))


@pytest.mark.parametrize(
    ("argv", "part"),
    [([], "--train_dir"), (["--train_dir=x", "--output=x.gif"], "--output must end in .png")],
)
def test_wrong_flags(argv, part):
    with pytest.raises(UsageError, match=part):
        PROGRAM.parse(argv)


def test_without_matplotlib_the_error_says_what_to_install(train_dir, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(ValueError, match="pip install matplotlib"):
        plot_training(train_dir, str(tmp_path / "c.png"))
