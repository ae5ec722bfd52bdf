"""Tests of the training program as users run it: `train.py` in a process of its own."""

import random
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import losses
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.data.records import frame_record, write_records
from yt8m_models.training.__main__ import PROGRAM
from yt8m_models.training.checkpoints import restore_model
from yt8m_models.training.evaluator import Evaluator
from yt8m_models.training.history import read_history
from yt8m_models.training.train_dir import checkpoint_paths, step_of

ROOT = Path(__file__).resolve().parents[2]


def command(records, train_dir, **flags):
    values = {
        "train_data_pattern": records / "train*.tfrecord",
        "train_dir": train_dir,
        "feature_names": "rgb,audio",
        "feature_sizes": "8,4",
        "num_classes": 6,
        "model": "FrameLevelLogisticModel",
        "batch_size": 8,
        "log_steps": 5,
        "export_model_steps": 5,
        "num_epochs": 3,
        "top_k": 3,
        **flags,
    }
    return [
        *(sys.executable, str(ROOT / "train.py")),
        "--frame_features",
        "--nojit_compile",
        *(f"--{name}={value}" for name, value in values.items()),
    ]


def run(*args, **kwargs):
    return subprocess.run(*args, capture_output=True, text=True, check=False, **kwargs)


def test_killed_at_any_moment_it_resumes_and_finishes(records, tmp_path, wait_for_checkpoint):
    """Checkpoints at every step, so that most moments are within the writing of one."""
    flags = {"export_model_steps": 1, "num_epochs": 400, "keep_checkpoints": 3}
    rng = random.Random(0)
    step = 0
    for _ in range(2):
        with subprocess.Popen(
            command(records, tmp_path, **flags), stderr=subprocess.PIPE, stdout=subprocess.PIPE
        ) as process:
            wait_for_checkpoint(process, tmp_path, more=rng.uniform(0.1, 1.0))
            process.kill()
        restored = restore_model(str(tmp_path))
        assert restored.step >= step
        step = restored.step
    last = run(command(records, tmp_path, **flags, max_steps=step + 5))
    assert last.returncode == 0, last.stderr
    assert f"Resuming from {tmp_path}/model.ckpt-" in last.stdout
    assert restore_model(str(tmp_path)).step == step + 5
    steps = [row["step"] for row in read_history(f"{tmp_path}/training.csv")]
    assert steps == sorted(set(steps))


