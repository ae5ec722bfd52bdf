"""What poolings and assignments cost: time and memory of a training step, over NetVLAD's.

A step is the compiled one of `train.py`, on a batch of random videos of 1024 + 128 features with
30 frames each. Memory is measured with each assignment in a process of its own: the highest
resident memory, less what the process held before the model was built, and after a tiny model of
the same kind was trained, so that TensorFlow, XLA and their threads are not counted. Times are
medians of steps that alternate between the two models compared.
"""

import statistics
from collections.abc import Callable
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.process import in_own_process
from benchmarks.step_limit import DATA, TINY_DATA, StepCase
from benchmarks.step_tensorflow import measure_steps, training_step
from benchmarks.timing import in_turn
from yt8m_models.config import ASSIGNMENTS, ModelConfig
from yt8m_models.poolings import POOLINGS

NUM_CLUSTERS = 64
HIDDEN_SIZE = 512
BATCH_SIZE = 80
ROUNDS = 9
MAX_MEMORY = 1.3
MAX_TIME_COUPLED = 1.35
MAX_TIME_DSGMM = 1.05

_COUPLED = tuple(name for name in ASSIGNMENTS if name != "decoupled")
_OTHERS = tuple(name for name in POOLINGS if name not in ("netvlad", "dsgmm"))


def figures(workdir: Path) -> list[Figure]:
    """Memory and time of each coupled assignment, and the time of each pooling."""
    return [*_memory_figures(), *_time_figures()]


def _memory_figures() -> list[Figure]:
    megabytes = {name: in_own_process(_memory, name) for name in ASSIGNMENTS}
    decoupled = megabytes["decoupled"]
    return [
        Figure(
            f"peak memory of a training step, {name} over decoupled NetVLAD",
            *(megabytes[name] / decoupled, MAX_MEMORY),
            at_most=True,
            detail={"mb": megabytes[name], "decoupled_mb": decoupled},
        )
        for name in _COUPLED
    ]


def _memory(assignment: str) -> float:
    """MB that building and training NetVLAD with that assignment adds at most."""
    tiny = ModelConfig("NetVLADModelLF", num_clusters=2, hidden_size=2, assignment=assignment)
    case = StepCase("", _model("netvlad", assignment), DATA)
    measured = measure_steps(StepCase("", tiny, TINY_DATA), case, BATCH_SIZE, rounds=4)
    return measured["peak_mb"] - measured["before_mb"]


def _time_figures() -> list[Figure]:
    netvlad = _step(_model("netvlad"))
    compared = [("DSGMM over NetVLAD", _model("dsgmm"), MAX_TIME_DSGMM)]
    for name in _COUPLED:
        title = f"{name} over decoupled NetVLAD"
        compared.append((title, _model("netvlad", name), MAX_TIME_COUPLED))
    compared += [(f"{name} over NetVLAD", _model(name), None) for name in _OTHERS]
    figures = []
    for title, config, bound in compared:
        seconds, baseline = map(statistics.median, in_turn(ROUNDS, _step(config), netvlad))
        name = f"time of a training step, {title}"
        detail = {"seconds": seconds, "netvlad_seconds": baseline}
        figures.append(Figure(name, seconds / baseline, bound, at_most=True, detail=detail))
    return figures


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


def _step(config: ModelConfig) -> Callable[[], None]:
    return training_step(StepCase("", config, DATA), BATCH_SIZE, "none")[0]
