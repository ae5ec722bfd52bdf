"""Tests of `yt8m sweep`: spaces, trials and what is written of them."""

import csv
import json
import re
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("optuna", reason="needs the extra `sweep`")

from yt8m_models.__main__ import program
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.features.feature_table import FeatureTable
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.program.interruption import Interruption
from yt8m_models.recipes.sweep.config import SWEEP_RECIPES
from yt8m_models.storage.file_lock import lock_file
from yt8m_models.sweep import sweeping
from yt8m_models.sweep.__main__ import PROGRAM
from yt8m_models.sweep.config import SweepConfig
from yt8m_models.sweep.dimension import Dimension
from yt8m_models.sweep.objective import read_objective
from yt8m_models.sweep.process import run_program
from yt8m_models.sweep.report import draw, write_image
from yt8m_models.sweep.space import parse_space
from yt8m_models.sweep.sweeping import sweep
from yt8m_models.sweep.trial import RUNNING
from yt8m_models.sweep.trials import Trials

TRAIN = program("train-embedding")
COMMAND = ("train-embedding", "--graph_dir=graph", "--features_dir=features")
SPACE = "margin/mining=0/hardest,0.1/semi_hard; batch_size=uniform(2,9)"
ROOT = Path(__file__).resolve().parents[2]


def objective(given):
    """It falls with the margin and rises with the batch."""
    return 10 + given.batch_size / 100 - given.margin


class FakeProgram:
    """In place of processes: a training whose ndcg rises to `objective` of its flags.

    Attributes:
        runs: the flags of each run.
        fails: margins of the runs that fail.
        dies_at: the number of the run in which the sweep dies, or `None`.
        is_stopped: whether a signal ends the runs.
    """

    def __init__(self):
        self.runs = []
        self.fails = ()
        self.dies_at = None
        self.is_stopped = False

    def __call__(self, name, argv, log, interruption):
        if self.is_stopped:
            return None
        given = TRAIN.parse(argv)[EmbeddingTrainConfig]
        self.runs.append(given)
        Path(log).write_text("20 videos\nyt8m train-embedding: the loss became infinite\nbye\n")
        if len(self.runs) - 1 == self.dies_at:
            raise RuntimeError("killed")
        if given.margin in self.fails:
            return 1
        Path(given.train_dir).mkdir(exist_ok=True)
        value = objective(given)
        values = (value / 2, value)
        lines = ["step,ndcg", *(f"{step},{value}" for step, value in enumerate(values))]
        Path(given.train_dir, "validation.csv").write_text("\n".join(lines))
        return 0


@pytest.fixture
def fake(monkeypatch):
    fake = FakeProgram()
    monkeypatch.setattr(sweeping, "run_program", fake)
    monkeypatch.setattr(sweeping, "write_image", lambda *given: [])  # which takes a while
    return fake


@pytest.fixture
def config(tmp_path):
    def config(**flags):
        defaults = {
            "command": COMMAND,
            "space": SPACE,
            "objective": "ndcg",
            "output_dir": str(tmp_path / "out"),
            "trials": 6,
        }
        return SweepConfig(**{**defaults, **flags})

    return config


def lines(config):
    with open(Path(config.output_dir, "results.csv"), newline="") as file:
        return list(csv.DictReader(file))


