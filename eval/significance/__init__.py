"""McNemar's test on Hit@1; `yt8m significance` compares two prediction files."""

from eval.mcnemar_test import McNemar, mcnemar

__all__ = ["McNemar", "mcnemar"]
