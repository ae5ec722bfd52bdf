"""The original programs and ours, in turn on the same records: the ratios of their speeds.

    python -m benchmarks.peers --starter=DIR --willow=DIR --python=PATH

A directory is a checkout of google/youtube-8m or of antoine77340/Youtube-8M-WILLOW, and the
interpreter one that runs it (TensorFlow 1.15). Both sides get the same command lines but for flags
that only one of them has. Each figure is a speed without start, compilation and checkpoints: the
videos that a long run has more than a short one, over the seconds that it takes more.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import tensorflow as tf

from benchmarks.comparison import ROOT
from benchmarks.figure import Figure, table
from benchmarks.report import report
from benchmarks.timing import timed
from yt8m_models.data.records import write_records
from yt8m_models.program.command import Arguments, Program
from yt8m_models.program.option import Options, option
from yt8m_models.samples.synthetic.config import SyntheticConfig
from yt8m_models.samples.synthetic.generator import write_synthetic
from yt8m_models.storage.whole_file import write_text

_FEATURES = ("--frame_features=True", "--feature_names=rgb,audio", "--feature_sizes=1024,128")
_NUM_SHARDS = 8
_SHORT_SHARDS = 2
_SHORT_EPOCHS, _LONG_EPOCHS = 1, 8
_COPIES = 8


@dataclass(frozen=True)
class Peer:
    """An original program.

    Attributes:
        model: what is trained, in words.
        flags: of all three programs.
        training: of the training alone.
        ours: what ours needs beside them, to be the same model.
        num_classes: of its readers, in which it stands as a number.
        id_name: of the video's id in its records.
    """

    model: str
    flags: tuple[str, ...]
    training: tuple[str, ...]
    ours: tuple[str, ...]
    num_classes: int
    id_name: str


@dataclass(frozen=True)
class Side:
    """The interpreter, the directory and the evaluation program of one of the two."""

    python: str
    directory: Path
    evaluation: tuple[str, ...] = ("eval.py",)
    is_ours: bool = False


PEERS = {
    "starter": Peer(
        model="average pooling, logistic regressions, 300 frames",
        flags=("--batch_size=128",),
        training=(*_FEATURES, "--model=FrameLevelLogisticModel"),
        ours=(),
        num_classes=3862,
        id_name="id",
    ),
    "willow": Peer(
        model="gated NetVLAD, K = 256",
        flags=(
            *_FEATURES,
            "--model=NetVLADModelLF",
            "--batch_size=80",
            "--base_learning_rate=0.0002",
            "--netvlad_cluster_size=256",
            "--netvlad_hidden_size=1024",
            "--moe_l2=1e-6",
            "--iterations=300",
            "--learning_rate_decay=0.8",
            "--netvlad_relu=False",
            "--gating=True",
            "--moe_prob_gating=True",
        ),
        training=(),
        ours=("--num_classes=4716",),
        num_classes=4716,
        id_name="video_id",
    ),
}


@dataclass(frozen=True)
class PeersConfig(Options):
    """Which programs, on how much data."""

    starter: str = option("", "Checkout of the starter code; left out unless given.")
    willow: str = option("", "Checkout of WILLOW's code; left out unless given.")
    python: str = option("python", "Interpreter that runs the checkouts.")
    num_videos: int = option(2048, "Videos of up to 300 frames to make.", at_least=_NUM_SHARDS)
    rounds: int = option(3, "How often each command runs; the median counts.", at_least=1)
    output: str = option("", "JSON file for the figures, the machine and the versions.")

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.checkouts:
            raise ValueError("--starter or --willow, a directory each, must be given")
        for name, directory in self.checkouts.items():
            if not Path(directory, "train.py").is_file():
                raise ValueError(f"--{name}={directory}: has no train.py")

    @property
    def checkouts(self) -> dict[str, str]:
        """The directories that were given, by the names of `PEERS`."""
        found = {"starter": self.starter, "willow": self.willow}
        return {name: directory for name, directory in found.items() if directory}


PROGRAM = Program(
    "python -m benchmarks.peers", "Measure this code beside the originals.", PeersConfig
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    config = arguments[PeersConfig]
    figures = []
    for name, checkout in config.checkouts.items():
        with tempfile.TemporaryDirectory() as workdir:
            write_shards(PEERS[name], config.num_videos, Path(workdir))
            sides = (
                Side(config.python, Path(checkout)),
                Side(sys.executable, ROOT, ("-m", "eval"), is_ours=True),
            )
            figures += compare(
                name, sides, Path(workdir), config.num_videos, config.rounds, seconds_of_command
            )
    print(table(figures))
    if config.output:
        write_text(config.output, json.dumps(report(figures), indent=2) + "\n")


def write_shards(peer: Peer, num_videos: int, workdir: Path) -> None:
    """Synthetic records as the peer reads them, and links to each file as its copies."""
    shards = write_synthetic(
        SyntheticConfig(
            str(workdir),
            num_videos=num_videos,
            num_shards=_NUM_SHARDS,
            num_classes=peer.num_classes,
        )
    )
    for path in shards if peer.id_name != "id" else ():
        examples = [
            tf.train.SequenceExample.FromString(record.numpy())
            for record in tf.data.TFRecordDataset(path)
        ]
        for example in examples:
            features = example.context.feature
            features[peer.id_name].CopyFrom(features.pop("id"))
        write_records(path, [example.SerializeToString() for example in examples])
    for path in map(Path, shards):
        for copy in range(1, _COPIES):
            os.link(path, path.with_name(f"copy{copy}-{path.name}"))


def compare(
    name: str,
    sides: tuple[Side, Side],
    workdir: Path,
    num_videos: int,
    rounds: int,
    seconds: Callable[[Sequence[str], Path], float],
) -> list[Figure]:
    """Training, evaluation and inference: our videos/s over the peer's.

    Args:
        name: of the peer.
        sides: the peer's and ours.
        workdir: where the shards are; models and predictions are written there.
        num_videos: in the shards.
        rounds: how often each command runs.
        seconds: of a command in a directory.

    Raises:
        ValueError: a command fails.
    """
    taken: dict[tuple[str, bool], list[float]] = {}
    for turn in range(rounds):
        for side in sides:
            for task, runs in commands(name, side, workdir, turn).items():
                short, long = (seconds(command, side.directory) for command in runs)
                taken.setdefault((task, side.is_ours), []).append(long - short)
    part = (_COPIES * _NUM_SHARDS - _SHORT_SHARDS) * num_videos // _NUM_SHARDS
    more_videos = {
        "training": (_LONG_EPOCHS - _SHORT_EPOCHS) * num_videos,
        "evaluation": part,
        "inference": part,
    }
    figures = []
    for task, videos in more_videos.items():
        its, ours = (videos / statistics.median(taken[task, is_ours]) for is_ours in (False, True))
        detail = {"its_videos_per_second": its, "our_videos_per_second": ours}
        title = f"{task} over that of {name} ({PEERS[name].model})"
        figures.append(Figure(title, ours / its, detail=detail))
    return figures


def commands(
    name: str, side: Side, workdir: Path, turn: int
) -> dict[str, tuple[list[str], list[str]]]:
    """The short and the long command of each task.

    Evaluation and inference are of what the long training left.
    """
    peer = PEERS[name]
    flags = [*peer.flags, *(peer.ours if side.is_ours else ())]
    everything = f"{workdir}/*train*.tfrecord"
    some = f"{workdir}/train000[0-{_SHORT_SHARDS - 1}].tfrecord"
    model = f"{workdir}/{'ours' if side.is_ours else 'its'}{turn}"

    def training(epochs: int, train_dir: str) -> list[str]:
        return [
            *(side.python, "train.py", *flags, *peer.training, f"--train_dir={train_dir}"),
            *(f"--train_data_pattern={workdir}/train*.tfrecord", f"--num_epochs={epochs}"),
        ]

    def evaluation(pattern: str) -> list[str]:
        return [
            *(side.python, *side.evaluation, *flags, f"--train_dir={model}"),
            *(f"--eval_data_pattern={pattern}", "--run_once=True"),
        ]

    def inference(pattern: str) -> list[str]:
        return [
            *(side.python, "inference.py", *flags, f"--train_dir={model}"),
            *(f"--input_data_pattern={pattern}", f"--output_file={model}.csv"),
        ]

    return {
        "training": (training(_SHORT_EPOCHS, f"{model}-short"), training(_LONG_EPOCHS, model)),
        "evaluation": (evaluation(some), evaluation(everything)),
        "inference": (inference(some), inference(everything)),
    }


def seconds_of_command(command: Sequence[str], directory: Path) -> float:
    """Runs a command in a directory; its error has the last lines of the command's."""
    done, seconds = timed(
        lambda: subprocess.run(
            command, cwd=directory, capture_output=True, text=True, errors="replace"
        )
    )
    if done.returncode:
        last = "\n".join(done.stderr.splitlines()[-5:])
        raise ValueError(f"{' '.join(command)} in {directory} ended with an error:\n{last}")
    return seconds


if __name__ == "__main__":
    PROGRAM.run()
