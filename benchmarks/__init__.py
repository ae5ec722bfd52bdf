"""Benchmarks of the pipeline, the metrics, inference and training; `python -m benchmarks`."""
