"""Rows of video ids."""

import numpy as np
import pytest

from yt8m_models.data.video_ids import UNKNOWN, VideoIds


def test_rows_of_ids_as_text_bytes_and_arrays():
    ids = VideoIds(["b", "äx", b"a"])
    assert list(ids) == [b"b", "äx".encode(), b"a"]
    np.testing.assert_array_equal(ids.rows(["a", "b", "c", "äx"]), [2, 0, UNKNOWN, 1])
    np.testing.assert_array_equal(ids.rows(np.array([b"longer than any", b"b"])), [UNKNOWN, 0])
    np.testing.assert_array_equal(ids.rows([]), [])
    np.testing.assert_array_equal(VideoIds([]).rows(["a"]), [UNKNOWN])


@pytest.mark.parametrize(
    ("ids", "message"),
    [(["a", "b", "a"], "'a' is there twice"), (["a", ""], "must not be empty; that of row 1 is")],
)
def test_bad_ids(ids, message):
    with pytest.raises(ValueError, match=message):
        VideoIds(ids)
