"""Tests of `yt8m_models.experiments.cdml`, on small synthetic worlds."""

import csv
import dataclasses
import math
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from yt8m_models.config import DataConfig
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.embedding.train.__main__ import PROGRAM as TRAIN
from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.experiments.cdml import experiment
from yt8m_models.experiments.cdml.__main__ import PROGRAM
from yt8m_models.experiments.cdml.config import CDMLConfig
from yt8m_models.experiments.cdml.experiment import CDMLReport, run_cdml, train_and_measure
from yt8m_models.experiments.cdml.paper import paper_figures
from yt8m_models.experiments.cdml.rows import tables
from yt8m_models.experiments.cdml.runs import METRICS, Result, plan
from yt8m_models.experiments.common.embedding_training import EmbeddingTrainingFlags
from yt8m_models.experiments.common.rows import rows_of
from yt8m_models.experiments.common.running import in_own_process
from yt8m_models.features.build_features.building import build_features
from yt8m_models.features.build_features.config import BuildFeaturesConfig
from yt8m_models.graph.build_graph.building import build_graph
from yt8m_models.graph.build_graph.config import BuildGraphConfig
from yt8m_models.program.command import UsageError
from yt8m_models.program.interruption import Interruption
from yt8m_models.retrieval.evaluate_retrieval.__main__ import PROGRAM as EVALUATE
from yt8m_models.retrieval.evaluation.config import EvaluateRetrievalConfig
from yt8m_models.retrieval.evaluation.evaluation import evaluate_retrieval
from yt8m_models.samples.world.config import WorldConfig
from yt8m_models.samples.world.writing import write_world

FEATURES = ("mean_rgb", "mean_audio")
MODEL = EmbeddingConfig(hidden_size=(64,), embedding_size=32)
TINY = EmbeddingConfig(hidden_size=(4,), embedding_size=8)
DIRECTORIES = {"graph_dir": "graph", "features_dir": "features", "output_dir": "out"}


def everything(**changes):
    return CDMLConfig(**{**DIRECTORIES, **changes})


def planned(config, flags=None, model=EmbeddingConfig()):  # noqa: B008
    flags = EmbeddingTrainingFlags() if flags is None else flags
    return plan(config, flags, model, FEATURES, rows_of(tables(config, model, FEATURES)))


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def steps(count, **changes):
    """So many steps of 256 triplets, one checkpoint, the last one measured."""
    arguments = {"validation_fraction": 0.0, "jit_compile": False, "batch_size": 256, **changes}
    return EmbeddingTrainingFlags(max_steps=count, export_model_steps=count, **arguments)


def world(directory, **changes):
    """A world of 600 videos, its graph and its features; their directories as flags."""
    sizes = {"num_videos": 600, "num_users": 400, "feature_sizes": (64, 16), **changes}
    summary = write_world(WorldConfig(str(directory / "world"), **sizes))
    graph_dir, features_dir = str(directory / "graph"), str(directory / "features")
    build_graph(BuildGraphConfig(watch_log=summary.watch_log, output_dir=graph_dir))
    build_features(
        BuildFeaturesConfig(data_pattern=summary.video_pattern, output_dir=features_dir),
        DataConfig(feature_names=FEATURES, feature_sizes=sizes["feature_sizes"]),
    )
    return {"graph_dir": graph_dir, "features_dir": features_dir}


@pytest.fixture(scope="module")
def small_world(tmp_path_factory):
    pytest.importorskip("duckdb", reason="duckdb is in the extra recommend")
    return world(tmp_path_factory.mktemp("cdml"))


@pytest.fixture
def config(small_world, tmp_path):
    """Raw features and bits, two seeds."""
    return CDMLConfig(
        tables=(1, 3),
        figures=(),
        rows=("raw-mean_rgb", "bits*"),
        bits=("32", "2"),
        seeds=(0, 1),
        output_dir=str(tmp_path / "out"),
        **small_world,
    )


# --- rows and runs


