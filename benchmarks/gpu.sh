#!/usr/bin/env bash
# The papers' models on a GPU, within eight minutes: bash benchmarks/gpu.sh [--output=gpu.json] [flags]
#
# Needs Python with jax (for CUDA), keras, absl-py and numpy; no TensorFlow, and no installation of
# this package. PYTHON names another interpreter; `--help` lists the flags.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
KERAS_BACKEND=jax exec "${PYTHON:-python3}" -m benchmarks.gpu "$@"
