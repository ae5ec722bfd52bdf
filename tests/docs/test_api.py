"""The examples of docs/api.md, run in small: one after the other, in one place."""

import ast
import re

import numpy as np
import pytest

import yt8m_models as yt

BLOCK = re.compile(r"^```python\n(.*?)^```", re.M | re.S)
SMALL = {
    "run_program": {"num_train_videos": 16, "num_validation_videos": 12, "num_shards": 1},
    "train": {"num_clusters": 2, "hidden_size": 8, "num_epochs": 1, "jit_compile": False},
}


@pytest.fixture(scope="module")
def page(docs):
    return (docs / "api.md").read_text("utf-8")


def test_every_name_has_a_section(page):
    named = set(re.findall(r"`yt\.(\w+)`", page))
    assert named == set(yt.__all__) - {"__version__"}


def test_the_examples_run(page, tmp_path, monkeypatch):
    pytest.importorskip("sklearn", reason="needs the extra `quickstart`")
    pytest.importorskip("duckdb", reason="needs the extra `recommend`")
    monkeypatch.chdir(tmp_path)
    for name, settings in SMALL.items():
        full = getattr(yt, name)

        def small(*args, full=full, settings=settings, **given):
            return full(*args, **{**given, **settings})

        monkeypatch.setattr(yt, name, small)
    there: dict = {}
    used = set()
    for block in BLOCK.findall(page):
        exec(block, there)
        used |= {
            node.attr
            for node in ast.walk(ast.parse(block))
            if isinstance(node, ast.Attribute) and getattr(node.value, "id", "") == "yt"
        }
    assert used == set(yt.__all__) - {"__version__", "Training"}
    assert there["training"].metrics["num_videos"] == there["found"]["num_videos"] == 12
    assert there["found"]["gap"] == pytest.approx(there["training"].metrics["gap"], abs=1e-5)
    predictions = there["predictions"].numpy()
    units = predictions / np.linalg.norm(predictions, axis=1, keepdims=True)
    expected = np.argsort(-(units[:2] @ units.T), axis=1, kind="stable")[:, :5]
    np.testing.assert_allclose(there["scores"], np.sort(units[2] @ units.T)[::-1][1:6], atol=1e-5)
    np.testing.assert_array_equal(there["rows"], expected)
    assert {"ana", "ben"} == {user.decode() for user in there["recommender"].reader.events.users}