def test_rows_of_the_tables():
    config = everything(step_counts=(100, 20), embedding_sizes=(64, 16))
    found = {table.name: table.rows for table in tables(config, EmbeddingConfig(), FEATURES)}
    names = {name: [row.name for row in rows] for name, rows in found.items()}
    both = "mean_rgb+mean_audio"
    assert names == {
        "table1": ["random", "raw-mean_rgb", f"raw-{both}", "cdml-mean_rgb", f"cdml-{both}"],
        "table2": [
            f"{fusion}-{hidden}"
            for fusion in ("early", "late")
            for hidden in ("2560", "4000", "4000-512", "4000-1024")
        ],
        "table3": [
            *("bits-512x32", "bits-256x32", "bits-32x32"),
            *("bits-128x8", "bits-256x4", "bits-512x2"),
            *("bits-128x4", "bits-256x2", "bits-128x2"),
        ],
        "figure3-size": ["size-16", "size-64"],
        "figure3-steps": ["steps-20", "steps-100"],
    }
    assert [row.label for row in found["table3"]] == [
        *("512 x 32 bits, 2,048 bytes", "256 x 32 bits, 1,024 bytes", "32 x 32 bits, 128 bytes"),
        *("128 x 8 bits, 128 bytes", "256 x 4 bits, 128 bytes", "512 x 2 bits, 128 bytes"),
        *("128 x 4 bits, 64 bytes", "256 x 2 bits, 64 bytes", "128 x 2 bits, 32 bytes"),
    ]
    assert [row.label for row in found["table2"]][2:6] == [
        *("Early 4000-512-256", "Early 4000-1024-256", "Late 2560-256", "Late 4000-256")
    ]
    sizes = tables(everything(tables=(), step_counts=()), EmbeddingConfig(), FEATURES)[0].rows
    assert [row.name for row in sizes][-2:] == ["size-512", "size-1024"]


def test_one_feature_has_no_rows_twice():
    (table,) = tables(everything(tables=(1,), figures=()), EmbeddingConfig(), ("mean_rgb",))
    assert [row.name for row in table.rows] == ["random", "raw-mean_rgb", "cdml-mean_rgb"]


def test_what_each_row_changes():
    config = everything(step_counts=(50,), bits=("512x2", "4"))
    runs = planned(config, model=EmbeddingConfig(hidden_size=(500,)))
    run = runs["early-4000-1024", 1]
    assert (run.model.fusion, run.model.hidden_size, run.training.seed) == (
        "early",
        (4000, 1024),
        1,
    )
    assert runs["cdml-mean_rgb", 0].training.feature_names == ("mean_rgb",)
    assert runs["bits-4", 0].training.feature_names == FEATURES
    assert runs["size-64", 0].model == EmbeddingConfig(hidden_size=(500,), embedding_size=64)
    assert runs["bits-512x2", 0].model == EmbeddingConfig(hidden_size=(500,), embedding_size=512)
    assert (runs["steps-50", 0].training.max_steps, runs["size-64", 0].training.max_steps) == (
        50,
        100_000,
    )
    assert runs["raw-mean_rgb", 0].content == "raw"
    assert runs["random", 0].content == "random"
    none = planned(everything(hidden_sizes=("none",)))["late-none", 0]
    assert none.model.hidden_size == ()


@pytest.mark.parametrize(
    ("content_model", "network"),
    [("early-2560", ("early", (2560,))), ("late-none", ("late", ())), ("", ("late", (7,)))],
)
def test_the_network_of_table_1(content_model, network):
    config = everything(tables=(1,), figures=(), content_model=content_model)
    runs = planned(config, model=EmbeddingConfig(hidden_size=(7,)))
    for names in ("mean_rgb", "mean_rgb+mean_audio"):
        model = runs[f"cdml-{names}", 0].model
        assert (model.fusion, model.hidden_size, model.embedding_size) == (*network, 256)


