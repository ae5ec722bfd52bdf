"""Peak memory of training on videos of 300 frames in batches of 128, and of one large step.

Trains as `train.py` does (reading, shuffling, steps, metrics, checkpoint), with 3,862 classes and
1024 + 128 features, each model in a process of its own. The figure is the highest resident memory
of the process, less what it held when model and optimizer were there and nothing was read yet.
Before that, a tiny model is trained, so that TensorFlow, XLA and their threads are not counted.

For a step of DSGMM with K = 256 on 30 frames, the figure is what it takes above the weights, their
gradients and the two moments of Adam.
"""

import gc
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.process import in_own_process, status_mb
from benchmarks.step_limit import CASES, DATA, TINY_DATA, StepCase
from benchmarks.step_tensorflow import measure_steps
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.program.interruption import Interruption
from yt8m_models.samples.synthetic.config import SyntheticConfig
from yt8m_models.samples.synthetic.generator import write_synthetic
from yt8m_models.training.config import TrainConfig
from yt8m_models.training.trainer import Trainer

NUM_VIDEOS = 1024
NUM_FRAMES = 300
BATCH_SIZE = 128
STEPS = 8
MAX_GB = 1.0
MAX_STEP_GB = 1.5

MODELS = {
    "DSGMMModel, K = 64, 30 of 300 frames": ModelConfig(
        "DSGMMModel", num_clusters=64, hidden_size=512
    ),
    "DSGMMModel, K = 32, 30 of 300 frames": ModelConfig(
        "DSGMMModel", num_clusters=32, hidden_size=256
    ),
    "FrameLevelLogisticModel, all 300 frames": ModelConfig("FrameLevelLogisticModel"),
}
_TINY = ModelConfig("DSGMMModel", num_clusters=2, hidden_size=2)


def figures(workdir: Path) -> list[Figure]:
    """One figure for each of `MODELS`, and that of a step; writes to `workdir`."""
    frames = {"min_frames": NUM_FRAMES, "max_frames": NUM_FRAMES}
    write_synthetic(SyntheticConfig(str(workdir / "whole"), num_videos=NUM_VIDEOS, **frames))
    tiny = {"num_classes": TINY_DATA.num_classes, "feature_sizes": TINY_DATA.feature_sizes}
    write_synthetic(SyntheticConfig(str(workdir / "tiny"), num_videos=32, **tiny))
    found = []
    for name, model in MODELS.items():
        detail = in_own_process(_measure_training, model, workdir)
        megabytes = detail["peak_mb"] - detail["model_and_optimizer_mb"]
        found.append(_figure(f"training ({name})", megabytes, MAX_GB, detail))
    case = CASES["dsgmm_paper"]
    detail = in_own_process(measure_steps, StepCase("", _TINY, TINY_DATA), case, BATCH_SIZE, 2)
    megabytes = detail["peak_mb"] - detail["before_mb"] - 16e-6 * detail["weights"]
    title = f"a step above weights, gradients and moments ({case.title})"
    return [*found, _figure(title, megabytes, MAX_STEP_GB, detail)]


def _figure(title: str, megabytes: float, bound: float, detail: dict[str, float]) -> Figure:
    name = f"peak memory of {title}"
    return Figure(name, megabytes / 1000, bound, "GB", at_most=True, detail=detail)


def _measure_training(model: ModelConfig, workdir: Path) -> dict[str, float]:
    """Resident memory in MB: with model and optimizer alone, and the highest in training."""

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

    trainer("tiny", TINY_DATA, _TINY, batch_size=8).train()
    gc.collect()
    training = trainer("whole", DATA, model, BATCH_SIZE)
    before = status_mb("VmRSS")
    training.train()
    return {"model_and_optimizer_mb": before, "peak_mb": status_mb("VmHWM")}
