"""The notebooks of `examples`: without outputs, and run in small."""

import json
import os
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
NOTEBOOKS = sorted((ROOT / "examples").glob("*.ipynb"))
SMALL = {
    "first_model": """
TRAIN_VIDEOS, VALIDATION_VIDEOS = 16, 8
EPOCHS, CLUSTERS, HIDDEN_SIZE = 1, 2, 8
BATCH_SIZE = 8
""",
    "recommendations": """
VIDEOS, USERS = 200, 60
STEPS, BATCH_SIZE, HIDDEN_SIZE, EMBEDDING_SIZE = 2, 8, 16, 8
""",
}


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_they_are_kept_without_outputs(path):
    cells = json.loads(path.read_text("utf-8"))["cells"]
    code = [cell for cell in cells if cell["cell_type"] == "code"]
    assert len(code) > 5
    assert not any(cell["outputs"] or cell["execution_count"] for cell in code)


@pytest.mark.slow
@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_they_run(path, tmp_path, monkeypatch):
    nbformat = pytest.importorskip("nbformat", reason="needs the extra `dev`")
    nbclient = pytest.importorskip("nbclient", reason="needs the extra `dev`")
    pytest.importorskip("ipykernel", reason="needs the extra `dev`")
    for name in ("sklearn", "matplotlib", "duckdb"):
        pytest.importorskip(name, reason="needs the extras `quickstart` and `recommend`")
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(ROOT), os.environ.get("PYTHONPATH", "")]))
    monkeypatch.setenv("MPLBACKEND", "agg")
    notebook = nbformat.read(path, as_version=4)
    (parameters,) = (
        cell for cell in notebook.cells if "parameters" in cell.metadata.get("tags", ())
    )
    assert _names(parameters.source) == _names(SMALL[path.stem])
    parameters.source = SMALL[path.stem]
    nbclient.NotebookClient(
        notebook,
        timeout=300,
        kernel_name="python3",
        resources={"metadata": {"path": str(tmp_path)}},
    ).execute()
    printed = json.dumps(notebook.cells)
    assert "Traceback" not in printed
    expected = {"first_model": "smoothed mixture", "recommendations": "brand-new"}
    assert expected[path.stem] in json.dumps([cell.get("outputs") for cell in notebook.cells])


def _names(source):
    """The names that a cell sets."""
    there: dict = {}
    exec(source, there)
    return there.keys() - {"__builtins__"}
