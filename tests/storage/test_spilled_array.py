"""Arrays in temporary files."""

import numpy as np
import pytest

from yt8m_models.storage.spilled_array import SpilledArray


def test_blocks_become_one_array(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    spilled = SpilledArray(np.int32)
    spilled.append(np.array([1, 2], np.int64))
    before = spilled.mapped()
    spilled.append(np.zeros(0))
    spilled.append(np.arange(9)[::4])
    array = spilled.mapped()
    assert array.dtype == np.int32
    assert array.tolist() == [1, 2, 0, 4, 8]
    assert before.tolist() == [1, 2]
    array[3] = 7
    del spilled
    assert array.tolist() == [1, 2, 0, 7, 8]
    assert not list(tmp_path.iterdir())  # nothing is left behind


@pytest.mark.parametrize(("width", "shape"), [(None, (0,)), (3, (0, 3)), (0, (2, 0))])
def test_without_any_value(width, shape):
    spilled = SpilledArray(np.float32, width)
    spilled.append(np.zeros(shape))
    assert spilled.mapped().shape == shape


def test_rows():
    spilled = SpilledArray(np.float32, 2)
    spilled.append(np.ones((1, 2)))
    spilled.append(np.arange(4).reshape(2, 2).T)
    assert spilled.mapped().tolist() == [[1, 1], [0, 2], [1, 3]]
