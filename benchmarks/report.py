"""Figures for a JSON file."""

import os
import platform
from dataclasses import asdict
from datetime import datetime, timezone
from importlib.metadata import version
from typing import Any

from benchmarks.figure import Figure
from yt8m_models import __version__


def report(figures: list[Figure]) -> dict[str, Any]:
    """The figures with the date, the machine and the versions, for a JSON file."""
    return {
        "date": datetime.now(timezone.utc).isoformat(timespec="seconds"),
        "machine": {
            "system": platform.system(),
            "processor": platform.machine(),
            "cores": os.cpu_count(),
        },
        "versions": {
            "python": platform.python_version(),
            "yt8m-models": __version__,
            **{package: version(package) for package in ("tensorflow", "keras", "numpy")},
        },
        "figures": [{**asdict(figure), "reached": figure.reached} for figure in figures],
    }
