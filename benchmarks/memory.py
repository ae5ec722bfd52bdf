"""Peak memory of training on videos of 300 frames in batches of 128, and of one large step.

Trains as `train.py` does (reading, shuffling, steps, metrics, checkpoint), with 3,862 classes and
1024 + 128 features, each model in a process of its own. The figure is the highest resident memory
of the process, less what it held when model and optimizer were there and nothing was read yet.
Before that, a tiny model is trained, so that TensorFlow, XLA and their threads are not counted.

For a step of DSGMM with K = 256 on 30 frames, the figure is what it takes above the weights, their
gradients and the two moments of Adam.
"""

import gc
import json
import subprocess
import sys
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.step_limit import CASES, StepCase
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.training.config import TrainConfig

NUM_VIDEOS = 1024
NUM_FRAMES = 300
BATCH_SIZE = 128
STEPS = 8
MAX_GB = 1.0
MAX_STEP_GB = 1.5

DATA = DataConfig(("rgb", "audio"), (1024, 128), frame_features=True)
MODELS = {
    "DSGMMModel, K = 64, 30 of 300 frames": ModelConfig(
        "DSGMMModel", num_clusters=64, hidden_size=512
    ),
    "DSGMMModel, K = 32, 30 of 300 frames": ModelConfig(
        "DSGMMModel", num_clusters=32, hidden_size=256
    ),
    "FrameLevelLogisticModel, all 300 frames": ModelConfig("FrameLevelLogisticModel"),
}
_STEP = "dsgmm_paper"
_TINY_DATA = DataConfig(("rgb", "audio"), (8, 4), frame_features=True, num_classes=4)


def figures(workdir: Path) -> list[Figure]:
    """One figure for each of `MODELS`; writes records and checkpoints to `workdir`."""
    from yt8m_models.samples.synthetic.config import SyntheticConfig
    from yt8m_models.samples.synthetic.generator import write_synthetic

    if not (workdir / "whole").exists():
        frames = {"min_frames": NUM_FRAMES, "max_frames": NUM_FRAMES}
        write_synthetic(SyntheticConfig(str(workdir / "whole"), num_videos=NUM_VIDEOS, **frames))
        tiny = {"num_classes": _TINY_DATA.num_classes, "feature_sizes": _TINY_DATA.feature_sizes}
        write_synthetic(SyntheticConfig(str(workdir / "tiny"), num_videos=32, **tiny))
    return [*(_figure(name, workdir) for name in MODELS), _step_figure()]


def _figure(name: str, workdir: Path) -> Figure:
    detail = _in_own_process(name, str(workdir))
    return Figure(
        name=f"peak memory of training ({name})",
        value=(detail["peak_mb"] - detail["model_and_optimizer_mb"]) / 1000,
        bound=MAX_GB,
        unit="GB",
        at_most=True,
        detail=detail,
    )


def _step_figure() -> Figure:
    detail = _in_own_process(_STEP)
    return Figure(
        name=f"peak memory of a step above weights, gradients and moments ({CASES[_STEP].title})",
        value=(detail["peak_mb"] - detail["before_mb"] - 16e-6 * detail["weights"]) / 1000,
        bound=MAX_STEP_GB,
        unit="GB",
        at_most=True,
        detail=detail,
    )


def _in_own_process(*arguments: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.memory", *arguments]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return json.loads(output.splitlines()[-1])


def measure_step() -> dict[str, float]:
    """Resident memory in MB before there was a model and at its highest, and the weights."""
    from benchmarks.step_tensorflow import training_step

    tiny = ModelConfig("DSGMMModel", num_clusters=2, hidden_size=2)
    step, _ = training_step(StepCase("tiny", tiny, _TINY_DATA), 8, "none")
    step()
    del step
    gc.collect()
    before = status_mb("VmRSS")
    step, weights = training_step(CASES[_STEP], BATCH_SIZE, "none")
    for _ in range(3):
        step()
    return {"before_mb": before, "peak_mb": status_mb("VmHWM"), "weights": weights}


def measure(model: ModelConfig, workdir: Path) -> dict[str, float]:
    """Resident memory in MB: with model and optimizer alone, and the highest in training."""
    from yt8m_models.program.interruption import Interruption
    from yt8m_models.training.trainer import Trainer

    def trainer(name: str, data: DataConfig, model: ModelConfig, batch_size: int) -> Trainer:
        config = TrainConfig(
            train_dir=str(workdir / f"{name}_model"),
            train_data_pattern=f"{workdir / name}/*.tfrecord",
            start_new_model=True,
            batch_size=batch_size,
            max_steps=STEPS,
            log_steps=4,
        )
        return Trainer(config, data, model, Interruption())

    tiny = ModelConfig("DSGMMModel", num_clusters=2, hidden_size=2)
    trainer("tiny", _TINY_DATA, tiny, batch_size=8).train()
    gc.collect()
    training = trainer("whole", DATA, model, BATCH_SIZE)
    before = status_mb("VmRSS")
    training.train()
    return {"model_and_optimizer_mb": before, "peak_mb": status_mb("VmHWM")}


def status_mb(name: str) -> float:
    """A line of the kernel's account of this process, in MB."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(f"{name}:"):
            return int(line.split()[1]) * 1024 / 1e6
    raise OSError(f"/proc/self/status has no {name}")


if __name__ == "__main__":
    if sys.argv[1] == _STEP:
        print(json.dumps(measure_step()))
    else:
        print(json.dumps(measure(MODELS[sys.argv[1]], Path(sys.argv[2]))))
