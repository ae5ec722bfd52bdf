"""Tests of `yt8m_models.experiments.dsgmm`."""

import csv
import dataclasses
import json
import math
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from eval.program.config import EvalConfig
from eval.program.evaluation import evaluate_training
from yt8m_models.config import ASSIGNMENTS, DataConfig, ModelConfig
from yt8m_models.experiments.common.plots import draw
from yt8m_models.experiments.common.rows import rows_of
from yt8m_models.experiments.common.running import in_own_process
from yt8m_models.experiments.dsgmm import experiment
from yt8m_models.experiments.dsgmm.__main__ import PROGRAM, main
from yt8m_models.experiments.dsgmm.config import (
    FIGURES,
    TABLES,
    FrameDataConfig,
    TablesConfig,
    TrainingFlags,
)
from yt8m_models.experiments.dsgmm.experiment import run_tables, train_and_measure
from yt8m_models.experiments.dsgmm.paper import paper_figures
from yt8m_models.experiments.dsgmm.report import TablesReport, compare
from yt8m_models.experiments.dsgmm.rows import tables
from yt8m_models.experiments.dsgmm.runs import Result, plan
from yt8m_models.experiments.dsgmm.splits import PARTS, count_splits
from yt8m_models.gmm.config import UBMConfig
from yt8m_models.gmm.train_ubm.__main__ import PROGRAM as TRAIN_UBM
from yt8m_models.poolings import POOLINGS
from yt8m_models.program.command import UsageError
from yt8m_models.program.interruption import Interruption
from yt8m_models.training.__main__ import PROGRAM as TRAIN
from yt8m_models.training.config import TrainConfig

NETS = ("netvlad", "dsgmm")
PATTERNS = {
    "train_data_pattern": "train",
    "validation_data_pattern": "validate",
    "test_data_pattern": "test",
    "output_dir": "out",
}


def everything(**changes):
    return TablesConfig(**{**PATTERNS, **changes})


def planned(config, training=None, data=None, model=None):
    return plan(
        config,
        TrainingFlags() if training is None else training,
        FrameDataConfig() if data is None else data,
        ModelConfig() if model is None else model,
        rows_of(tables(config)),
    )


def result(metrics, correct, seed=0):
    """A result with `gap` and `hit_at_one`."""
    gap, hit_at_one = metrics
    found = {"gap": gap, "hit_at_one": hit_at_one, "perr": 0.25, "map": 0.5}
    return Result({}, seed, found, 1.5, 7, 2.0, 100, "digest", np.array(correct, bool))


