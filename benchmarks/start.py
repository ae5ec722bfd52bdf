"""How long `train.py` takes to answer, and to finish its first step."""

import subprocess
import sys
from functools import partial
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.timing import in_turn

MAX_HELP_SECONDS = 1.0
MAX_START = 4.0
_ROUNDS = 3
_ROOT = Path(__file__).resolve().parents[1]
_RECORDS = ("--feature_names=rgb,audio", "--feature_sizes=16,4", "--num_classes=30")


def figures(workdir: Path) -> list[Figure]:
    """Seconds of `train.py --help`, and of a training of one step over importing TensorFlow.

    The training is a whole process: start, reading, compiling, the step, its checkpoint and the
    end. Each is the shortest of several runs.
    """
    _run(
        *("-m", "yt8m_models.samples.synthetic", f"--output_dir={workdir / 'records'}"),
        *("--num_videos=48", *_RECORDS),
    )
    train = (
        *("train.py", f"--train_data_pattern={workdir}/records/*.tfrecord", "--frame_features"),
        *(*_RECORDS, "--model=DSGMMModel", "--num_clusters=4", "--hidden_size=8"),
        *("--batch_size=16", "--max_steps=1", "--start_new_model"),
        f"--train_dir={workdir / 'model'}",
    )
    commands = (("train.py", "--help"), ("-c", "import tensorflow"), train)
    help_seconds, import_seconds, train_seconds = map(
        min, in_turn(_ROUNDS, *(partial(_run, *command) for command in commands), warm_up=False)
    )
    return [
        Figure("train.py --help", help_seconds, MAX_HELP_SECONDS, "s", at_most=True),
        Figure(
            "train.py of one step of a small model, over importing TensorFlow",
            train_seconds / import_seconds,
            MAX_START,
            at_most=True,
            detail={"train.py seconds": train_seconds, "import seconds": import_seconds},
        ),
    ]


def _run(*arguments: str) -> None:
    subprocess.run([sys.executable, *arguments], check=True, cwd=_ROOT, capture_output=True)
