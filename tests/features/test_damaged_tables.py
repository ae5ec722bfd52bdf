"""Tables of features that are damaged: read, or refused by an error that names the file."""

import duckdb
import numpy as np
import pytest

from tests.mutations import mutated, outcome
from yt8m_models.config import DataConfig
from yt8m_models.features.array_files import read_table


def _write_features(directory, kind):
    path = directory / f"features.{kind}"
    values = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    ids = np.array([f"v{row}" for row in range(50)])
    if kind == "npz":
        np.savez_compressed(path, ids=ids, rgb=values)
    elif kind == "npy":
        np.save(path, values)
    else:
        np.savetxt(directory / "values.csv", values, "%.9g", ",", header="a,b,c", comments="")
        duckdb.sql(
            f"COPY (SELECT 'v' || (row_number() OVER () - 1) AS id, [a, b, c] AS rgb "
            f"FROM '{directory}/values.csv') TO '{path}' (FORMAT parquet)"
        )
    return path


def _read_features(path):
    data = DataConfig(("rgb",), (3,))
    blocks = list(read_table(str(path), "", data))
    assert all(features.shape == (len(ids), 3) for ids, features in blocks)
    return sum(len(ids) for ids, _ in blocks)


@pytest.mark.parametrize("kind", ["npz", "npy", "parquet"])
@pytest.mark.parametrize("count", [20, pytest.param(600, marks=pytest.mark.slow)])
def test_damaged_features_are_read_or_named(tmp_path, kind, count):
    path = _write_features(tmp_path, kind)
    content = path.read_bytes()
    assert _read_features(path) == 50
    rng = np.random.default_rng(count)
    for number in range(count):
        is_cut = number % 3 == 0
        end = int(rng.integers(len(content)))
        path.write_bytes(content[:end] if is_cut else mutated(content, rng))
        num_rows, message = outcome(lambda: _read_features(path))
        assert path.name in message if message else num_rows == 50 or kind == "npy", number
        assert not (is_cut and not message), number


def test_objects_and_names_of_another_kind_are_refused(tmp_path):
    data = DataConfig(("rgb",), (1,))
    path = str(tmp_path / "x.npz")
    np.savez(path, ids=np.array(["a", b"b"], object), rgb=np.ones((2, 1)))
    with pytest.raises(ValueError, match=r"x\.npz cannot be read: Object arrays"):
        list(read_table(path, "", data))
    with open(path, "wb") as file:
        np.save(file, np.ones((2, 1)))
    with pytest.raises(ValueError, match=r"x\.npz .* it is not an archive of arrays"):
        list(read_table(path, "", data))
