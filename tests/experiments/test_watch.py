"""Tests of `yt8m_models.experiments.watch`, on a small synthetic world."""

import csv
import dataclasses
import importlib
import itertools
import json
import shlex
from pathlib import Path

import numpy as np
import pytest

from yt8m_models.__main__ import PROGRAMS, program
from yt8m_models.config import DataConfig
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.experiments.common import programs
from yt8m_models.experiments.common.rows import rows_of
from yt8m_models.experiments.watch import experiment, inputs
from yt8m_models.experiments.watch.__main__ import PROGRAM
from yt8m_models.experiments.watch.config import (
    FrameEmbeddingFlags,
    WatchConfig,
    WatchTrainingFlags,
)
from yt8m_models.experiments.watch.experiment import run_watch, train_and_measure
from yt8m_models.experiments.watch.paper import paper_figures
from yt8m_models.experiments.watch.report import WatchReport
from yt8m_models.experiments.watch.rows import tables
from yt8m_models.experiments.watch.runs import BASELINES, Result, plan
from yt8m_models.graph.build_graph.config import BuildGraphConfig
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.program.command import UsageError
from yt8m_models.program.interruption import Interruption
from yt8m_models.recommendation.mixed_effects.config import GLMixConfig
from yt8m_models.recommendation.mixed_effects.glmix import GLMix
from yt8m_models.samples.world.config import WorldConfig
from yt8m_models.samples.world.writing import write_world

pytest.importorskip("duckdb", reason="duckdb is in the extra recommend")
roc_auc_score = pytest.importorskip("sklearn.metrics").roc_auc_score

TINY = FrameEmbeddingFlags(hidden_size=(8,), embedding_size=6, num_clusters=3)
TRAINING = WatchTrainingFlags(
    max_steps=3, export_model_steps=3, batch_size=32, validation_fraction=0.0, jit_compile=False
)


def run_here(name, flags, interruption):
    """A program in this process."""
    words = [f"--{flag}={programs.flag_text(value)}" for flag, value in flags.items()]
    importlib.import_module(f"{PROGRAMS[name]}.__main__").main(program(name).parse(words))
    return True


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """The log and the frame-level records of a world, as flags."""
    summary = write_world(
        WorldConfig(
            str(tmp_path_factory.mktemp("watch") / "world"),
            num_videos=150,
            num_users=80,
            num_looks=3,
            sessions_per_user=6,
            feature_sizes=(16, 4),
            new_fraction=0.4,
            frame_features=True,
            min_frames=3,
            max_frames=5,
        )
    )
    return {"watch_log": summary.watch_log, "frame_features": summary.frame_pattern}


@pytest.fixture
def config(world, tmp_path):
    return WatchConfig(feature_sizes=(16,), seeds=(0,), output_dir=str(tmp_path / "out"), **world)


def planned(config, training=TRAINING, network=TINY):
    return plan(config, training, network, rows_of(tables(config)))


@pytest.fixture(scope="module")
def finished(world, tmp_path_factory):
    """A whole experiment that was interrupted before DSGMM and went on; what each part did."""
    config = WatchConfig(
        feature_sizes=(16,),
        seeds=(0,),
        keep_embeddings=True,
        output_dir=str(tmp_path_factory.mktemp("finished")),
        **world,
    )
    done = []

    def interrupted(function, run, interruption):
        if run.content == "dsgmm":
            interruption.signal = 15
            return None
        return all_of_it(function, run, interruption)

    def all_of_it(function, run, interruption):
        done.append(run.name)
        return function(run)

    def make(name, flags, interruption):
        done.append(name)
        return run_here(name, flags, interruption)

    parts = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(inputs, "run_program", make)
        for run in (interrupted, all_of_it, all_of_it):
            patch.setattr(experiment, "in_own_process", run)
            status = run_watch(config, TRAINING, TINY)
            lines = read_csv(f"{config.output_dir}/results.csv")
            parts.append((status, list(done), lines))
            done.clear()
    return config, parts


# --- rows and runs