def read_csv(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


# --- rows and runs


def test_the_tables_have_the_rows_of_the_paper():
    found = {table.name: [row.name for row in table.rows] for table in tables(everything())}
    assert list(found) == ["table2", "table3", "table4", "table5", "figure2", "figure3"]
    assert found["table2"] == ["average", "vlad", "sgmm", "netvlad", "dsgmm"]
    assert found["table3"] == ["netbow", "netfv", "netrvlad", "netvlad", "dsgmm"]
    norms = ("plain", "intra", "final", "intra-final")
    assert found["table4"] == [f"{name}-{norm}" for name in NETS for norm in norms]
    assert found["table5"] == [f"{name}-{each}" for name in NETS for each in ASSIGNMENTS]
    assert len(found["table5"]) == 12
    counts = (1, 2, 4, 8, 16, 32, 64, 128, 256, 511)
    assert found["figure2"] == [f"{name}-k{count}" for name in NETS for count in counts]
    (zoo,) = tables(everything(tables=(0,), figures=()))
    assert [row.name for row in zoo.rows] == [*POOLINGS, "dsgmm-shared_diagonal"]
    assert len({row.label for row in zoo.rows}) == len(zoo.rows)
    gammas = [f"{2**power:g}" for power in range(-9, 3)]
    assert found["figure3"] == [*(f"dsgmm-gamma{gamma}" for gamma in ("0", *gammas)), "netvlad"]
    assert "dsgmm-gamma0.00195312" in found["figure3"]  # 2⁻⁹, to six digits


def test_the_points_of_figure_3_are_exact_powers_of_two():
    (figure,) = tables(everything(tables=(1,), gamma_exponents=(1, -3)))[1:]
    assert [row.label for row in figure.rows] == ["0", "1/8", "2", "NetVLAD"]
    assert [row.changes["gamma"] for row in figure.rows[:3]] == [0.0, 0.125, 2.0]
    assert figure.level == "netvlad"


# The paper's settings, row by row: K, γ (where there is one), intra-norm, final-norm, assignment.
# Tables 2 and 3 and section 4.1.4; table 4; section 4.1.7; section 4.1.5; section 4.1.6.
PAPER_ROWS = {
    "netvlad": (256, None, True, False, "decoupled"),
    "dsgmm": (256, 0.125, True, False, "decoupled"),
    "netvlad-plain": (256, None, False, False, "decoupled"),
    "netvlad-intra": (256, None, True, False, "decoupled"),
    "netvlad-final": (256, None, False, True, "decoupled"),
    "netvlad-intra-final": (256, None, True, True, "decoupled"),
    "dsgmm-plain": (256, 0.125, False, False, "decoupled"),
    "dsgmm-intra": (256, 0.125, True, False, "decoupled"),
    "dsgmm-final": (256, 0.125, False, True, "decoupled"),
    "dsgmm-intra-final": (256, 0.125, True, True, "decoupled"),
    **{f"netvlad-{name}": (256, None, True, False, name) for name in ASSIGNMENTS},
    **{f"dsgmm-{name}": (256, 0.5, True, False, name) for name in ASSIGNMENTS},
    **{
        f"netvlad-k{count}": (count, None, False, False, "decoupled")
        for count in (1, 2, 4, 8, 16, 32, 64, 128, 256, 511)
    },
    **{
        f"dsgmm-k{count}": (count, 1.0, False, False, "decoupled")
        for count in (1, 2, 4, 8, 16, 32, 64, 128, 256, 511)
    },
    **{
        f"dsgmm-gamma{gamma:g}": (256, gamma, True, False, "decoupled")
        for gamma in (0.0, *(2.0**power for power in range(-9, 3)))
    },
}
PAPER_TRAINING = {  # sections 4.1.1 and 4.1.2
    "feature_names": ("rgb",),
    "feature_sizes": (1024,),
    "num_classes": 3862,
    "iterations": 30,
    "sample_random_frames": True,
    "eval_sample_frames": 30,
    "optimizer": "AdamOptimizer",
    "base_learning_rate": 0.0002,
    "learning_rate_decay": 0.8,
    "learning_rate_decay_examples": 4e6,
    "clip_mode": "value",
    "clip_gradient_norm": 1.0,
    "top_k": 20,
    "gating": True,
    "video_level_classifier_model": "MoeModel",
}


def test_a_dry_run_prints_the_papers_settings_of_each_row(records, tmp_path, capsys):
    """What is printed for a row, read by `yt8m train`, is what the paper says of the row."""
    patterns = {name: str(records / "test.tfrecord") for name in PATTERNS}
    config = TablesConfig(**{**patterns, "output_dir": str(tmp_path)}, dry_run=True)
    run_tables(config, TrainingFlags(), FrameDataConfig(), ModelConfig())
    output = capsys.readouterr().out
    blocks = [block.splitlines() for block in re.split(r"^to do  ", output, flags=re.M)[1:]]
    train_ubm, flags, rows = {}, {}, {}
    for head, names, *commands in (block for block in blocks if "seed 0" in block[0]):
        directory = head.rsplit("  ", 1)[1].rsplit("/", 1)[0]
        rows |= dict.fromkeys(names.split(), directory)
        words = shlex.split(" ".join(commands).split("yt8m train ")[1].split(" runs to do")[0])
        flags[directory] = [word for word in words if word.startswith("--")]
        train_ubm[directory] = "yt8m train-ubm --" in " ".join(commands)
    del rows["="]
    assert len(blocks) == 3 * len(flags)
    poolings = ("average", "vlad", "sgmm", "netbow", "netfv", "netrvlad")
    assert rows == {
        name: run.directory.rsplit("/", 1)[0]
        for (name, _), run in planned(dataclasses.replace(config, dry_run=False)).items()
    }
    assert set(rows) == {*PAPER_ROWS, *poolings}
    for name, directory in rows.items():
        arguments = TRAIN.parse(flags[directory])
        model = arguments[ModelConfig].resolved()
        values = {**vars(arguments[TrainConfig]), **vars(arguments[DataConfig]), **vars(model)}
        assert model.pooling == name.split("-")[0]
        assert {key: values[key] for key in PAPER_TRAINING} == PAPER_TRAINING, name
        assert train_ubm[directory] == (name in ("vlad", "sgmm"))
        if name in PAPER_ROWS:
            clusters, gamma, intra, final, assignment = PAPER_ROWS[name]
            norms = (model.intra_norm, model.final_norm)
            assert (model.num_clusters, *norms, model.assignment) == (
                *(clusters, intra, final),
                assignment,
            ), name
            assert gamma in (None, model.gamma_means), name
    of_ubm = re.search(r"yt8m train-ubm (--.*?)yt8m train ", output.replace("\n", " "))
    ubm = TRAIN_UBM.parse(shlex.split(of_ubm[1]))[UBMConfig]
    assert (ubm.num_clusters, ubm.covariance_type) == (256, "tied")  # section 4.1.4
    sgmm = TRAIN.parse(flags[rows["sgmm"]])[ModelConfig].resolved()
    assert (sgmm.num_clusters, sgmm.gamma, sgmm.intra_norm, sgmm.final_norm) == (
        *(256, 0.125),
        *(True, False),
    )


def test_flags_change_what_a_row_is_not_about():
    """The paper's settings of a row yield to flags, but for what the row compares."""
    given = ModelConfig(gamma=2.0, intra_norm=True, final_norm=True, num_clusters=8)
    models = {name: run.model for (name, _), run in planned(everything(), model=given).items()}
    figure_2, table_5 = models["dsgmm-k16"], models["dsgmm-diagonal"]
    assert (figure_2.num_clusters, figure_2.gamma, figure_2.intra_norm) == (16, 2.0, True)
    assert (table_5.num_clusters, table_5.gamma, table_5.final_norm) == (8, 2.0, True)
    assert models["netvlad"].final_norm
    assert not models["netvlad-intra"].final_norm
    assert models["dsgmm-gamma0.5"].gamma == 0.5


OLD_TRAINING = TrainingFlags(clip_mode="per_variable", eval_sample_frames=0)
OLD_DATA = FrameDataConfig(feature_names=("rgb", "audio"), feature_sizes=(1024, 128))


@pytest.mark.parametrize(
    ("row", "model", "name"),
    [
        ("netvlad", ModelConfig(final_norm=True), "netvlad-b7d0710e31"),
        ("vlad", ModelConfig(final_norm=True), "vlad-d3e110a2b1"),
        ("netfv", ModelConfig(), "netfv-53e90c9dc6"),
        ("average", ModelConfig(), "average-0591a49b7c"),
        ("dsgmm", ModelConfig(), "dsgmm-9c34194ed9"),
        ("dsgmm-diagonal", ModelConfig(gamma=0.125), "dsgmm-152d4009c8"),
        ("netvlad-final", ModelConfig(), "netvlad-a8a30355b2"),
    ],
)
def test_directories_have_the_names_of_earlier_versions(row, model, name):
    """Results of settings that were defaults once are found again by the flags that say so."""
    run = planned(everything(), OLD_TRAINING, OLD_DATA, model)[row, 0]
    assert run.directory == f"out/runs/{name}/seed0"


def test_a_value_that_was_once_a_default_of_every_training_is_in_no_name():
    settings = planned(everything(), TrainingFlags(base_learning_rate=0.01))["netvlad", 0].settings
    assert "base_learning_rate" not in settings


def test_what_each_row_changes():
    runs = planned(everything(seeds=(0,)), model=ModelConfig(num_clusters=64, gamma=1.0))
    models = {name: run.model for (name, _), run in runs.items()}
    assert {name: models[name].pooling for name in ("netfv", "vlad", "average")} == {
        name: name for name in ("netfv", "vlad", "average")
    }
    assert all(models[name].num_clusters == 64 for name in ("netvlad", "dsgmm-final"))
    assert (models["dsgmm-k128"].num_clusters, models["dsgmm-k128"].gamma) == (128, 1.0)
    assert not models["netvlad-k128"].intra_norm
    assert (models["dsgmm-gamma0.5"].num_clusters, models["dsgmm-gamma0.5"].gamma) == (64, 0.5)
    assert (models["netvlad-intra"].intra_norm, models["netvlad-intra"].final_norm) == (True, False)
    assert (models["dsgmm-plain"].intra_norm, models["dsgmm-plain"].final_norm) == (False, False)
    assert models["dsgmm-diagonal"].assignment == "diagonal"
    assert models["dsgmm"].hidden_size == models["average"].hidden_size == 1024


def test_rows_with_equal_settings_are_one_run():
    """NetVLAD's settings of table 2 are in tables 3 to 5 and figure 3."""
    runs = planned(everything(seeds=(0, 1)))
    for seed in (0, 1):
        for same in (
            ["netvlad", "netvlad-intra", "netvlad-decoupled"],
            ["dsgmm", "dsgmm-intra", "dsgmm-gamma0.125"],
            ["dsgmm-decoupled", "dsgmm-gamma0.5"],
            ["netvlad-plain", "netvlad-k256"],
        ):
            assert len({runs[name, seed].directory for name in same}) == 1
        assert runs["dsgmm-plain", seed] is not runs["dsgmm-k256", seed]  # γ = 0.125 and 1
    # 5 + 3 rows, 3 + 3 norms, 5 + 6 assignments, 9 + 10 counts, 13 gammas of which 2 were there.
    assert len({run.directory for run in runs.values()}) == 2 * (8 + 6 + 11 + 19 + 11)


def test_what_a_run_depends_on_names_its_directory():
    def directory(config=None, training=None, data=None, model=None):
        config = everything() if config is None else config
        return planned(config, training, data, model)["netvlad", 0].directory

    first = directory()
    assert first.startswith("out/runs/netvlad-")
    assert first.endswith("/seed0")
    different = [
        directory(everything(test_data_pattern="other")),
        directory(everything(train_data_pattern="other")),
        directory(training=TrainingFlags(batch_size=64)),
        directory(data=FrameDataConfig(num_classes=24)),
        directory(model=ModelConfig(hidden_size=64)),
    ]
    assert len({first, *different}) == 6
    assert first == directory(training=TrainingFlags(log_steps=1, num_readers=2))
    assert first == directory(model=ModelConfig(gamma=0.125))


def test_rows_are_picked_by_name_or_pattern():
    found = tables(everything(rows=("netvlad", "dsgmm-gamma*")))
    assert {table.name: len(table.rows) for table in found} == {
        "table2": 1,
        "table3": 1,
        "figure3": 14,
    }
    with pytest.raises(ValueError, match=r"--rows=netvald fits no row; there are average, vlad"):
        tables(everything(rows=("netvald",)))


def test_one_background_model_for_all_seeds():
    runs = planned(everything())
    ubms = {runs[name, seed].ubm for name in ("vlad", "sgmm") for seed in (0, 1, 2)}
    (ubm,) = ubms
    assert ubm.output_dir.startswith("out/ubm/")
    assert (ubm.num_clusters, ubm.num_clusters_audio) == (256, 128)
    assert runs["netvlad", 0].ubm is None


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"test_data_pattern": " "}, "--test_data_pattern must be given"),
        ({"output_dir": ""}, "--output_dir must be given"),
        ({"tables": (2, 6)}, "--tables=6: must be one of 1, 2, 3, 4, 5, 0"),
        ({"figures": (1,)}, "--figures=1: must be one of 2, 3"),
        ({"tables": (), "figures": ()}, "--tables or --figures must name one"),
        ({"seeds": ()}, "--seeds must be given; received nothing"),
        ({"seeds": (1, 1)}, "--seeds must have entries that differ; received 1,1"),
        ({"cluster_counts": (0, 2)}, "--cluster_counts must be at least 1; received 0,2"),
        ({"ubm_max_frames": -1}, "--ubm_max_frames must be at least 0; received -1"),
    ],
)
def test_flags_are_checked(changes, message):
    with pytest.raises(ValueError, match=message):
        everything(**changes)