def test_a_space_is_read_by_the_flags_of_the_program():
    text = (
        "margin/mining=0/hardest, 0.1/semi_hard; base_learning_rate=log(1e-4, 0.1);"
        ' batch_size=uniform(2,9); hidden_size=8,"8,4"'
    )
    assert parse_space(text, TRAIN) == [
        Dimension(("margin", "mining"), ("0/hardest", "0.1/semi_hard")),
        Dimension(("base_learning_rate",), (), 1e-4, 0.1, True),
        Dimension(("batch_size",), (), 2, 9, False),
        Dimension(("hidden_size",), ("8", "8,4")),
    ]
    joint = parse_space(text, TRAIN)[0]
    assert joint.arguments("0/hardest") == ["--margin=0", "--mining=hardest"]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "--space must name a flag"),
        ("margin", "--space, margin: it must be a flag, =, and its values"),
        ("marginn=1", "--space, marginn=1: Unknown command line flag 'marginn'. Did you mean"),
        ("margin=0.1,-1", "--margin must be at least 0; received -1.0"),
        ("mining=hard", "--mining=hard: did you mean hardest"),
        ("batch_size=1.5", "batch_size=1.5"),
        ("margin/mining=1", "1 must have a value for each of margin/mining"),
        ("margin/mining=1/none/2", "1/none/2 must have a value for each"),
        ("margin/batch_size=uniform(1,2)", "have values, and no range"),
        ("jit_compile=uniform(0,1)", "a range needs a flag that takes a number"),
        ("margin=log(0,1)", "a range must begin above 0, below its end"),
        ("margin=uniform(1,1)", "a range must begin below its end"),
        ("margin=0.1,0.1", "its values must differ"),
        ("margin=0.1; margin/mining=0/none", "each flag once; received --margin again"),
    ],
)
def test_wrong_spaces_are_refused_by_their_entry(text, message):
    with pytest.raises(ValueError, match="--space") as error:
        parse_space(text, TRAIN)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"command": ("train-embeding",)}, "there is no program 'train-embeding' to run"),
        ({"command": ("sweep",)}, "there is no program 'sweep' to run"),
        ({"command": ("train-embedding",)}, "--graph_dir must be given"),
        ({"command": (*COMMAND, "--margin=1")}, "--margin=1 cannot be given after --"),
        ({"command": (*COMMAND, "--train_dir=x")}, "--train_dir=x cannot be given after --"),
        ({"space": "train_dir=a,b"}, "--space cannot have --train_dir"),
        ({"command": ("score",), "space": "top_k=1,2"}, "neither --train_dir nor --output_dir"),
        ({"sampler": "grid"}, "--sampler=grid needs values, and --space has a range of batch_size"),
        ({"output_dir": "gs://bucket/sweep"}, "--output_dir must be on this machine"),
    ],
)
def test_wrong_flags_are_refused_before_the_first_trial(flags, message, config, fake):
    with pytest.raises(ValueError, match=re.escape(message)):
        sweep(config(**flags))
    assert fake.runs == []