def test_rows_of_the_tables(config):
    names = {table.name: [row.name for row in table.rows] for table in tables(config)}
    assert names == {
        "table6": ["average", "netvlad", "dsgmm"],
        "table7": ["none", "netvlad", "dsgmm"],
    }
    (table,) = tables(dataclasses.replace(config, tables=(7,), rows=("n*",)))
    assert [row.name for row in table.rows] == ["none", "netvlad"]


def test_a_dry_run_prints_the_papers_settings_of_each_row(config, tmp_path, capsys):
    """What is printed for a row, read by the programs that it names, is what section 3.4 says."""
    config = dataclasses.replace(config, dry_run=True)
    assert run_watch(config, WatchTrainingFlags(), FrameEmbeddingFlags()) is None
    assert not Path(config.output_dir).exists()
    *lines, last = capsys.readouterr().out.splitlines()
    assert last == "4 of 4 runs to do"
    words, row = {}, ""
    for line in lines:
        if line.startswith("to do  "):
            row = line.split()[2].rstrip(",")
        elif line.strip().startswith(("yt8m ", "--")):
            words.setdefault(row, []).extend(shlex.split(line))
    assert list(words) == ["average", "netvlad", "dsgmm", "none"]
    where = ["graph_dir", "features_dir", "train_dir", "embeddings_dir", "glmix_dir", "watch_log"]
    where = {"train-embedding": where[:3], "glmix": where[3:], "build-graph": where[5:]}
    parsed = {}
    for row, of_row in words.items():
        starts = [*(place for place, word in enumerate(of_row) if word == "yt8m"), len(of_row)]
        for start, end in itertools.pairwise(starts):
            name, flags = of_row[start + 1], of_row[start + 2 : end]
            flags += [f"--{flag}=x" for flag in where.get(name, [])]
            if name in ("split-log", "build-features", "build-graph"):
                flags.append("--output_dir=x")
            if (name, flags) != ("embed", ["--raw=true"]):
                parsed[row, name] = program(name).parse(flags)
    assert ("average", "glmix") not in parsed
    for row in ("netvlad", "dsgmm"):
        graph = parsed[row, "build-graph"][BuildGraphConfig]
        assert (graph.rule, graph.window_minutes) == ("valid_watch", 30)
        assert graph.min_watched_seconds == 30  # T, which the paper does not state
        assert graph.train_fraction == 1
        data = parsed[row, "build-features"][DataConfig]
        assert (data.frame_features, data.feature_names) == (True, ("rgb",))
        model = parsed[row, "train-embedding"][EmbeddingConfig]
        assert (model.fusion, model.pooling, model.num_clusters) == ("frames", row, 256)
        assert (model.intra_norm, model.final_norm, model.gamma) == (True, False, 0.125)
        assert len(model.hidden_size) == 1  # and the embedding: two layers
        training = parsed[row, "train-embedding"][EmbeddingTrainConfig]
        assert (training.loss, training.mining, training.negatives) == ("hinge", "none", "shown")
    for row in ("netvlad", "dsgmm", "none"):
        glmix = parsed[row, "glmix"][GLMixConfig]
        assert not glmix.global_coefficients
        assert glmix.video_features == (row != "none")
        assert glmix.min_watched_seconds == 30


def test_what_a_run_depends_on_names_its_directory(config):
    def directory(row="netvlad", training=TRAINING, network=TINY, **changes):
        changed = dataclasses.replace(config, **changes)
        return planned(changed, training, network)[row, 0].directory

    different = [
        directory(),
        directory("dsgmm"),
        directory(min_watched_seconds=10.0),
        directory(test_fraction=0.3),
        directory(test_after="2017-07-20"),
        directory(user_l2=2.0),
        directory(frame_features="other"),
        directory(training=dataclasses.replace(TRAINING, margin=0.5)),
        directory(network=dataclasses.replace(TINY, final_norm=True)),
    ]
    assert len(set(different)) == len(different)
    assert directory(training=dataclasses.replace(TRAINING, log_steps=7)) == directory()
    assert directory(tables=(6,)) == directory()
    for changes in ({"user_l2": 2.0}, {"seeds": (0, 1)}):
        assert directory("average", **changes) == directory("average")
    assert directory("none", user_l2=2.0) != directory("none")
    runs = planned(dataclasses.replace(config, seeds=(0, 1)))
    assert len({run.directory for run in runs.values()}) == 6  # two seeds of each network


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--watch_log=", "--watch_log must be given"),
        ("--frame_features=", "--frame_features must be given"),
        ("--tables=5", "--tables=5: must be one of 6, 7"),
        ("--tables=", "--tables or --figures must name one"),
        ("--test_after=soon", "--test_after must be seconds since 1970 or date and time"),
        ("--min_watched_seconds=-1", "--min_watched_seconds must be at least 0"),
    ],
)
def test_mistakes_in_the_command_line(flag, message):
    given = ["--watch_log=a.csv", "--frame_features=b", "--output_dir=c"]
    with pytest.raises(UsageError, match=message):
        PROGRAM.parse([*given, flag])