def test_flags_of_training_and_data_are_checked():
    with pytest.raises(ValueError, match="--batch_size must be at least 1; received 0"):
        TrainingFlags(batch_size=0)
    with pytest.raises(ValueError, match="--frame_features must be true"):
        FrameDataConfig(frame_features=False)
    with pytest.raises(ValueError, match="--segment_labels must be false"):
        FrameDataConfig(segment_labels=True)


@pytest.mark.parametrize("flag", ["--pooling=netvlad", "--model=DSGMMModel"])
def test_flags_that_the_rows_set_are_refused(flag):
    arguments = PROGRAM.parse([*(f"--{name}={value}" for name, value in PATTERNS.items()), flag])
    with pytest.raises(UsageError, match="pick rows with --rows"):
        main(arguments)


# --- results


def test_a_result_is_read_as_it_was_written(tmp_path):
    path = str(tmp_path / "result.json")
    first = result((0.5, 0.75), [1, 0, 1, 1])
    first.write(path)
    second = Result.read(path)
    assert second.correct.tolist() == [True, False, True, True]
    assert {**vars(first), "correct": 0} == {**vars(second), "correct": 0}
    assert second.validation_metrics is None
    earlier = {k: v for k, v in json.loads(Path(path).read_text()).items() if "_metrics" not in k}
    Path(path).write_text(json.dumps(earlier))  # of a version without them
    assert Result.read(path).validation_metrics is None
    Path(path).write_text('{"seed": 1}')
    with pytest.raises(ValueError, match=r"result\.json is not a result of a run"):
        Result.read(path)


