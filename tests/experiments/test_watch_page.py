"""The commands of `docs/watch.md` run, and the steps give what the one command gives."""

import csv
import importlib
import json
import re
import shlex
from pathlib import Path

import pytest

from yt8m_models.__main__ import PROGRAMS, program
from yt8m_models.experiments.common.programs import flag_text
from yt8m_models.experiments.watch import experiment, inputs

pytest.importorskip("duckdb", reason="duckdb is in the extra recommend")

PAGE = (Path(__file__).parents[2] / "docs" / "watch.md").read_text("utf-8")
SMALLER = {
    "num_videos": 150,
    "num_users": 80,
    "feature_sizes=64,16": "feature_sizes=64,16 --num_looks=3 --min_frames=3 --max_frames=5",
    "max_steps": 3,
    "export_model_steps": 3,
    "batch_size": 32,
}


def blocks(kind):
    return re.findall(rf"```{kind}\n(.*?)```", PAGE, re.DOTALL)


def smaller(text):
    """The same command on a small world, for few steps, without compiling them."""
    for flag, value in SMALLER.items():
        if "=" in flag:
            text = text.replace(flag, str(value))
        else:
            text = re.sub(rf"--{flag}=\d+", f"--{flag}={value}", text)
    if "--max_steps" in text:
        text += " --nojit_compile"
    return text


def run(name, words):
    importlib.import_module(f"{PROGRAMS[name]}.__main__").main(program(name).parse(words))


def test_frames_to_auc(tmp_path, monkeypatch, capsys):
    def run_program(name, flags, interruption):
        run(name, [f"--{flag}={flag_text(value)}" for flag, value in flags.items()])
        return True

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(inputs, "run_program", run_program)
    monkeypatch.setattr(experiment, "in_own_process", lambda function, run, _: function(run))
    done = []
    for text in blocks("sh"):
        for command in text.replace("\\\n", " ").strip().splitlines():
            yt8m, name, *words = shlex.split(smaller(command), comments=True)
            assert yt8m == "yt8m"
            words += ["--rows=dsgmm", "--seeds=0"] if name == "watch-tables" else []
            run(name, words)
            done.append(name)
    assert done == [
        *("synthetic-world", "watch-tables", "split-log", "build-features", "build-graph"),
        *("train-embedding", "embed", "glmix", "glmix"),
    ]
    with open("out/watch/tables/results.csv", newline="") as file:
        row = next(csv.DictReader(file))
    found = {name: float(row[f"{name}_mean"]) for name in ("glmix_auc", "cold_auc")}
    evaluation = json.loads(Path("out/watch/auc.json").read_text())
    assert evaluation["auc"] == pytest.approx(found["glmix_auc"], abs=1e-6)
    assert evaluation["cold_auc"] == pytest.approx(found["cold_auc"], abs=1e-6)
    (python,) = blocks("python")
    capsys.readouterr()
    exec(python, {})
    by_similarity = [float(word) for word in capsys.readouterr().out.split()]
    expected = [float(row[f"{name}_mean"]) for name in ("max_auc", "mean_auc")]
    assert by_similarity == pytest.approx(expected, abs=1e-6)