def test_sigterm_saves_and_says_so_by_the_exit_status(records, tmp_path, wait_for_checkpoint):
    process = subprocess.Popen(
        command(records, tmp_path, num_epochs=10000, export_model_steps=20),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    wait_for_checkpoint(process, tmp_path)
    process.send_signal(signal.SIGTERM)
    output, errors = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM, errors
    assert "Stopped early" in output
    step = restore_model(str(tmp_path)).step
    assert f"{step:,} steps" in output


@pytest.mark.parametrize(
    ("flags", "parts"),
    [
        ({"train_data_pattern": "/nowhere/*.tfrecord"}, ["--train_data_pattern", "/nowhere/"]),
        ({"feature_sizes": "8,5"}, ["train", ".tfrecord", "audio", "4", "5"]),
        ({"num_classes": 2}, ["train", ".tfrecord", "label"]),
    ],
)
def test_errors_are_messages_without_a_traceback(records, tmp_path, run_here, flags, parts):
    _, _, *argv = command(records, tmp_path / "model", **flags)
    status, _, errors = run_here(PROGRAM, *argv)
    assert status == 1
    assert "Traceback" not in errors
    for part in parts:
        assert part in errors


@pytest.mark.slow
def test_two_workers_train_together(records, tmp_path, start_workers):
    """Two files of 40 videos and one: epochs of the 5 batches that both have, to the same end.

    Both validate, with the statistics of the chief, and what it says ends the training.
    """
    flags = {
        "strategy": "multi_worker",
        "model": "NetVLADModelLF",
        "num_clusters": 2,
        "hidden_size": 4,
        "log_steps": 1,
        "num_epochs": 3,
        "eval_data_pattern": records / "val.tfrecord",
    }
    workers, _ = start_workers(*[command(records, tmp_path, **flags)] * 2)
    outputs = [worker.communicate(timeout=300) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], outputs
    assert all("Trained: 15 steps, 3 epochs." in output for output, _ in outputs)
    rows = read_history(f"{tmp_path}/training.csv")
    assert [(row["step"], row["epoch"]) for row in rows] == [
        (step, 1 + (step - 1) // 5) for step in range(1, 16)
    ]
    validated = read_history(f"{tmp_path}/validation.csv")
    assert [row["step"] for row in validated] == [5, 10, 15]
    restored = restore_model(str(tmp_path), "latest")
    evaluator = Evaluator(restored.model, losses.get(restored.label_loss), 6, top_k=3)
    files = [str(records / "val.tfrecord")]
    expected = evaluator.evaluate(Pipeline(files, restored.data_config, PipelineOptions(128)))
    for name in ("loss", "hit_at_one", "perr", "gap", "map", "num_videos"):
        assert validated[-1][name] == pytest.approx(expected[name], rel=1e-5)
    flags |= {"num_epochs": 100, "early_stopping_patience": 2, "base_learning_rate": 1e-12}
    workers, _ = start_workers(*[command(records, tmp_path, **flags)] * 2)
    outputs = [worker.communicate(timeout=300) for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0], outputs
    assert all("2 validations without a new best" in output for output, _ in outputs)


@pytest.mark.slow
@pytest.mark.parametrize("num_workers", [2, 4])
def test_workers_do_what_one_does_with_all_their_videos(
    records, tmp_path, run_here, start_workers, num_workers
):
    """A step has all videos, so that their order, which differs, is of no consequence.

    They have a frame each, which is every sample of it. Two workers have a file each, four share
    the records of both.
    """
    frames = np.random.default_rng(0).integers(256, size=(32, 1, 12), dtype=np.uint8)
    videos = [
        frame_record(b"v%02d" % row, [row % 6], {"rgb": one[:, :8], "audio": one[:, 8:]})
        for row, one in enumerate(frames)
    ]
    for file in range(2):
        write_records(tmp_path / f"{file}.tfrecord", videos[file::2])
    flags = {
        "train_data_pattern": f"{tmp_path}/?.tfrecord",
        "eval_data_pattern": records / "val.tfrecord",
        "model": "NetVLADModelLF",
        "num_clusters": 4,
        "hidden_size": 4,
        "batch_norm": False,
        "moe_prob_gating": False,  # it has batch normalisation of its own
        "optimizer": "MomentumOptimizer",  # Adam makes much of the rounding of small gradients
        "base_learning_rate": 0.3,
        "export_model_steps": 3,
        "log_steps": 1,
        "num_epochs": 6,
    }
    _, _, *argv = command(records, tmp_path / "one", **flags, batch_size=32)
    assert run_here(PROGRAM, *argv)[0] == 0
    flags |= {"strategy": "multi_worker", "batch_size": 32 // num_workers}
    argv = command(records, tmp_path / "all", **flags)
    workers, _ = start_workers(*[argv] * num_workers)
    outputs = [worker.communicate(timeout=300) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * num_workers, outputs
    for name, columns, steps in (
        ("training.csv", ("loss",), [1, 2, 3, 4, 5, 6]),
        ("validation.csv", ("loss", "gap", "num_videos"), [3, 6]),
    ):
        expected, found = (
            read_history(f"{tmp_path}/{directory}/{name}") for directory in ("one", "all")
        )
        assert [row["step"] for row in found] == [row["step"] for row in expected] == steps
        for column in columns:
            values = [row[column] for row in expected]
            assert [row[column] for row in found] == pytest.approx(values, rel=1e-5)
    one, all_ = (restore_model(f"{tmp_path}/{name}", "latest").model for name in ("one", "all"))
    for weight, expected in zip(all_.get_weights(), one.get_weights(), strict=True):
        np.testing.assert_allclose(weight, expected, atol=1e-5)


@pytest.mark.slow
def test_a_signal_to_one_worker_ends_both_at_the_same_step(
    records, tmp_path, start_workers, wait_for_checkpoint
):
    flags = {"strategy": "multi_worker", "num_epochs": 10**6, "log_steps": 3}
    workers, _ = start_workers(*[command(records, tmp_path, **flags)] * 2)
    wait_for_checkpoint(workers[0], tmp_path)
    workers[1].send_signal(signal.SIGTERM)
    outputs = [worker.communicate(timeout=300) for worker in workers]
    assert [worker.returncode for worker in workers] == [128 + signal.SIGTERM] * 2, outputs
    step = restore_model(str(tmp_path), "latest").step
    assert step % 3 == 0
    assert all(f"Stopped early: {step:,} steps" in output for output, _ in outputs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("lost", "number"), [(1, signal.SIGKILL), (0, signal.SIGKILL), (1, signal.SIGSTOP)]
)
def test_a_lost_worker_is_named_and_the_training_resumes(
    records, tmp_path, start_workers, wait_for_checkpoint, lost, number
):
    """One that is killed, chief or not, and one that hangs; the other one ends by itself."""
    train_dir = tmp_path / "model"
    flags = {
        "strategy": "multi_worker",
        "export_model_steps": 2,
        "log_steps": 1,
        "num_epochs": 10**6,
    }
    workers, addresses = start_workers(*[command(records, train_dir, max_steps=10**6, **flags)] * 2)
    wait_for_checkpoint(workers[0], train_dir)
    workers[lost].send_signal(number)
    other = workers[1 - lost]
    _, errors = other.communicate(timeout=300)
    assert other.returncode == 1
    assert "Traceback" not in errors
    (message,) = [line for line in errors.splitlines() if line.startswith("yt8m train: ")]
    assert f"worker {lost} ({addresses[lost]}) is gone" in message
    latest = checkpoint_paths(str(train_dir))[-1]
    assert f"{latest}; the same command on every worker resumes there" in message
    workers[lost].kill()
    end = step_of(latest) + 3
    workers, _ = start_workers(*[command(records, train_dir, max_steps=end, **flags)] * 2)
    outputs = [worker.communicate(timeout=300)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0, 0]
    assert all(f"Resuming from {latest}" in output for output in outputs)
    assert restore_model(str(train_dir)).step == end