@pytest.fixture
def finished(config, training, data, model):
    """Results of two rows and two seeds, made up: GAP 0.5 and 0.7 of average pooling."""
    found = tables(config)
    runs = plan(config, training, data, model, rows_of(found))
    made_up = {
        ("average", 0): result((0.5, 0.2), [1, 0, 0, 0, 0]),
        ("average", 1): result((0.7, 0.4), [1, 1, 0, 0, 0], seed=1),
        ("netvlad", 0): result((0.75, 0.8), [0, 1, 1, 1, 1]),
        ("netvlad", 1): result((0.75, 1.0), [1, 1, 1, 1, 1], seed=1),
    }
    for key, each in made_up.items():
        Path(runs[key].directory).mkdir(parents=True)
        each.write(f"{runs[key].directory}/result.json")
    return found, runs


def test_means_and_spreads(config, finished):
    """Mean (0.5 + 0.7) / 2 and deviation sqrt((0.1² + 0.1²) / 1) = 0.141421."""
    found, runs = finished
    TablesReport(config, found, runs).write()
    average, netvlad = read_csv(f"{config.output_dir}/results.csv")
    assert (average["table"], average["row"], average["runs"]) == ("table2", "average", "2")
    assert math.isclose(float(average["gap_mean"]), 0.6)
    assert math.isclose(float(average["gap_std"]), math.sqrt(0.02))
    assert math.isclose(float(average["hit_at_one_mean"]), 0.3)
    assert math.isclose(float(average["hit_at_one_std"]), math.sqrt(0.02))
    assert math.isclose(float(netvlad["gap_mean"]), 0.75)
    assert float(netvlad["gap_std"]) == 0
    text = Path(config.output_dir, "results.md").read_text()
    others = "0.2500 ± 0.0000 | 0.5000 ± 0.0000 | 2 |"
    gap, hits = "0.6000 ± 0.1414 | 0.810", "0.3000 ± 0.1414 | 0.845"
    assert f"| Average pooling | – | 0.809 | – | 0.843 | {gap} | {hits} | {others}" in text
    gap, hits = "0.7500 ± 0.0000 | 0.831", "0.9000 ± 0.1414 | 0.863"
    assert f"| NetVLAD | – | 0.830 | – | 0.860 | {gap} | {hits} | {others}" in text
    assert (average["paper_gap"], average["paper_validation_hit_at_one"]) == ("0.81", "0.843")
    assert average["validation_gap_mean"] == ""


