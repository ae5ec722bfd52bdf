"""The benchmark for GPUs, in small, on Keras with JAX."""

import json
import os
import subprocess
import sys

import keras
import pytest

from benchmarks.step_limit import TINY_DATA, StepCase, triplet_flops
from yt8m_models.config import ModelConfig

ON_JAX = keras.backend.backend() == "jax"
TINY = StepCase("tiny", ModelConfig("DSGMMModel", num_clusters=8, hidden_size=3), TINY_DATA)


def test_work_of_a_step_on_triplets():
    """60 videos through `8 -> 4000 -> 256`, thrice, and distances of 20 anchors and negatives."""
    towers = 60 * (8 * 4000 + 4000 * 256)
    assert triplet_flops(20, (8,)) == 6 * towers + 2 * 20 * 20 * 256


@pytest.mark.skipif(not ON_JAX, reason="measures Keras with JAX")
def test_a_step_and_a_forward_pass():
    from benchmarks import gpu, step_jax

    for compile_ in (step_jax.compiled_step, step_jax.compiled_forward):
        row = gpu.measure(lambda compile_=compile_: compile_(TINY, 4, "float32"), 4e6, 4, "tf32", 1)
        assert row["videos_per_second"] == pytest.approx(4 / row["seconds"])
        assert row["tflops"] == pytest.approx(4e-6 / row["seconds"])
        assert row["memory_bytes"] > 4 * row["weights"] > 0


@pytest.mark.skipif(not ON_JAX, reason="measures Keras with JAX")
def test_what_does_not_fit_is_a_row():
    from benchmarks import gpu

    def compile_():
        raise RuntimeError("RESOURCE_EXHAUSTED: out of memory")

    assert gpu.measure(compile_, 1.0, 1, "float32", 1) == {"error": "does not fit in memory"}


@pytest.mark.skipif(not ON_JAX, reason="measures Keras with JAX")
def test_the_script_writes_what_it_measured(tmp_path):
    output = tmp_path / "gpu.json"
    flags = ["--models=cdml", "--precisions=float32", "--triplets=4", "--rounds=1"]
    subprocess.run(
        ["bash", "benchmarks/gpu.sh", *flags, "--product_size=8", f"--output={output}"],
        check=True,
        env={**os.environ, "PYTHON": sys.executable},
    )
    report = json.loads(output.read_text(encoding="utf-8"))
    (row,) = report["rows"]
    assert (row["model"], row["pass"], row["batch_size"]) == ("cdml", "step", 12)
    assert row["share_of_peak"] == pytest.approx(row["tflops"] / report["products"]["float32"])
