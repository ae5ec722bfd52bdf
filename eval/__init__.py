"""Metrics of YouTube-8M and the evaluation program, `python -m eval`."""