def test_validation_metrics_are_in_table_2(config, training, data, model):
    config = dataclasses.replace(config, rows=("dsgmm",), seeds=(0,))
    found = tables(config)
    (run,) = plan(config, training, data, model, rows_of(found)).values()
    validation = {"gap": 0.125, "hit_at_one": 0.375, "perr": 0.5, "map": 0.5}
    Path(run.directory).mkdir(parents=True)
    dataclasses.replace(result((0.5, 0.25), [1]), validation_metrics=validation).write(
        f"{run.directory}/result.json"
    )
    TablesReport(config, found, {("dsgmm", 0): run}).write()
    text = Path(config.output_dir, "results.md").read_text()
    assert (
        "| row | validation GAP | validation GAP, paper | validation Hit@1 | validation Hit@1, "
        "paper | GAP | GAP, paper | Hit@1 | Hit@1, paper | PERR | mAP | runs |" in text
    )
    assert "| DSGMM | 0.1250 | 0.834 | 0.3750 | 0.864 | 0.5000 | 0.835 | 0.2500 | 0.866 |" in text
    (line,) = read_csv(f"{config.output_dir}/results.csv")
    assert (line["validation_gap_mean"], line["paper_validation_gap"]) == ("0.125", "0.834")


def test_the_papers_figures_are_of_rows_that_there_are():
    rows = {(table.name, row.name) for table in tables(everything()) for row in table.rows}
    figures = paper_figures()
    assert set(figures) - rows == {("table1", part) for part in PARTS}
    of_tables = {key for key in rows if key[0].startswith("table")}
    assert of_tables <= set(figures)
    assert figures["table3", "netbow"] == {"gap": 0.82, "miech_gap": 0.82}
    assert [figures["table1", part]["videos"] for part in PARTS] == [3887892, 105147, 113331]
    # DSGMM is better than NetVLAD in all but one setting of table 4, as the paper says.
    better = [
        figures["table4", f"dsgmm{norm}"]["gap"] > figures["table4", f"netvlad{norm}"]["gap"]
        for norm in ("-plain", "-intra", "-final", "-intra-final")
    ]
    assert better == [True, True, False, True]


def test_table_1_counts_the_videos(config, training, data, model, in_process):
    """40, 20 and 30 videos; kept until a file changes."""
    config = dataclasses.replace(config, tables=(1,), rows=())
    assert run_tables(config, training, data, model) is None
    assert in_process == []
    lines = read_csv(f"{config.output_dir}/table1.csv")
    assert [(line["part"], line["videos"], line["paper"]) for line in lines] == [
        ("training", "40", "3887892"),
        ("validation", "20", "105147"),
        ("test", "30", "113331"),
    ]
    text = Path(config.output_dir, "results.md").read_text()
    assert f"| test | `{config.test_data_pattern}` | 30 | 113,331 |" in text
    kept = Path(config.output_dir, "table1.json")
    record = json.loads(kept.read_text())
    record["videos"]["training"] = 41
    kept.write_text(json.dumps(record))
    assert count_splits(config, 0)["training"] == 41
    without = dataclasses.replace(config, validation_data_pattern="")
    assert count_splits(without, 0) == {"training": 40, "validation": 0, "test": 30}