def test_rows_with_equal_settings_are_one_run():
    """The default network is in tables 2 and 3 and in the figure; raw features have no seed.

    For each seed: random, CDML of rgb, 2 x 4 networks (table 1's of both features among them), 6
    further sizes and 2 further numbers of steps; and 2 of raw features.
    """
    runs = planned(everything(seeds=(0, 1)))
    same = ["late-4000", "bits-256x32", "bits-256x4", "bits-256x2", "size-256", "steps-100000"]
    for seed in (0, 1):
        assert len({runs[name, seed].directory for name in same}) == 1
        assert runs["late-4000", seed].retrieval.bits == (32, 4, 2)
        assert runs["early-4000", seed].retrieval.bits == (32,)
        assert runs["size-128", seed].retrieval.bits == (32, 8, 4, 2)
        assert runs["early-2560", seed] is runs["cdml-mean_rgb+mean_audio", seed]
    assert runs["raw-mean_rgb", 0] is runs["raw-mean_rgb", 1]
    assert len({run.directory for run in runs.values()}) == 2 * (1 + 1 + 8 + 6 + 2) + 2


# What the paper says of each row: fusion, hidden layers, embedding, bits (tables 2 and 3), and of
# the first two rows that "video only" is one tower (section 4.1.2).
PAPER_ROWS = {
    "cdml-mean_rgb": ("early", (2560,), 256, 32),
    "cdml-mean_rgb+mean_audio": ("early", (2560,), 256, 32),
    "early-2560": ("early", (2560,), 256, 32),
    "early-4000": ("early", (4000,), 256, 32),
    "late-4000": ("late", (4000,), 256, 32),
    "early-4000-512": ("early", (4000, 512), 256, 32),
    "early-4000-1024": ("early", (4000, 1024), 256, 32),
    "late-4000-1024": ("late", (4000, 1024), 256, 32),
    "bits-512x32": ("late", (4000,), 512, 32),
    "bits-256x32": ("late", (4000,), 256, 32),
    "bits-32x32": ("late", (4000,), 32, 32),
    "bits-128x8": ("late", (4000,), 128, 8),
    "bits-256x4": ("late", (4000,), 256, 4),
    "bits-512x2": ("late", (4000,), 512, 2),
    "bits-128x4": ("late", (4000,), 128, 4),
    "bits-256x2": ("late", (4000,), 256, 2),
    "bits-128x2": ("late", (4000,), 128, 2),
}
# Section 4.1.1: what is one of a grid is one of it here.
PAPER_TRAINING = {
    "loss": {"hinge"},
    "mining": {"semi_hard", "hardest"},
    "negatives": {"uniform"},
    "batch_size": {7200},
    "margin": {0.1, 0.3, 0.5},
    "base_learning_rate": {0.001, 0.005, 0.01, 0.03, 0.05, 0.07, 0.1},
    "learning_rate_decay": {0.998, 0.996, 0.994},
    "learning_rate_decay_steps": {100_000, 150_000},
}


def test_a_dry_run_prints_the_papers_settings_of_each_row(small_world, tmp_path, capsys):
    """What is printed for a row, read by the programs that it names, is what the paper says."""
    config = CDMLConfig(output_dir=str(tmp_path), seeds=(0,), dry_run=True, **small_world)
    run_cdml(config, EmbeddingTrainingFlags(), EmbeddingConfig())
    flags, directory = {}, ""
    for line in capsys.readouterr().out.splitlines()[:-1]:
        if line.startswith("to do  "):
            directory = line.rsplit("  ", 1)[1]
        elif line.strip().startswith(("yt8m ", "--")):
            flags.setdefault(directory, []).extend(shlex.split(line.replace("yt8m ", "")))
    runs = planned(config)
    where = ["--graph_dir=graph", "--features_dir=features", "--train_dir=train"]
    measure = ["--graph_dir=graph", "--embeddings_dirs=a=b", "--output_dir=out"]
    for name, (fusion, hidden, size, bits) in PAPER_ROWS.items():
        words = flags[runs[name, 0].directory]
        second = words.index("evaluate-retrieval")
        assert words[0] == "train-embedding"
        trained = TRAIN.parse([*words[1:second], *where])
        retrieval = EVALUATE.parse([*words[second + 1 :], *measure])[EvaluateRetrievalConfig]
        model, training = trained[EmbeddingConfig], vars(trained[EmbeddingTrainConfig])
        assert (model.fusion, model.hidden_size, model.embedding_size) == (fusion, hidden, size)
        assert bits in retrieval.bits, name
        assert (retrieval.top_k, retrieval.relevance) == (10, "binary")
        for flag, values in PAPER_TRAINING.items():
            assert training[flag] in values, (name, flag)