def test_the_best_trial_is_found_and_reported(config, fake, capsys):
    config = config(sampler="random")
    assert sweep(config) is None
    found = [objective(run) for run in fake.runs]
    best = int(np.argmax(found))
    rows = lines(config)
    assert [float(row["ndcg"]) for row in rows] == pytest.approx(found)
    assert [row["margin/mining"] for row in rows] == [
        {0.0: "0/hardest", 0.1: "0.1/semi_hard"}[run.margin] for run in fake.runs
    ]
    assert [int(row["batch_size"]) for row in rows] == [run.batch_size for run in fake.runs]
    assert {row["state"] for row in rows} == {"complete"}
    out = Path(config.output_dir)
    assert [run.train_dir for run in fake.runs] == [f"{out}/trials/{n:04}" for n in range(6)]
    again = TRAIN.parse([f"--flagfile={out / 'best.flags'}", "--train_dir=final"])
    given = again[EmbeddingTrainConfig]
    expected = fake.runs[best]
    assert (given.margin, given.mining) == (expected.margin, expected.mining)
    assert (given.batch_size, given.graph_dir) == (expected.batch_size, "graph")
    assert f"The best of 6 trials: {best}, ndcg {found[best]:.6g}" in capsys.readouterr().out
    pytest.importorskip("matplotlib", reason="the image needs matplotlib")
    dimensions = parse_space(SPACE, TRAIN)
    trials = Trials(config, dimensions, str(out / "journal.log")).all()
    panels = draw("ndcg", dimensions, trials, trials[best]).axes
    assert [panel.get_title(loc="left") for panel in panels] == ["margin/mining", "batch_size"]
    points = [line.get_xydata()[0] for line in panels[1].get_lines()]
    assert np.allclose(points, [(run.batch_size, objective(run)) for run in fake.runs])
    assert write_image(config, dimensions, trials) == [f"{out}/objective.png"]
    assert (out / "objective.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("sampler", ["tpe", "random", "grid"])
def test_a_sweep_that_is_killed_goes_on_as_if_it_was_not(sampler, config, fake, tmp_path):
    """The trial in which it died is done again, and those after it have the same settings."""
    space = SPACE if sampler != "grid" else "margin=0.1,0.2,0.3,0.4; batch_size=2,3,4,5"
    flags = {"sampler": sampler, "space": space, "trials": 13}
    whole = config(output_dir=str(tmp_path / "whole"), **flags)
    sweep(whole)
    settings = [(run.margin, run.batch_size) for run in fake.runs]
    fake.runs.clear()
    fake.dies_at = 11
    config = config(**flags)
    with pytest.raises(RuntimeError):
        sweep(config)
    fake.dies_at = None
    with open(Path(config.output_dir, "journal.log"), "ab") as journal:
        journal.write(b'{"op_code":5,"worker')  # the power failed while more was written
    sweep(config)
    runs = [(run.margin, run.batch_size) for run in fake.runs]
    assert runs == settings[:12] + settings[11:]
    assert fake.runs[11].train_dir == fake.runs[12].train_dir
    assert [row["trial"] for row in lines(config)] == [str(number) for number in range(13)]
    assert [row["ndcg"] for row in lines(config)] == [row["ndcg"] for row in lines(whole)]
    sweep(config)
    assert len(fake.runs) == 14


def test_a_trial_whose_settings_were_chosen_in_part_is_completed(config, tmp_path):
    dimensions = parse_space(SPACE, TRAIN)
    journal = str(tmp_path / "journal.log")
    first = Trials(config(), dimensions[:1], journal).next()
    trials = Trials(config(), dimensions, journal)
    both = trials.next()
    assert (both.number, both.settings["margin/mining"]) == (0, first.settings["margin/mining"])
    assert 2 <= int(both.settings["batch_size"]) <= 9
    assert [(each.number, each.state) for each in trials.all()] == [(0, RUNNING)]


def test_a_grid_has_each_point_once(config, fake):
    config = config(sampler="grid", space="margin=0.1,0.2,0.3; batch_size=2,3", trials=None)
    sweep(config)
    points = [(run.margin, run.batch_size) for run in fake.runs]
    assert sorted(points) == [(margin, size) for margin in (0.1, 0.2, 0.3) for size in (2, 3)]
    assert points != sorted(points)


def test_tpe_finds_what_random_does_not(config, fake):
    """Of 40 batch sizes up to 10,000, more than half of the last 20 are in the highest quarter."""
    space = "batch_size=uniform(1,10000)"
    sweep(config(space=space, trials=40))
    assert sum(run.batch_size > 7500 for run in fake.runs[20:]) > 10


def test_the_lowest_can_be_the_best(config, fake, capsys):
    space = "margin=0.3,0.1,0.2"
    sweep(config(sampler="grid", space=space, direction="minimize", trials=None))
    lowest = [run.margin for run in fake.runs].index(0.3)
    assert f"The best of 3 trials: {lowest}, " in capsys.readouterr().out


def test_failed_trials_are_recorded_and_not_done_again(config, fake, capsys):
    flags = {"sampler": "grid", "space": "margin=0.1,0.2,0.3", "trials": None}
    fake.fails = (0.2,)
    sweep(config(**flags))
    rows = {row["margin"]: row for row in lines(config(**flags))}
    assert (rows["0.2"]["state"], rows["0.2"]["ndcg"]) == ("failed", "")
    assert rows["0.2"]["error"] == "the loss became infinite"
    assert rows["0.1"]["state"] == rows["0.3"]["state"] == "complete"
    assert "1 of 3 trials failed: their errors are in results.csv" in capsys.readouterr().out
    sweep(config(**flags))
    assert len(fake.runs) == 3


def test_too_many_failed_trials_end_the_sweep_until_more_may_fail(config, fake):
    fake.fails = (0.0, 0.1)
    with pytest.raises(
        ValueError, match=r"2 trials failed, more than --max_failed_trials=1; "
    ) as e:
        sweep(config(max_failed_trials=1))
    assert "trial 1: the loss became infinite" in str(e.value)
    assert len(fake.runs) == 2
    fake.fails = ()
    sweep(config(max_failed_trials=2))
    assert [row["state"] for row in lines(config())] == ["failed"] * 2 + ["complete"] * 4


def test_as_many_failures_at_the_end_are_an_error_too(config, fake):
    fake.fails = (0.0, 0.1)
    with pytest.raises(ValueError, match="2 trials failed, more than --max_failed_trials=1"):
        sweep(config(trials=2, max_failed_trials=1))


def test_a_trial_that_was_stopped_from_outside_is_no_end(config, fake):
    fake.is_stopped = True
    with pytest.raises(ValueError, match="the process of trial 0 was stopped from outside"):
        sweep(config())
    fake.is_stopped = False
    sweep(config())
    assert [row["state"] for row in lines(config())] == ["complete"] * 6


def test_more_trials_can_be_added_and_other_flags_not(config, fake):
    sweep(config(trials=2))
    sweep(config(trials=3))
    assert len(fake.runs) == 3
    with pytest.raises(ValueError, match=r"belongs to another sweep:\n  --seed: 0 there, 1 now"):
        sweep(config(seed=1))


def test_a_wrong_objective_is_named_and_can_be_put_right(config, fake):
    with pytest.raises(ValueError, match=r"--objective=NDCG is no column of .*: did you mean ndcg"):
        sweep(config(objective="NDCG"))
    sweep(config())
    assert [row["state"] for row in lines(config())] == ["complete"] * 6


@pytest.mark.parametrize(
    ("text", "highest", "lowest"),
    [
        ("a,b\n1,x\n3,\n2,nan\n", 3.0, 1.0),
        ("a,b\n", None, None),
        ("b,a\n1,nan\n2,inf\n", None, None),
    ],
)
def test_the_objective_is_the_best_finite_value(text, highest, lowest, tmp_path):
    path = tmp_path / "results.csv"
    path.write_text(text)
    assert read_objective(str(path), "a", "maximize") == highest
    assert read_objective(str(path), "a", "minimize") == lowest


def test_one_directory_has_one_sweep_at_a_time(config, fake):
    config = config()
    Path(config.output_dir).mkdir()
    with open(Path(config.output_dir, ".lock"), "w") as file:
        assert lock_file(file, wait=False)
        with pytest.raises(ValueError, match="another sweep is running in --output_dir="):
            sweep(config)
    sweep(config)


def test_a_dry_run_prints_the_commands_and_writes_nothing(config, fake, capsys):
    config = config(dry_run=True, trials=12, space='margin=0.3; hidden_size="8,4",8')
    sweep(config)
    *commands, rest = capsys.readouterr().out.splitlines()
    assert rest == "… and 2 trials that depend on what these find"
    assert len(commands) == 10
    yt8m, name, *argv = shlex.split(commands[3])
    assert (yt8m, name) == ("yt8m", "train-embedding")
    assert TRAIN.parse(argv)[EmbeddingTrainConfig].margin == 0.3
    assert fake.runs == []
    assert not Path(config.output_dir).exists()


def test_the_recipe_is_the_papers_search():
    """Section 4.1.1, and the margin of 3.2.1 with the hardest negative: 4 x 7 x 3 x 2 points."""
    head = Path(SWEEP_RECIPES["cdml"]).read_text("utf-8").split("\n--")[0]
    command = head.split("#   yt8m sweep ")[1].split("\n#\n")[0].replace("\\\n#", "")
    argv = shlex.split(command)
    config = PROGRAM.parse(argv)[SweepConfig]
    assert (config.objective, config.direction) == ("ndcg", "maximize")
    assert config.command[0] == "train-embedding"
    choices = {each.name: each.choices for each in parse_space(config.space, TRAIN)}
    assert choices == {
        "margin/mining": ("0/hardest", "0.1/semi_hard", "0.3/semi_hard", "0.5/semi_hard"),
        "base_learning_rate": ("0.001", "0.005", "0.01", "0.03", "0.05", "0.07", "0.1"),
        "learning_rate_decay": ("0.998", "0.996", "0.994"),
        "learning_rate_decay_steps": ("100000", "150000"),
    }


def test_a_program_runs_in_a_process_and_its_output_goes_to_a_file(tmp_path):
    log = tmp_path / "log"
    log.write_text("before\n")
    assert run_program("score", ["--top_k=none"], str(log), Interruption()) == 2
    first, error, *_ = log.read_text().splitlines()
    assert first == "before"
    assert error.startswith("yt8m score: ")
    assert "top_k" in error


@pytest.mark.slow
def test_trainings_in_processes_of_their_own(tmp_path):
    """A signal stops the sweep within a training, and the same command ends it."""
    rng = np.random.default_rng(0)
    ids = [f"v{number:02}".encode() for number in range(40)]
    edges = np.array(
        [(one, other) for one in range(40) for other in range(one) if one % 5 == other % 5]
    )
    graph = CoWatchGraph.from_edges(
        VideoIds(ids), edges, np.ones(len(edges), int), np.zeros(40, bool)
    )
    graph.save(tmp_path / "graph")
    features = rng.standard_normal((40, 6)).astype(np.float32)
    FeatureTable.write(tmp_path / "features", ids, [features], ("mean_rgb",), (6,))
    command = [
        *(sys.executable, "-m", "yt8m_models", "sweep", "--space=margin=0.1,0.3"),
        *("--sampler=grid", "--objective=ndcg", f"--output_dir={tmp_path / 'out'}", "--"),
        *("train-embedding", f"--graph_dir={tmp_path / 'graph'}"),
        *(f"--features_dir={tmp_path / 'features'}", "--batch_size=16", "--hidden_size=8"),
        *("--embedding_size=4", "--max_steps=600", "--export_model_steps=50", "--nojit_compile"),
        *("--validation_fraction=0.2", "--projector_videos=0"),
    ]
    log = tmp_path / "out" / "trials" / "0000.log"
    with subprocess.Popen(command, cwd=ROOT) as process:
        while process.poll() is None and not (log.exists() and "saved" in log.read_text()):
            time.sleep(0.2)
        process.terminate()
    assert process.returncode == 128 + signal.SIGTERM
    subprocess.run(command, cwd=ROOT, check=True)
    assert "Resuming from" in log.read_text()
    with open(tmp_path / "out" / "results.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["state"] for row in rows] == ["complete", "complete"]
    assert json.loads((tmp_path / "out" / "sweep.json").read_text())["objective"] == "ndcg"