# --- programs that make the inputs


def test_a_program_in_a_process_of_its_own(tmp_path, capfd):
    log = tmp_path / "log.csv"
    log.write_text("user_id,video_id,timestamp\na,x,1\nb,x,2\n")
    flags = {"watch_log": str(log), "output_dir": str(tmp_path / "split"), "test_after": "2"}
    assert programs.run_program("split-log", flags, Interruption())
    assert (tmp_path / "split" / "test.csv").read_text().splitlines()[1:] == ['"b","x",2.0']
    with pytest.raises(ValueError, match="yt8m split-log failed with status 2"):
        programs.run_program("split-log", {**flags, "test_fraction": 2}, Interruption())
    assert "--test_fraction must be above 0 and below 1" in capfd.readouterr().err
    stopped = Interruption()
    stopped.signal = 15
    assert not programs.run_program("split-log", flags, stopped)


def test_a_signal_while_inputs_are_made(config, monkeypatch):
    def stopped(name, flags, interruption):
        interruption.signal = 15
        return False

    monkeypatch.setattr(inputs, "run_program", stopped)
    assert run_watch(config, TRAINING, TINY) == 15
    assert not Path(config.output_dir, "results.csv").exists()


# --- results


def result(metrics, seed=0):
    numbers = dict.fromkeys(("num_pairs", "num_unscored", "num_events", "num_cold_events"), 9)
    return Result(
        {}, seed, metrics, **numbers, step=3, validation_ndcg=0.5, num_parameters=7, seconds=1.0
    )


def test_gains_are_relative_to_the_first_row(config):
    """0.75 / 0.6 - 1 = 0.25; of seeds 0.7 and 0.8: 1/6 and 1/3, whose deviation is 0.1179."""
    config = dataclasses.replace(config, seeds=(0, 1))
    runs = planned(config)
    found = {
        ("average", 0): {"max_auc": 0.6, "mean_auc": 0.5},
        ("none", 0): {"glmix_auc": 0.5, "cold_auc": float("nan")},
        ("netvlad", 0): {"max_auc": 0.7, "mean_auc": 0.6, "glmix_auc": 0.55, "cold_auc": 0.6},
        ("netvlad", 1): {"max_auc": 0.8, "mean_auc": 0.6, "glmix_auc": 0.55, "cold_auc": 0.6},
    }
    for (row, seed), metrics in found.items():
        path = Path(runs[row, seed].directory)
        path.mkdir(parents=True)
        result(metrics, seed).write(str(path / "result.json"))
    WatchReport(config, tables(config), runs).write()
    average, netvlad, dsgmm, none, *_ = read_csv(f"{config.output_dir}/results.csv")
    assert (average["row"], average["runs"], float(average["max_gain_mean"])) == ("average", "1", 0)
    assert float(netvlad["max_gain_mean"]) == pytest.approx(0.25)
    assert float(netvlad["max_gain_std"]) == pytest.approx(np.std([1 / 6, 1 / 3], ddof=1))
    assert float(netvlad["mean_gain_mean"]) == pytest.approx(0.2)
    assert float(netvlad["glmix_gain_mean"]) == pytest.approx(0.1)
    assert (netvlad["cold_gain_mean"], netvlad["paper_max_gain"]) == ("", "0.1696")
    assert (dsgmm["runs"], dsgmm["max_gain_mean"]) == ("0", "")
    assert (none["glmix_gain_mean"], none["max_auc_mean"]) == ("0.0", "")
    text = Path(config.output_dir, "results.md").read_text()
    assert "| row | Max similarity: AUC | Max similarity: gain | Max similarity: gain, paper |" in (
        text
    )
    line = "| 2-layer network + NetVLAD | 0.7500 ± 0.0707 | 0.2500 ± 0.1179 | 0.1696 | 0.6000 ± "
    assert line in text
    runs_csv = read_csv(f"{config.output_dir}/runs.csv")
    assert [(line["rows"], line["seed"], line["cold_auc"]) for line in runs_csv] == [
        *(("average", "0", ""), ("netvlad", "0", "0.6"), ("none", "0", ""), ("netvlad", "1", "0.6"))
    ]


