"""Tests of `yt8m_models.recipes` and of `--recipe`."""

import dataclasses
import json
import re
import shlex
from pathlib import Path

import numpy as np
import pytest

from yt8m_models.__main__ import PROGRAMS, program
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.records import frame_record, write_records
from yt8m_models.experiments.common.rows import rows_of
from yt8m_models.experiments.dsgmm.config import FrameDataConfig, TablesConfig, TrainingFlags
from yt8m_models.experiments.dsgmm.paper import paper_figures
from yt8m_models.experiments.dsgmm.rows import tables
from yt8m_models.experiments.dsgmm.runs import plan
from yt8m_models.program.command import UsageError
from yt8m_models.recipes.config import RECIPES
from yt8m_models.training.__main__ import PROGRAM
from yt8m_models.training.config import TrainConfig
from yt8m_models.training.trainer import train

DATA = "--train_data_pattern=train"
# Pooling, K, γ, intra-norm, final-norm, as section 4.1.4 has them.
PAPER = {
    "dsgmm": ("dsgmm", 256, 0.125, True, False),
    "netvlad": ("netvlad", 256, None, True, False),
    "vlad": ("vlad", 256, None, True, False),
    "sgmm": ("sgmm", 256, 0.125, True, False),
    "average": ("average", None, None, None, None),
}


def parsed(*argv):
    arguments = PROGRAM.parse([DATA, *argv])
    training = arguments[TrainConfig]
    return arguments[ModelConfig].resolved(), training, arguments[DataConfig]


def test_there_are_the_recipes_of_the_papers_table_2():
    assert set(RECIPES) == set(PAPER)


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_are_the_papers_settings(name):
    """Sections 4.1.1, 4.1.2 and 4.1.4."""
    model, training, data = parsed(f"--recipe={name}")
    pooling, *settings = PAPER[name]
    values = (model.num_clusters, model.gamma, model.intra_norm, model.final_norm)
    assert model.pooling == pooling
    assert all(want in (None, got) for want, got in zip(settings, values, strict=True))
    assert (data.feature_names, data.feature_sizes, data.frame_features) == (
        ("rgb",),
        (1024,),
        True,
    )
    assert (model.iterations, model.sample_random_frames) == (30, True)
    assert (model.assignment, model.statistics, model.gating) == ("decoupled", ("means",), True)
    assert training.eval_sample_frames == 30
    assert (training.optimizer, training.base_learning_rate) == ("AdamOptimizer", 0.0002)
    assert (training.learning_rate_decay, training.learning_rate_decay_examples) == (0.8, 4e6)
    assert (training.clip_mode, training.clip_gradient_norm) == ("value", 1.0)


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_are_the_rows_of_table_2(name):
    """The same model, data and training, but for which checkpoints are kept."""
    patterns = ("train_data_pattern", "validation_data_pattern", "test_data_pattern", "output_dir")
    config = TablesConfig(**dict.fromkeys(patterns, "train"), tables=(2,), seeds=(0,))
    training, data, model = TrainingFlags(), FrameDataConfig(), ModelConfig()
    run = plan(config, training, data, model, rows_of(tables(config)))[name, 0]
    found, training, data = parsed(f"--recipe={name}", "--eval_data_pattern=train")
    assert {**vars(found), "frame_layers": ()} == vars(run.model)
    assert data == run.data
    kept = {"train_dir": "run", "keep_checkpoints": 1, "log_steps": 1}
    assert dataclasses.replace(training, **kept) == dataclasses.replace(run.training, **kept)


@pytest.mark.parametrize("name", RECIPES)
def test_recipes_begin_with_commands_source_score_and_time(name):
    text = Path(RECIPES[name]).read_text("utf-8")
    head = text.split("\n--")[0]
    lines = re.sub(r"\\\n#", "", head).splitlines()
    commands = [line.removeprefix("#   yt8m ") for line in lines if line.startswith("#   yt8m ")]
    names = ["split", "train-ubm", "train", "eval"]
    assert [command.split()[0] for command in commands] == (
        names if name in ("vlad", "sgmm") else [names[0], *names[2:]]
    )
    for command in commands:
        name_of_program, *argv = shlex.split(command)
        assert name_of_program in PROGRAMS
        program(name_of_program).parse(argv)
        if name_of_program == "train":
            assert f"--recipe={name}" in argv
        if name_of_program == "eval":
            assert "--sample_frames=30" in argv
        if name_of_program == "split":
            assert f"--fraction={113331 / (105147 + 113331):.4f}" in argv
    figures = paper_figures()["table2", name]
    score = (
        f"# Score there: GAP {figures['validation_gap']:.3f} in validation and "
        f"{figures['gap']:.3f} in tests, Hit@1 {figures['validation_hit_at_one']:.3f} and "
        f"{figures['hit_at_one']:.3f}."
    )
    assert score in head
    assert "# Source: Kafle et al." in head
    assert "table 2, row" in head
    assert "\n# Time: " in head