def test_figures_of_the_paper_stand_at_rows():
    """Every figure is of a row that there is, and no row of the paper lacks one."""
    found = tables(everything(figures=()), EmbeddingConfig(), FEATURES)
    figures = paper_figures(found)
    assert {row for _, row in figures} == set(PAPER_ROWS)
    assert {(table.name, row.name) for table in found for row in table.rows} >= set(figures)
    assert figures["table1", "cdml-mean_rgb"]["e2t_ndcg"] == 0.1038
    assert figures["table1", "cdml-mean_rgb+mean_audio"] == figures["table2", "early-2560"]
    assert figures["table2", "late-4000"] == {
        "t2e_ndcg": 0.0991,
        "e2t_ndcg": 0.1346,
        "t2e_map": 0.0313,
        "e2t_map": 0.0358,
    }
    assert figures["table3", "bits-256x4"] == {"t2e_ndcg": 0.0294, "e2t_ndcg": 0.0558}


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ("late-4000", "late-4000-256-269f55a83d"),
        ("early-4000", "early-4000-256-682533f165"),
        ("size-64", "late-4000-64-ded94fbe51"),
        ("raw-mean_rgb", "raw-c69a3b7d8f"),
        ("random", "random-256-b0cf6e23cf"),
    ],
)
def test_directories_have_the_names_of_earlier_versions(row, name):
    """Results of settings that were defaults once are found again by the flags that say so."""
    old = EmbeddingTrainingFlags(margin=0.2, learning_rate_decay=0.95)
    assert planned(everything(), old)[row, 0].directory == f"out/runs/{name}/seed0"


def test_norms_of_before_they_had_flags_name_no_directory():
    """NetVLAD had a final norm, which is its default no more."""
    for norms, named in (({}, {"final_norm": False}), ({"final_norm": True}, {})):
        model = EmbeddingConfig(fusion="frames", pooling="netvlad", **norms)
        settings = planned(everything(), model=model)["bits-32x32", 0].settings
        found = {name: settings[name] for name in ("intra_norm", "final_norm") if name in settings}
        assert found == named


def test_what_a_run_depends_on_names_its_directory():
    def directory(row="late-4000", flags=None, model=EmbeddingConfig(), **changes):  # noqa: B008
        return planned(everything(**changes), flags, model)[row, 0].directory

    first = directory()
    assert first.startswith("out/runs/late-4000-256-")
    assert first.endswith("/seed0")
    different = [
        directory(graph_dir="other"),
        directory(max_queries=10),
        directory(relevance="graded"),
        directory(flags=EmbeddingTrainingFlags(margin=0.5)),
        directory(flags=EmbeddingTrainingFlags(max_steps=10)),
        directory(model=EmbeddingConfig(hidden_activation="tanh")),
    ]
    assert len({first, *different}) == 7
    assert directory(flags=EmbeddingTrainingFlags(log_steps=7)) == first
    assert directory(bits=("32", "2")) == first
    assert directory("raw-mean_rgb", flags=EmbeddingTrainingFlags(margin=0.5)) == directory(
        "raw-mean_rgb"
    )