def test_figures_of_the_paper_stand_at_rows(config):
    at_rows = {(table.name, row.name) for table in tables(config) for row in table.rows}
    assert set(paper_figures()) == at_rows - {("table6", "average"), ("table7", "none")}
    assert paper_figures()["table6", "dsgmm"] == {"max_gain": 0.1784, "mean_gain": 0.1926}
    assert paper_figures()["table7", "dsgmm"] == {"glmix_gain": 0.0385, "cold_gain": 0.0544}


# --- a whole experiment


def test_going_on_after_an_interruption(finished):
    """Neither the inputs nor the runs that are done are made again."""
    _, (first, second, third) = finished
    made = ["split-log", "build-features", "build-graph"]
    assert first[:2] == (15, [*made, "average, seed 0", "netvlad, seed 0"])
    assert second[:2] == (None, ["dsgmm, seed 0", "none, seed 0"])
    assert third[:2] == (None, [])
    assert [line["runs"] for line in first[2]] == ["1", "1", "0", "0", "1", "0"]
    assert [line["runs"] for line in second[2]] == ["1"] * 6
    assert first[2][1]["max_auc_mean"] == second[2][1]["max_auc_mean"]
    assert third[2] == second[2]


def labelled(path):
    """User, video and whether it was watched for more than 30 seconds, of each row."""
    return [
        (
            row["user_id"],
            row["video_id"],
            int(float(row["watched_seconds"]) > 30 and row["impression"] == "0"),
        )
        for row in read_csv(path)
    ]


@pytest.mark.parametrize("row", ["average", "netvlad", "dsgmm"])
def test_auc_equals_that_of_the_written_embeddings(finished, row):
    """By plain loops over the two logs, and scikit-learn."""
    config, parts = finished
    run = planned(config)[row, 0]
    embeddings = Embeddings.load(run.embeddings_dir)
    by_id = {
        name.decode(): vector
        for name, vector in zip(embeddings.ids, embeddings.vectors(), strict=True)
    }
    history = {}
    for user, video, is_watched in labelled(run.inputs.train_log):
        if is_watched:
            history.setdefault(user, set()).add(video)
    labels, means, largest = [], [], []
    for user, video, label in labelled(run.inputs.test_log):
        if user in history:
            cosines = [float(by_id[video] @ by_id[other]) for other in history[user]]
            labels.append(label)
            means.append(np.mean(cosines))
            largest.append(np.max(cosines))
    line = next(line for line in parts[-1][2] if line["row"] == row)
    assert len(labels) > 300
    for metric, scores in (("mean_auc", means), ("max_auc", largest)):
        expected = roc_auc_score(labels, np.round(scores, 5))
        assert float(line[f"{metric}_mean"]) == pytest.approx(expected, abs=1e-3)
    record = json.loads(Path(run.directory, "result.json").read_text())
    assert record["num_pairs"] == len(labels)
    if row == "average":
        assert len(by_id) == 150
        frames = 16
        assert embeddings.vectors().shape == (150, frames)