def test_mcnemar_of_two_rows(config, finished):
    """Seed 0: 1 against 4 of 5, p = 2 (C(5,0) + C(5,1)) / 2⁵ = 0.375; seed 1: 0 and 3, 2 / 2³."""
    found, runs = finished
    TablesReport(config, found, runs).write()
    first, second = read_csv(f"{config.output_dir}/mcnemar.csv")
    assert (first["row_a"], first["row_b"], first["seed"]) == ("average", "netvlad", "0")
    assert (first["only_a"], first["only_b"]) == ("1", "4")
    assert math.isclose(float(first["p_value"]), 0.375)
    assert (second["only_a"], second["only_b"], second["seed"]) == ("0", "3", "1")
    assert math.isclose(float(second["p_value"]), 0.25)
    text = Path(config.output_dir, "results.md").read_text()
    assert "| Average pooling | 0.38 |" in text


def test_missing_runs_are_not_in_the_means(config, finished):
    found, runs = finished
    Path(runs["average", 1].directory, "result.json").unlink()
    TablesReport(config, found, runs).write()
    average, _ = read_csv(f"{config.output_dir}/results.csv")
    assert (average["runs"], average["gap_mean"], average["gap_std"]) == ("1", "0.5", "")
    assert len(read_csv(f"{config.output_dir}/mcnemar.csv")) == 1
    assert len(read_csv(f"{config.output_dir}/runs.csv")) == 3
    text = Path(config.output_dir, "results.md").read_text()
    measured = "0.5000 | 0.810 | 0.2000 | 0.845 | 0.2500 | 0.5000 | 1 |"
    assert f"| Average pooling | – | 0.809 | – | 0.843 | {measured}" in text


def test_results_of_different_videos_are_not_compared(config, finished):
    found, runs = finished
    path = Path(runs["average", 1].directory, "result.json")
    path.write_text(path.read_text().replace("digest", "other"))
    with pytest.raises(ValueError, match="the test records have changed"):
        TablesReport(config, found, runs).write()


def test_rows_that_share_a_run_are_compared_once(config, training, data, model):
    config = dataclasses.replace(
        config, tables=(2, 4, 5), rows=("dsgmm", "dsgmm-intra", "netvlad-decoupled", "netvlad")
    )
    found = tables(config)
    runs = plan(config, training, data, model, rows_of(found))
    for (_, seed), run in runs.items():
        Path(run.directory).mkdir(parents=True, exist_ok=True)
        result((0.5, 0.5), [run.model.pooling == "netvlad", 1], seed).write(
            f"{run.directory}/result.json"
        )
    report = TablesReport(config, found, runs)
    results = report.results()
    comparisons = compare(report.summaries(results).values(), results)
    assert [(each.row_a, each.row_b, each.seed) for each in comparisons] == [
        ("netvlad", "dsgmm", 0),
        ("netvlad", "dsgmm", 1),
    ]


def test_plots_show_the_means(config, finished):
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    found, runs = finished
    report = TablesReport(config, found, runs)
    summaries = list(report.summaries(report.results()).values())
    gap, hit_at_one, *_ = draw(found[0], summaries, report.titles).axes
    assert (gap.get_title(loc="left"), hit_at_one.get_title(loc="left")) == ("GAP", "Hit@1")
    assert list(gap.containers[0].lines[0].get_xdata()) == pytest.approx([0.6, 0.75])
    assert [label.get_text() for label in gap.get_yticklabels()] == ["Average pooling", "NetVLAD"]


def test_figures_have_a_line_for_each_pooling(config, training, data, model):
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    config = dataclasses.replace(
        config, tables=(), figures=(2,), rows=(), seeds=(0,), cluster_counts=(2, 4)
    )
    (figure,) = tables(config)
    runs = plan(config, training, data, model, figure.rows)
    for index, run in enumerate(runs.values()):
        Path(run.directory).mkdir(parents=True)
        result((index / 10, 0.5), [True]).write(f"{run.directory}/result.json")
    report = TablesReport(config, [figure], runs)
    summaries = list(report.summaries(report.results()).values())
    axes = draw(figure, summaries, report.titles).axes[0]
    netvlad, dsgmm = (container.lines[0] for container in axes.containers)
    assert list(netvlad.get_ydata()) == pytest.approx([0.0, 0.1])
    assert list(dsgmm.get_ydata()) == pytest.approx([0.2, 0.3])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["2", "4"]
    assert [text.get_text() for text in axes.figure.legends[0].get_texts()] == ["NetVLAD", "DSGMM"]