def test_rows_are_picked_by_name_or_pattern():
    found = tables(everything(rows=("raw*", "late-4000")), EmbeddingConfig(), FEATURES)
    assert {table.name: len(table.rows) for table in found} == {"table1": 2, "table2": 1}
    with pytest.raises(ValueError, match=r"--rows=row fits no row; there are random, raw-mean_rgb"):
        tables(everything(rows=("row",)), EmbeddingConfig(), FEATURES)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ("--graph_dir=", "--graph_dir must be given"),
        ("--tables=4", "--tables=4: must be one of 1, 2, 3"),
        ("--tables= --figures=", "--tables or --figures must name one"),
        ("--bits=16", "--bits=16: must be one of 32, 8, 4, 2"),
        ("--bits=0x4", "--bits=0x4: must be one of 32, 8, 4, 2, with a width of at least 1"),
        ("--content_model=2560", "--content_model must be a fusion .*; received '2560'"),
        ("--content_model=early-x", "--content_model must be none, or widths .*; received 'x'"),
        ("--bits=", "--bits must be given"),
        ("--fusions=middle", "--fusions=middle: must be one of late, early, frames"),
        ("--hidden_sizes=40x4", "--hidden_sizes must be none, or widths .*; received '40x4'"),
        ("--hidden_sizes=0", "--hidden_sizes must be none"),
        ("--seeds=1,1", "--seeds must have entries that differ; received 1,1"),
        ("--embedding_sizes=0", "--embedding_sizes must be at least 1"),
        ("--top_k=0", "--top_k must be at least 1"),
        ("--relevance=no", "--relevance=no"),
        ("--batch_size=0", "--batch_size must be at least 1"),
    ],
)
def test_mistakes_in_the_command_line(flags, message):
    directories = [f"--{name}={value}" for name, value in DIRECTORIES.items()]
    with pytest.raises(UsageError, match=message):
        PROGRAM.parse([*directories, *flags.split()])


def test_lists_in_the_command_line():
    flags = ["--step_counts=20,10", "--embedding_sizes=", "--bits=8,32", "--hidden_size=16,8"]
    directories = [f"--{name}={value}" for name, value in DIRECTORIES.items()]
    arguments = PROGRAM.parse([*directories, *flags, "--max_steps=7"])
    config = arguments[CDMLConfig]
    assert (config.step_counts, config.embedding_sizes, config.bits) == ((20, 10), (), ("8", "32"))
    assert arguments[EmbeddingConfig].hidden_size == (16, 8)
    assert arguments[EmbeddingTrainingFlags].max_steps == 7


# --- results


def result(values, seed=0):
    """A result with these values of T2E NDCG by bits, and half of each as MAP."""
    return Result(
        settings={},
        seed=seed,
        quality={
            bits: dict(zip(METRICS, (value, value / 2, 0.1, 0.2), strict=True))
            for bits, value in values.items()
        },
        step=7,
        validation_ndcg=float("nan"),
        num_parameters=100,
        seconds=2.0,
    )


def test_means_and_spreads(config):
    """Mean (0.5 + 0.7) / 2 and deviation sqrt(2 · 0.1² / 1) = 0.141421; raw has one run."""
    found = tables(config, MODEL, FEATURES)
    runs = plan(config, steps(10), MODEL, FEATURES, rows_of(found))
    for run in runs.values():
        Path(run.directory).mkdir(parents=True, exist_ok=True)
    for seed, value in ((0, 0.5), (1, 0.7)):
        path = f"{runs['bits-2', seed].directory}/result.json"
        result({32: value, 2: value / 10}, seed).write(path)
    result({32: 0.25}).write(f"{runs['raw-mean_rgb', 0].directory}/result.json")
    CDMLReport(config, found, runs).write()
    raw, exact, coarse = read_csv(f"{config.output_dir}/results.csv")
    assert [line["runs"] for line in (raw, exact, coarse)] == ["1", "2", "2"]
    assert (raw["t2e_ndcg_mean"], raw["t2e_ndcg_std"]) == ("0.25", "")
    assert math.isclose(float(exact["t2e_ndcg_mean"]), 0.6)
    assert math.isclose(float(exact["t2e_ndcg_std"]), math.sqrt(0.02))
    assert math.isclose(float(coarse["t2e_map_mean"]), 0.03)
    text = Path(config.output_dir, "results.md").read_text()
    assert (
        "| row | T2E NDCG@10 | T2E NDCG@10, paper | T2E MAP | E2T NDCG@10 | E2T NDCG@10, " in text
    )
    assert "| 32 x 2 bits, 8 bytes | 0.0600 ± 0.0141 | – | 0.0300 ± 0.0071 |" in text
    lines = read_csv(f"{config.output_dir}/runs.csv")
    assert [(line["rows"], line["seed"], line["bits"]) for line in lines] == [
        ("raw-mean_rgb", "0", "32"),
        ("bits-32 bits-2", "0", "32"),
        ("bits-32 bits-2", "0", "2"),
        ("bits-32 bits-2", "1", "32"),
        ("bits-32 bits-2", "1", "2"),
    ]
    assert lines[0]["validation_ndcg"] == ""
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    assert [Path(path).name for path in CDMLReport(config, found, runs).write_images()] == [
        *("table1.png", "table3.png")
    ]


