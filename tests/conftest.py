"""What all tests share: quiet libraries, and where recorded outputs and real records are."""

import os
from pathlib import Path

import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")

SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared():
    """The directory of recorded outputs (`parity`) and real records (`data`), beside the clone."""
    if not SHARED.is_dir():
        pytest.skip(f"no recorded outputs and real records: there is no directory {SHARED.name}/")
    return SHARED


@pytest.fixture
def warned(caplog):
    """Gives the warnings of this project since the last call; TensorFlow has some of its own."""

    def warned():
        records = [record for record in caplog.records if record.name.startswith("yt8m_models")]
        caplog.clear()
        return [record.getMessage() for record in records]

    return warned