def test_netvlad_is_a_level_in_figure_3(config, training, data, model):
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    config = dataclasses.replace(
        config, tables=(), figures=(3,), rows=(), seeds=(0,), gamma_exponents=(-3,)
    )
    (figure,) = tables(config)
    runs = plan(config, training, data, model, figure.rows)
    for index, run in enumerate(runs.values()):
        Path(run.directory).mkdir(parents=True)
        result((0.5 + index / 10, 0.5), [True]).write(f"{run.directory}/result.json")
    report = TablesReport(config, [figure], runs)
    axes = draw(figure, list(report.summaries(report.results()).values()), report.titles).axes[0]
    assert [label.get_text() for label in axes.get_xticklabels()] == ["0", "1/8"]
    (line,) = (line for line in axes.lines if line.get_label() == "NetVLAD")
    assert list(line.get_ydata()) == pytest.approx([0.7, 0.7])
    legend = axes.figure.legends[0].get_texts()
    assert {text.get_text() for text in legend} == {"DSGMM", "NetVLAD"}


# --- whole experiments


@pytest.mark.parametrize("sample_random_frames", [True, False])
def test_models_are_tested_on_the_frames_that_an_evaluation_samples(
    config, training, data, model, sample_random_frames
):
    config = dataclasses.replace(config, rows=("average",), seeds=(3,))
    training = dataclasses.replace(training, eval_sample_frames=2)
    model = dataclasses.replace(model, sample_random_frames=sample_random_frames)
    (run,) = planned(config, training, data, model).values()
    found = train_and_measure(run)
    tf.random.set_seed(99)
    flags = {"run_once": True, "top_k": 3, "sample_frames": 2, "seed": 3}
    evaluation = evaluate_training(
        EvalConfig(
            train_dir=run.training.train_dir,
            eval_data_pattern=config.test_data_pattern,
            checkpoint="best",
            **flags,
        )
    )
    for metric, value in found.metrics.items():
        assert value == pytest.approx(evaluation.metrics[metric], abs=1e-7)


def test_an_experiment_from_records_to_results(config, training, data, model, in_process, capsys):
    assert run_tables(config, training, data, model) is None
    names = [f"{row}, seed {seed}" for seed in (0, 1) for row in ("average", "netvlad")]
    assert in_process == names
    assert "tables 4/4 runs" in capsys.readouterr().err
    runs = plan(config, training, data, model, rows_of(tables(config)))
    gaps = []
    for seed in (0, 1):
        train_dir = f"{runs['average', seed].directory}/train"
        evaluation = evaluate_training(
            EvalConfig(
                train_dir=train_dir,
                eval_data_pattern=config.test_data_pattern,
                checkpoint="best",
                run_once=True,
                top_k=3,
            )
        )
        found = runs["average", seed].result()
        for metric in ("gap", "hit_at_one", "perr", "map"):
            assert found.metrics[metric] == pytest.approx(evaluation.metrics[metric], abs=1e-6)
        assert found.correct.mean() == pytest.approx(found.metrics["hit_at_one"])
        assert len(found.correct) == 30
        validated = read_csv(f"{train_dir}/validation.csv")
        losses = [float(row["loss"]) for row in validated]
        assert found.validation_loss == min(losses)
        assert found.step == 1 + int(np.argmin(losses))
        best = validated[int(np.argmin(losses))]
        for metric, value in found.validation_metrics.items():
            assert value == float(best[metric])
        gaps.append(found.metrics["gap"])
    average = read_csv(f"{config.output_dir}/results.csv")[0]
    assert float(average["gap_mean"]) == pytest.approx(np.mean(gaps))
    assert float(average["gap_std"]) == pytest.approx(np.std(gaps, ddof=1))

    in_process.clear()
    before = Path(config.output_dir, "results.csv").read_text()
    assert run_tables(config, training, data, model) is None
    assert in_process == []
    assert Path(config.output_dir, "results.csv").read_text() == before

    Path(runs["netvlad", 1].directory, "result.json").unlink()
    assert run_tables(config, training, data, model) is None
    assert in_process == ["netvlad, seed 1"]
    assert Path(config.output_dir, "results.csv").read_text() == before