def test_the_command_line_wins():
    model, training, data = parsed(
        *("--recipe=dsgmm", "--gamma=2", "--nogating", "--clip_mode=global", "--num_classes=6"),
        *("--feature_names=rgb,audio", "--feature_sizes=8,4"),
    )
    assert (model.gamma, model.gamma_means, model.gating, model.num_clusters) == (2, 2, False, 256)
    assert (training.clip_mode, training.base_learning_rate) == ("global", 0.0002)
    assert (data.num_classes, data.feature_sizes) == (6, (8, 4))


def test_aliases_and_original_flags_win_too():
    """`--netvlad_cluster_size` is `--num_clusters`; `--netvlad_relu` sets the activation."""
    model, *_ = parsed("--recipe=netvlad", "--netvlad_cluster_size=64", "--netvlad_relu")
    assert (model.num_clusters, model.hidden_activation) == (64, "relu6")
    with pytest.raises(UsageError, match=r"--num_clusters=8 and --netvlad_cluster_size=64"):
        parsed("--recipe=netvlad", "--netvlad_cluster_size=64", "--num_clusters=8")


def test_what_neither_sets_is_the_default():
    _, training, _ = parsed("--recipe=dsgmm")
    assert (training.seed, training.mixed_precision) == (0, "none")
    assert parsed("--recipe=") == parsed()


def test_unknown_recipes_are_refused_with_the_known_ones():
    with pytest.raises(UsageError, match=r"--recipe=dsgm: did you mean dsgmm") as refused:
        parsed("--recipe=dsgm")
    assert all(name in str(refused.value) for name in RECIPES)


@pytest.mark.parametrize("name", RECIPES)
def test_flag_files_are_read_by_absl(name):
    assert parsed(f"--flagfile={RECIPES[name]}") == parsed(f"--recipe={name}")
    own = ["--num_clusters=8"] if name != "average" else ["--hidden_size=8"]
    assert parsed(f"--flagfile={RECIPES[name]}", *own) == parsed(*own, f"--recipe={name}")


@pytest.fixture
def records(tmp_path):
    rng = np.random.default_rng(3)
    path = tmp_path / "train.tfrecord"
    write_records(
        path,
        [
            frame_record(
                f"v{i}".encode(), [i % 3], {"rgb": rng.integers(0, 256, (5, 8), dtype=np.uint8)}
            )
            for i in range(12)
        ],
    )
    return str(path)


def test_a_training_by_a_recipe_goes_on(records, tmp_path):
    """What the recipe sets is recorded; the same command goes on, another recipe does not."""

    def run(name, *flags):
        arguments = PROGRAM.parse(
            [
                *(f"--train_data_pattern={records}", f"--eval_data_pattern={records}"),
                *(f"--train_dir={tmp_path / 'run'}", f"--recipe={name}", "--feature_sizes=8"),
                *("--num_classes=3", "--num_clusters=2", "--hidden_size=4", "--batch_size=6"),
                *("--nojit_compile", "--export_model_steps=1", *flags),
            ]
        )
        return train(arguments[TrainConfig], arguments[DataConfig], arguments[ModelConfig])

    run("netvlad", "--max_steps=1")
    directory = tmp_path / "run"
    recorded = json.loads((directory / "training_flags.json").read_text())
    assert recorded == {
        "base_learning_rate": 0.0002,
        "learning_rate_decay": 0.8,
        "learning_rate_decay_examples": 4e6,
        "clip_mode": "value",  # where the model's own default is per_variable
    }
    model = json.loads((directory / "model_flags.json").read_text())
    assert (model["model"], model["final_norm"], model["num_clusters"]) == (
        *("NetVLADModelLF", False),
        2,
    )
    run("netvlad", "--max_steps=2")
    steps = [line.split(",")[0] for line in (directory / "validation.csv").read_text().split()]
    assert steps == ["step", "1", "2"]
    assert json.loads((directory / "training_flags.json").read_text()) == recorded
    with pytest.raises(ValueError, match=r"--model: NetVLADModelLF there, DSGMMModel now"):
        run("dsgmm", "--max_steps=3")
