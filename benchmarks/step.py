"""A training step against what the machine allows.

    python -m benchmarks.step --batch_sizes=80,512,2048 --precisions=float32,tf32,bfloat16

The limit is the time of the step's matrix products at the framework's best rate for a product of
two square matrices, plus that of its unavoidable passes over the weights at the rate of a copy;
`benchmarks.step_limit` counts both. All times are the shortest of several, which alternate between
step, product and copy. It runs on TensorFlow and, with KERAS_BACKEND=jax, on JAX alone.
"""

import importlib
import itertools
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure
from benchmarks.step_limit import CASES, StepCase, weight_bytes
from benchmarks.timing import in_turn
from yt8m_models.program.command import Arguments, Program
from yt8m_models.program.option import Options, option

PRECISIONS = ("float32", "tf32", "bfloat16", "float16")
BOUNDS = {"netvlad": 0.70, "dsgmm_paper": 0.75}
BATCH_SIZE = 80
ROUNDS = 8
_COPIED_NUMBERS = 2**26
_PRODUCT_SIZES = {"CPU": 2048}
_PRODUCT_SIZE = 8192
# Dense TFLOP/s that the makers state, by precision.
_PEAKS: dict[str, dict[str, float]] = {
    "H100": {"float32": 67, "tf32": 495, "bfloat16": 989, "float16": 989},
    "H200": {"float32": 67, "tf32": 495, "bfloat16": 989, "float16": 989},
    "A100": {"float32": 19.5, "tf32": 156, "bfloat16": 312, "float16": 312},
    "L4": {"float32": 30, "tf32": 60, "bfloat16": 121, "float16": 121},
    "T4": {"float32": 8.1, "float16": 65},
}


@dataclass(frozen=True)
class StepConfig(Options):
    """Which steps to measure."""

    models: tuple[str, ...] = option(tuple(CASES), "Models to measure.", choices=tuple(CASES))
    batch_sizes: tuple[int, ...] = option((BATCH_SIZE,), "Videos in a batch.", at_least=1)
    precisions: tuple[str, ...] = option(("float32",), "Precisions to measure.", choices=PRECISIONS)
    rounds: int = option(ROUNDS, "Steps to time.", at_least=1)
    output: str = option("", "JSON file for the measurements.")


PROGRAM = Program("python -m benchmarks.step", "Measure training steps.", StepConfig)


def figures(workdir: Path) -> list[Figure]:
    """Limit over measured of the steps that have a bound."""
    found = []
    for name, bound in BOUNDS.items():
        detail = measure(CASES[name], BATCH_SIZE, "float32", ROUNDS)
        title = f"training step of {CASES[name].title}: limit over measured"
        value = detail["limit_seconds"] / detail["seconds"]
        found.append(Figure(title, value, bound, detail=detail))
    return found


def measure(case: StepCase, batch_size: int, precision: str, rounds: int) -> dict[str, float]:
    """Seconds of a step and of its limit, and what the limit is made of."""
    backend = _backend()
    dtype = "float32" if precision == "tf32" else precision
    step, num_weights = backend.training_step(case, batch_size, backend.set_precision(precision))
    size = _PRODUCT_SIZES.get(backend.device(), _PRODUCT_SIZE)
    runs = [step, backend.product(size, dtype), backend.copy(_COPIED_NUMBERS)]
    seconds, product_seconds, copy_seconds = map(min, in_turn(rounds, *runs))
    flops = case.flops(batch_size)
    rate = 2.0 * size**3 / product_seconds
    bandwidth = 8.0 * _COPIED_NUMBERS / copy_seconds
    return {
        "seconds": seconds,
        "limit_seconds": flops / rate + weight_bytes(num_weights) / bandwidth,
        "videos_per_second": batch_size / seconds,
        "tflops": flops / seconds / 1e12,
        "best_tflops": rate / 1e12,
        "bandwidth_gb_per_second": bandwidth / 1e9,
        "weights": num_weights,
    }


def _backend() -> Any:
    import keras

    return importlib.import_module(f"benchmarks.step_{keras.backend.backend()}")


@PROGRAM.main
def main(arguments: Arguments) -> None:
    config = arguments[StepConfig]
    device = _backend().device()
    print(f"{device}; peak is {'stated by the maker' if _peak(device, 'float32') else 'measured'}")
    columns = ("ms", "videos/s", "TFLOP/s", "of peak", "of limit")
    print(f"{'model':36}{'precision':>10}{'batch':>7}" + "".join(f"{name:>10}" for name in columns))
    rows = []
    for name, precision, batch_size in itertools.product(
        config.models, config.precisions, config.batch_sizes
    ):
        row = measure(CASES[name], batch_size, precision, config.rounds)
        rows.append({"model": name, "precision": precision, "batch_size": batch_size, **row})
        peak = _peak(device, precision) or row["best_tflops"]
        print(
            f"{CASES[name].title:36}{precision:>10}{batch_size:7}"
            f"{1000 * row['seconds']:10.1f}{row['videos_per_second']:10.0f}"
            f"{row['tflops']:10.3g}{row['tflops'] / peak:10.1%}"
            f"{row['limit_seconds'] / row['seconds']:10.1%}",
            flush=True,
        )
    if config.output:
        Path(config.output).write_text(json.dumps(rows, indent=2) + "\n", encoding="utf-8")


def _peak(device: str, precision: str) -> float | None:
    """TFLOP/s that the maker of the device states; `None` for devices that are not listed."""
    for name, peaks in _PEAKS.items():
        if name in device:
            return peaks.get(precision)
    return None


if __name__ == "__main__":
    PROGRAM.run()