@pytest.mark.slow
def test_every_row_of_every_table_and_figure(config, training, data, model, in_process):
    """One step each; one command, as the documentation has it, but for smaller axes."""
    config = dataclasses.replace(
        config,
        tables=TABLES,
        figures=FIGURES,
        rows=(),
        seeds=(0,),
        cluster_counts=(1, 3),
        gamma_exponents=(-3,),
    )
    training = dataclasses.replace(training, max_steps=1)
    model = dataclasses.replace(model, num_clusters=2)
    assert run_tables(config, training, data, model) is None
    # 5 + 3 rows, 3 + 3 norms, 5 + 6 assignments, 2 + 2 counts, γ = 0 (1/8 is there).
    assert len(in_process) == 8 + 6 + 11 + 4 + 1
    lines = read_csv(f"{config.output_dir}/results.csv")
    assert {line["table"] for line in lines} == {
        *("table2", "table3", "table4", "table5"),
        *("figure2", "figure3"),
    }
    for line in lines:
        assert 0 <= float(line["gap_mean"]) <= 1
        assert 0 <= float(line["validation_gap_mean"]) <= 1
    assert len(read_csv(f"{config.output_dir}/table1.csv")) == 3


def test_without_validation_records_the_last_checkpoint_is_tested(
    config, training, data, model, in_process
):
    config = dataclasses.replace(
        config, validation_data_pattern="", rows=("average",), seeds=(0,), tables=(0,)
    )
    assert run_tables(config, training, data, model) is None
    run = plan(config, training, data, model, rows_of(tables(config)))["average", 0]
    found = run.result()
    evaluation = evaluate_training(
        EvalConfig(
            train_dir=run.training.train_dir,
            eval_data_pattern=config.test_data_pattern,
            checkpoint="latest",
            run_once=True,
            top_k=3,
        )
    )
    assert (found.step, found.validation_loss) == (evaluation.step, None)
    assert found.metrics["map"] == pytest.approx(evaluation.metrics["map"], abs=1e-6)
    assert "checkpoint is the last." in Path(config.output_dir, "results.md").read_text()


def test_interruption_and_going_on(config, training, data, model, in_process, monkeypatch):
    """A run that a signal ends leaves the report of those before; the next command goes on."""
    run_in_process = experiment.in_own_process

    def interrupted(function, run, interruption):
        if run.name != "average, seed 0":
            interruption.signal = 15
            return None
        return run_in_process(function, run, interruption)

    monkeypatch.setattr(experiment, "in_own_process", interrupted)
    assert run_tables(config, training, data, model) == 15
    average, netvlad = read_csv(f"{config.output_dir}/results.csv")
    assert (average["runs"], netvlad["runs"], netvlad["gap_mean"]) == ("1", "0", "")

    monkeypatch.setattr(experiment, "in_own_process", run_in_process)
    in_process.clear()
    assert run_tables(dataclasses.replace(config, seeds=(0,)), training, data, model) is None
    assert in_process == ["netvlad, seed 0"]


def test_dry_run_lists_and_writes_nothing(config, training, data, model, in_process, capsys):
    run_tables(dataclasses.replace(config, dry_run=True), training, data, model)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("to do  average, seed 0  ")
    assert lines[-1] == "4 of 4 runs to do"
    assert not Path(config.output_dir).exists()
    assert in_process == []


def test_patterns_without_files_are_named(config, training, data, model):
    config = dataclasses.replace(config, validation_data_pattern="/nowhere/*.tfrecord")
    with pytest.raises(ValueError, match=r"--validation_data_pattern: .*nowhere"):
        run_tables(config, training, data, model)


def test_a_failing_run_is_named(config, training, data, model):
    """In a process of its own, as it is; the records have 6 classes, and 3 are too few."""
    data = dataclasses.replace(data, num_classes=3)
    run = plan(config, training, data, model, rows_of(tables(config)))["average", 0]
    with pytest.raises(ValueError, match=r"average, seed 0 \(.*runs/average-.*\): .*num_classes"):
        in_own_process(train_and_measure, run, Interruption())


@pytest.mark.slow
def test_program(config, run_here):
    command = ["--tables=2", "--figures="]
    command += [f"--{name}={getattr(config, name)}" for name in PATTERNS]
    command += ["--rows=netvlad", "--seeds=3", "--feature_sizes=8", "--num_classes=6"]
    command += ["--num_clusters=4", "--hidden_size=4", "--batch_size=20", "--max_steps=1"]
    command += ["--nojit_compile"]
    status, output, errors = run_here(PROGRAM, *command)
    assert status == 0, errors
    assert "results.md" in output
    assert "tables 1/1 runs" in errors
    (row,) = read_csv(f"{config.output_dir}/results.csv")
    assert (row["row"], row["runs"]) == ("netvlad", "1")
    (run,) = read_csv(f"{config.output_dir}/runs.csv")
    found = json.loads(Path(config.output_dir, run["directory"], "result.json").read_text())
    assert found["seed"] == 3
    assert float(row["gap_mean"]) == found["metrics"]["gap"]


def test_help_is_quick_to_load():
    """Help needs no TensorFlow."""
    code = (
        "import sys; from yt8m_models.experiments.dsgmm.__main__ import PROGRAM; PROGRAM.help(); "
        "sys.exit('tensorflow' in sys.modules or 'numpy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
