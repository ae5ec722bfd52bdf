"""The names of `import yt8m_models as yt`: what they are, their types, and what is imported."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import yt8m_models as yt

ROOT = Path(__file__).resolve().parents[2]


def test_every_name_is_there():
    for name in yt.__all__:
        value = getattr(yt, name)
        assert value is getattr(yt, name)
        assert getattr(value, "__doc__", None) or name == "__version__"
    assert set(yt.__all__) <= set(dir(yt))
    assert yt.metrics.gap([[0.9, 0.1]], [[1, 0]]) == 1
    assert yt.losses.get("HingeLoss").__class__ is yt.losses.HingeLoss
    assert yt.layers.DSGMM(2).num_clusters == 2
    with pytest.raises(AttributeError, match="'yt8m_models' has no attribute 'trian'"):
        _ = yt.trian


def test_the_stub_has_the_same_names():
    """`import … as` the same name is what type checkers take for public."""
    tree = ast.parse((ROOT / "yt8m_models" / "__init__.pyi").read_text("utf-8"))
    places = {}
    for node in tree.body:
        if isinstance(node, ast.ImportFrom | ast.Import):
            (alias,) = node.names
            assert alias.asname == alias.name
            places[alias.name] = getattr(node, "module", None)
    declared = {node.target.id for node in tree.body if isinstance(node, ast.AnnAssign)}
    assert places.keys() | declared == {*yt.__all__, "__all__"}
    assert {name: places[name] for name in yt._MODULES} == yt._MODULES


def test_importing_imports_nothing_else_and_models_of_the_hub_no_tensorflow():
    code = (
        "import sys; before = set(sys.modules); import yt8m_models\n"
        "print(sorted(name for name in set(sys.modules) - before if 'yt8m' in name or "
        "name in ('tensorflow', 'keras', 'numpy', 'pandas')))\n"
        "yt8m_models.load_model; yt8m_models.run_program\n"
        "print('tensorflow' in sys.modules)"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert found.stdout.splitlines() == ["['yt8m_models']", "False"]
