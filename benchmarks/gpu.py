"""The papers' models on a GPU, on Keras with JAX and without TensorFlow: `bash benchmarks/gpu.sh`.

DSGMM (decoupled and coupled) and NetVLAD at the size of the paper, forward and as a training step,
and CDML's late fusion with semi-hard mining among 7,200 triplets. A row has the shortest time of
several calls, videos and TFLOP/s (of the matrix products alone), their share of the peak that the
maker states or else of the best product measured here, and the memory that XLA plans. The largest
batch that does not fit is a row that says so.
"""

import itertools
import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks import step_jax
from benchmarks.step import PRECISIONS, peak
from benchmarks.step_limit import CASES, StepCase, triplet_flops
from benchmarks.timing import seconds_of
from yt8m_models.program.command import Arguments, Program
from yt8m_models.program.option import Options, option

MODELS = ("dsgmm_paper", "netvlad_paper", "dsgmm_coupled")
TRIPLETS = "cdml"
_PRODUCT_SIZE = 8192


@dataclass(frozen=True)
class GpuConfig(Options):
    """What to measure, the first combinations first, until the time is over."""

    models: tuple[str, ...] = option(
        (*MODELS, TRIPLETS), "Models to measure.", choices=(*CASES, TRIPLETS)
    )
    precisions: tuple[str, ...] = option(
        ("bfloat16", "tf32", "float32"), "Precisions to measure.", choices=PRECISIONS
    )
    batch_sizes: tuple[int, ...] = option(
        (2048, 80, 512, 4096), "Videos in a batch.", at_least=1, distinct=True
    )
    triplets: int = option(7200, "Triplets in a batch of cdml.", at_least=1)
    rounds: int = option(5, "Calls to time.", at_least=1)
    seconds: float = option(400.0, "No measurement begins after so many seconds.", above=0)
    product_size: int = option(_PRODUCT_SIZE, "Rows of the product that is measured.", at_least=1)
    output: str = option("", "JSON file for the measurements.")


PROGRAM = Program("python -m benchmarks.gpu", "Measure the papers' models on a GPU.", GpuConfig)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    config = arguments[GpuConfig]
    start = time.monotonic()
    report: dict[str, Any] = {"device": step_jax.device(), "products": {}, "rows": []}
    for precision in config.precisions:
        rate = _product_tflops(precision, config)
        report["products"][precision] = rate
        print(f"{report['device']}: {rate:.4g} TFLOP/s, a product in {precision}", flush=True)
    for name, compute, compile_, flops, batch_size, precision in _measurements(config):
        row = {"model": name, "pass": compute, "precision": precision, "batch_size": batch_size}
        if time.monotonic() - start > config.seconds:
            row["error"] = "not measured: the time is over"
        else:
            row |= measure(compile_, flops, batch_size, precision, config.rounds)
        if "tflops" in row:
            best = peak(report["device"], precision) or report["products"][precision]
            row["share_of_peak"] = row["tflops"] / best
        report["rows"].append(row)
        print(_line(row), flush=True)
        if config.output:
            Path(config.output).write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


def measure(
    compile_: Callable[[], step_jax.Compiled],
    flops: float,
    videos: int,
    precision: str,
    rounds: int,
) -> dict[str, Any]:
    """What one computation takes; the key `error` alone where it does not fit."""
    step_jax.set_precision(precision)
    try:
        compiled, seconds = _shortest(compile_, rounds)
    except Exception as error:
        if "RESOURCE_EXHAUSTED" not in str(error):
            raise
        return {"error": "does not fit in memory"}
    return {
        "seconds": seconds,
        "videos_per_second": videos / seconds,
        "tflops": flops / seconds / 1e12,
        "memory_bytes": compiled.memory_bytes,
        "weights": compiled.num_weights,
    }


def _shortest(
    compile_: Callable[[], step_jax.Compiled], rounds: int
) -> tuple[step_jax.Compiled, float]:
    compiled = compile_()
    compiled.run()
    return compiled, min(seconds_of(compiled.run) for _ in range(rounds))


def _measurements(config: GpuConfig) -> list[tuple[Any, ...]]:
    """`(model, pass, compile, FLOPs, videos, precision)` of all that is to be measured."""
    found = []
    for batch_size, precision, name in itertools.product(
        config.batch_sizes, config.precisions, config.models
    ):
        if name != TRIPLETS:
            found += _of_case(name, CASES[name], batch_size, precision)
        elif batch_size == config.batch_sizes[0]:
            compile_ = partial(step_jax.compiled_triplet_step, config.triplets, precision)
            flops = triplet_flops(config.triplets, step_jax.VIDEO_FEATURES[1])
            found.append((name, "step", compile_, flops, 3 * config.triplets, precision))
    return found


def _of_case(name: str, case: StepCase, batch_size: int, precision: str) -> list[tuple[Any, ...]]:
    step = partial(step_jax.compiled_step, case, batch_size, precision)
    forward = partial(step_jax.compiled_forward, case, batch_size, precision)
    return [
        (name, "step", step, case.flops(batch_size), batch_size, precision),
        (name, "forward", forward, case.forward_flops(batch_size), batch_size, precision),
    ]


def _product_tflops(precision: str, config: GpuConfig) -> float:
    step_jax.set_precision(precision)
    dtype = "float32" if precision == "tf32" else precision
    run = step_jax.product(config.product_size, dtype)
    run()
    return 2e-12 * config.product_size**3 / min(seconds_of(run) for _ in range(config.rounds))


def _line(row: dict[str, Any]) -> str:
    title = f"{row['model']:14}{row['pass']:8}{row['precision']:>9}{row['batch_size']:6}"
    if "error" in row:
        return f"{title}  {row['error']}"
    return (
        f"{title}{1000 * row['seconds']:9.2f} ms{row['videos_per_second']:10.0f} videos/s"
        f"{row['tflops']:8.4g} TFLOP/s{row['share_of_peak']:7.1%} of peak"
        f"{row['memory_bytes'] / 2**30:7.2f} GiB"
    )


if __name__ == "__main__":
    PROGRAM.run()
