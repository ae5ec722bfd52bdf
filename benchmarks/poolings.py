"""What poolings and assignments cost: time and memory of a training step, over NetVLAD's.

A step is the compiled one of `train.py`, on a batch of random videos of 1024 + 128 features with
30 frames each. Memory is measured with each assignment in a process of its own: the highest
resident memory, less what the process held before the model was built, and after a tiny model of
the same kind was trained, so that TensorFlow, XLA and their threads are not counted. Times are
medians of steps that alternate between the two models compared.
"""

import json
import statistics
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

from benchmarks.clock import seconds_of
from benchmarks.figure import Figure
from benchmarks.memory import status_mb
from yt8m_models.config import ASSIGNMENTS, DataConfig, ModelConfig
from yt8m_models.poolings import POOLINGS

NUM_CLUSTERS = 64
HIDDEN_SIZE = 512
NUM_FRAMES = 30
BATCH_SIZE = 80
ROUNDS = 9
MAX_MEMORY = 1.3
MAX_TIME_COUPLED = 1.35
MAX_TIME_DSGMM = 1.05

_DATA = DataConfig(("rgb", "audio"), (1024, 128), frame_features=True)
_TINY_DATA = DataConfig(("rgb", "audio"), (8, 4), frame_features=True, num_classes=4)
_COUPLED = tuple(name for name in ASSIGNMENTS if name != "decoupled")
_OTHERS = tuple(name for name in POOLINGS if name not in ("netvlad", "dsgmm"))


def figures(workdir: Path) -> list[Figure]:
    """Memory and time of each coupled assignment, and the time of each pooling."""
    return [*_memory_figures(), *_time_figures()]


def _memory_figures() -> list[Figure]:
    megabytes = {name: _memory_of_process(name) for name in ASSIGNMENTS}
    return [
        Figure(
            name=f"peak memory of a training step, {name} over decoupled NetVLAD",
            value=megabytes[name] / megabytes["decoupled"],
            bound=MAX_MEMORY,
            at_most=True,
            detail={"mb": megabytes[name], "decoupled_mb": megabytes["decoupled"]},
        )
        for name in _COUPLED
    ]


def _memory_of_process(assignment: str) -> float:
    command = [sys.executable, "-m", "benchmarks.poolings", assignment]
    output = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout
    return float(json.loads(output.splitlines()[-1]))


def measure_memory(assignment: str) -> float:
    """MB that building and training NetVLAD with that assignment adds at most."""
    tiny = ModelConfig("NetVLADModelLF", num_clusters=2, hidden_size=2, assignment=assignment)
    step = _training(tiny, _TINY_DATA)
    for _ in range(2):
        step()
    before = status_mb("VmRSS")
    step = _training(_model("netvlad", assignment), _DATA)
    for _ in range(4):
        step()
    return status_mb("VmHWM") - before


def _time_figures() -> list[Figure]:
    netvlad = _training(_model("netvlad"), _DATA)
    dsgmm = Figure(
        name="time of a training step, DSGMM over NetVLAD",
        bound=MAX_TIME_DSGMM,
        at_most=True,
        **_ratio(_model("dsgmm"), netvlad),
    )
    coupled = [
        Figure(
            name=f"time of a training step, {name} over decoupled NetVLAD",
            bound=MAX_TIME_COUPLED,
            at_most=True,
            **_ratio(_model("netvlad", name), netvlad),
        )
        for name in _COUPLED
    ]
    others = [
        Figure(
            name=f"time of a training step, {name} over NetVLAD",
            at_most=True,
            **_ratio(_model(name), netvlad),
        )
        for name in _OTHERS
    ]
    return [dsgmm, *coupled, *others]


def _ratio(config: ModelConfig, baseline: Callable[[], None]) -> dict:
    """A figure's `value` and `detail`: the median step of `config` over the baseline's."""
    step = _training(config, _DATA)
    seconds, baseline_seconds = [], []
    for _ in range(ROUNDS):
        seconds.append(seconds_of(step))
        baseline_seconds.append(seconds_of(baseline))
    median, baseline_median = statistics.median(seconds), statistics.median(baseline_seconds)
    return {
        "value": median / baseline_median,
        "detail": {"seconds": median, "netvlad_seconds": baseline_median},
    }


def _model(pooling: str, assignment: str = "decoupled") -> ModelConfig:
    return ModelConfig(
        "NetVLADModelLF",
        pooling=pooling,
        assignment=assignment,
        final_norm=pooling not in ("dsgmm", "sgmm"),
        num_clusters=NUM_CLUSTERS,
        recurrent_cells=HIDDEN_SIZE,
        hidden_size=HIDDEN_SIZE,
    )


def _training(config: ModelConfig, data: DataConfig) -> Callable[[], None]:
    """Training steps on one random batch; the first is done, so that it is compiled."""
    import keras
    import numpy as np
    import tensorflow as tf

    from losses import CrossEntropyLoss
    from yt8m_models.models import create_model
    from yt8m_models.training.step import TrainStep

    model = create_model(config, data)
    optimizer = keras.optimizers.Adam(2e-4)
    optimizer.build(model.trainable_variables)
    step = TrainStep(model, optimizer, CrossEntropyLoss())
    rng = np.random.default_rng(1)
    shape = (BATCH_SIZE, NUM_FRAMES, sum(data.feature_sizes))
    batch = {
        "video_matrix": tf.constant(rng.integers(0, 256, shape).astype("uint8")),
        "num_frames": tf.fill([BATCH_SIZE], NUM_FRAMES),
        "labels": tf.constant(rng.random((BATCH_SIZE, data.num_classes)) < 0.001),
    }

    def train() -> None:
        step(batch).label_loss.numpy()

    train()
    return train


if __name__ == "__main__":
    print(json.dumps(measure_memory(sys.argv[1])))