def test_a_result_without_some_of_the_bits_is_not_done(config):
    runs = planned(config, model=MODEL)
    run = runs["bits-2", 0]
    Path(run.directory).mkdir(parents=True)
    result({32: 0.5}).write(f"{run.directory}/result.json")
    assert run.result() is None
    report = CDMLReport(config, tables(config, MODEL, FEATURES), runs)
    assert report.summaries(report.results())["bits-32"].metrics == {}
    Path(run.directory, "result.json").write_text("{}")
    with pytest.raises(ValueError, match=r"result\.json is not a result of a run"):
        run.result()


# --- whole experiments


def test_going_on_and_more_bits(config, in_process, monkeypatch, capsys):
    """An interrupted experiment goes on; bits that are asked for later need no new training."""
    small = dataclasses.replace(config, seeds=(0,))
    run_in_process = experiment.in_own_process

    def interrupted(function, run, interruption):
        if run.content == "cdml":
            interruption.signal = 15
            return None
        return run_in_process(function, run, interruption)

    monkeypatch.setattr(experiment, "in_own_process", interrupted)
    assert run_cdml(small, steps(2), TINY) == 15
    raw, exact, _ = read_csv(f"{config.output_dir}/results.csv")
    assert (raw["runs"], exact["runs"], exact["t2e_ndcg_mean"]) == ("1", "0", "")

    monkeypatch.setattr(experiment, "in_own_process", run_in_process)
    in_process.clear()
    assert run_cdml(small, steps(2), TINY) is None
    assert in_process == ["bits-32, seed 0"]
    before = read_csv(f"{config.output_dir}/results.csv")

    def no_training(*arguments):
        raise AssertionError("trained again")

    monkeypatch.setattr("yt8m_models.embedding.training.step.TripletStep.__call__", no_training)
    in_process.clear()
    more = dataclasses.replace(small, bits=("32", "4", "2"), keep_embeddings=True)
    assert run_cdml(more, steps(2), TINY) is None
    assert in_process == ["bits-32, seed 0"]
    after = read_csv(f"{config.output_dir}/results.csv")
    assert [line["row"] for line in after] == ["raw-mean_rgb", "bits-32", "bits-4", "bits-2"]
    assert [after[0], after[1], after[3]] == before

    directory = Path(config.output_dir, after[1]["directory"], "seed0")
    assert len(Embeddings.load(directory / "embeddings")) == 600
    found = evaluate_retrieval(
        EvaluateRetrievalConfig(
            graph_dir=config.graph_dir,
            embeddings_dirs=(f"a={directory / 'embeddings'}",),
            output_dir=str(directory / "again"),
        )
    )
    value = found.results["a", 4, "E2T"].ndcg
    assert float(after[2]["e2t_ndcg_mean"]) == pytest.approx(value, rel=1e-12)
    assert not list(Path(config.output_dir).glob("runs/raw*/*/embeddings"))
    assert "cdml 2/2 runs" in capsys.readouterr().err


def test_random_vectors_are_the_seeds(config, in_process):
    config = dataclasses.replace(config, rows=("random",))
    assert run_cdml(config, steps(2), TINY) is None
    (line,) = read_csv(f"{config.output_dir}/results.csv")
    assert line["runs"] == "2"
    assert float(line["t2e_ndcg_std"]) > 0
    assert float(line["t2e_ndcg_mean"]) < 0.07