@pytest.mark.parametrize("row", ["none", "netvlad"])
def test_auc_of_glmix_equals_that_of_its_coefficients(finished, row):
    """Equation 18: b + a_u + c_u·e_v; cold-start videos are those that nobody watched before."""
    config, parts = finished
    run = planned(config)[row, 0]
    glmix, embeddings = GLMix.load(run.glmix.glmix_dir), Embeddings.load(run.embeddings_dir)
    assert not glmix.fixed[1:].any()
    events = labelled(run.inputs.test_log)
    users = glmix.users.rows([user for user, _, _ in events])
    parts_of_users = np.where((users >= 0)[:, None], glmix.coefficients[users], 0)
    scores = parts_of_users[:, 0].astype(float)
    if row != "none":
        vectors = embeddings.take(embeddings.ids.rows([video for _, video, _ in events]))
        scores += np.sum(parts_of_users[:, 1:] * vectors, axis=1)
    labels = np.array([label for _, _, label in events])
    watched_before = {
        line["video_id"] for line in read_csv(run.inputs.train_log) if line["impression"] == "0"
    }
    is_cold = np.array([video not in watched_before for _, video, _ in events])
    line = next(line for line in parts[-1][2] if line["row"] == row)
    assert is_cold.sum() > 30
    for metric, counts in (("glmix_auc", np.ones_like(is_cold)), ("cold_auc", is_cold)):
        expected = roc_auc_score(labels[counts], np.round(scores[counts], 5))
        assert float(line[f"{metric}_mean"]) == pytest.approx(expected, abs=1e-3)


def test_nothing_of_a_cold_start_video_trains(finished):
    config, _ = finished
    run = planned(config)["netvlad", 0]
    log_dir = Path(run.inputs.train_log).parent
    cold = set((log_dir / "cold_start_videos.txt").read_text().split())
    assert len(cold) > 5
    graph = CoWatchGraph.load(run.inputs.graph_dir)
    assert not graph.is_eval.any()
    assert not cold & {video.decode() for video in graph.ids}
    assert not cold & {video.decode() for video in GLMix.load(run.glmix.glmix_dir).trained_videos}
    assert cold & {video for _, video, _ in labelled(run.inputs.test_log)}


def test_embeddings_are_removed_unless_told_otherwise(finished, config, monkeypatch):
    whole, _ = finished
    run = planned(dataclasses.replace(whole, keep_embeddings=False))["average", 0]
    metrics = run.result().metrics
    assert Path(run.embeddings_dir).exists()
    again = dataclasses.replace(run, directory=f"{config.output_dir}/again")
    assert train_and_measure(again).metrics == metrics
    assert sorted(path.name for path in Path(again.directory).iterdir()) == ["result.json"]
    assert set(metrics) == {"max_auc", "mean_auc"} < set(BASELINES)


@pytest.mark.slow
def test_trained_embeddings_beat_average_pooling(tmp_path, monkeypatch):
    """In a larger world, after 150 steps: by both similarities, and GLMix with features."""
    summary = write_world(
        WorldConfig(
            str(tmp_path / "world"),
            num_videos=600,
            num_users=500,
            num_looks=4,
            feature_sizes=(32, 8),
            new_fraction=0.3,
            frame_features=True,
            min_frames=8,
            max_frames=12,
        )
    )
    config = WatchConfig(
        watch_log=summary.watch_log,
        frame_features=summary.frame_pattern,
        feature_sizes=(32,),
        seeds=(0,),
        output_dir=str(tmp_path / "out"),
    )
    monkeypatch.setattr(inputs, "run_program", run_here)
    monkeypatch.setattr(experiment, "in_own_process", lambda function, run, _: function(run))
    training = dataclasses.replace(TRAINING, max_steps=150, export_model_steps=150, batch_size=256)
    network = dataclasses.replace(TINY, hidden_size=(64,), embedding_size=16, num_clusters=8)
    assert run_watch(config, training, network) is None
    lines = {line["row"]: line for line in read_csv(f"{config.output_dir}/results.csv")}
    least = {"max_gain": 0.02, "mean_gain": 0.02, "glmix_gain": 0.1, "cold_gain": 0.1}
    for row in ("netvlad", "dsgmm"):
        gains = {gain: float(lines[row][f"{gain}_mean"]) for gain in least}
        assert all(gains[gain] > least[gain] for gain in least), (row, gains)