def test_dry_run_lists_and_writes_nothing(config, in_process, capsys):
    run_cdml(dataclasses.replace(config, dry_run=True), steps(2), TINY)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("to do  raw-mean_rgb, seed 0  ")
    assert lines[-1] == "3 of 3 runs to do"
    assert not Path(config.output_dir).exists()
    assert in_process == []


def test_what_is_refused(config, small_world):
    def run(model=TINY, **changes):
        return run_cdml(dataclasses.replace(config, **changes), steps(2), model)

    with pytest.raises(ValueError, match=r"holds no co_watch_graph\.json"):
        run(graph_dir=small_world["features_dir"])
    with pytest.raises(ValueError, match=r"holds no features\.json"):
        run(features_dir=small_world["graph_dir"])
    with pytest.raises(ValueError, match="text"):
        run(feature_names=("text",))
    with pytest.raises(ValueError, match="--fusion=frames takes features of frame level"):
        run(model=EmbeddingConfig(fusion="frames"))
    assert not Path(config.output_dir).exists()


def test_a_run_in_a_process_of_its_own(config):
    run = planned(config, steps(2), TINY)["raw-mean_rgb", 0]
    found = in_own_process(train_and_measure, run, Interruption())
    assert found == run.result()
    assert (found.step, found.num_parameters) == (0, 0)


def test_help_is_quick_to_load():
    code = (
        "import sys; from yt8m_models.experiments.cdml.__main__ import PROGRAM; PROGRAM.help(); "
        "sys.exit('tensorflow' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0


# --- the orders of Table 1


def test_cdml_beats_raw_features_and_audio_helps(small_world, tmp_path, in_process):
    """In cold-start retrieval, after 150 steps; late fusion 64-32 with audio, and rgb alone."""
    config = CDMLConfig(
        tables=(1,),
        figures=(),
        content_model="",
        seeds=(0,),
        output_dir=str(tmp_path / "out"),
        **small_world,
    )
    assert run_cdml(config, steps(150), MODEL) is None
    lines = {line["row"]: line for line in read_csv(f"{config.output_dir}/results.csv")}
    for metric in METRICS:
        found = {row: float(line[f"{metric}_mean"]) for row, line in lines.items()}
        raw, both = found["raw-mean_rgb+mean_audio"], found["cdml-mean_rgb+mean_audio"]
        assert found["random"] < found["raw-mean_rgb"]
        assert 2 * raw < found["cdml-mean_rgb"]
        assert 1.2 * found["cdml-mean_rgb"] < both


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_orders_of_the_tables_in_other_worlds(tmp_path, in_process, seed):
    """All tables in a world for each seed; 8 bits lose nothing, 2 bits lose something."""
    pytest.importorskip("duckdb", reason="duckdb is in the extra recommend")
    config = CDMLConfig(
        seeds=(seed,),
        hidden_sizes=("none", "64"),
        content_model="",
        bits=("32", "8", "4", "2"),
        embedding_sizes=(4, 32),
        step_counts=(20, 200),
        output_dir=str(tmp_path / "out"),
        **world(tmp_path, seed=seed),
    )
    assert run_cdml(config, steps(200), MODEL) is None
    lines = {line["row"]: line for line in read_csv(f"{config.output_dir}/results.csv")}
    found = {row: float(line["t2e_ndcg_mean"]) for row, line in lines.items()}
    assert found["random"] < found["raw-mean_rgb"] < 0.15
    assert 2 * found["raw-mean_rgb+mean_audio"] < found["cdml-mean_rgb"]
    assert 1.2 * found["cdml-mean_rgb"] < found["cdml-mean_rgb+mean_audio"]
    assert found["late-64"] == found["bits-32"] == found["size-32"] == found["steps-200"]
    assert found["bits-8"] == pytest.approx(found["bits-32"], rel=0.03)
    assert found["bits-2"] < found["bits-4"] < 1.03 * found["bits-32"]
    assert found["size-4"] < found["size-32"]
    assert found["steps-20"] < found["steps-200"]
    assert not np.isnan(list(found.values())).any()
