"""Rows of video ids."""

import numpy as np
import pytest

from yt8m_models.data.video_ids import MOST_BYTES, UNKNOWN, VideoIds, as_bytes, nothing_in_common


def test_rows_of_ids_as_text_bytes_and_arrays():
    ids = VideoIds(["b", "äx", b"a"])
    assert list(ids) == [b"b", "äx".encode(), b"a"]
    np.testing.assert_array_equal(ids.rows(["a", "b", "c", "äx"]), [2, 0, UNKNOWN, 1])
    np.testing.assert_array_equal(ids.rows(np.array([b"longer than any", b"b"])), [UNKNOWN, 0])
    np.testing.assert_array_equal(ids.rows([]), [])
    np.testing.assert_array_equal(VideoIds([]).rows(["a"]), [UNKNOWN])


@pytest.mark.parametrize(
    ("ids", "message"),
    [
        (["a", "b", "a"], "'a' is there twice"),
        (["a", ""], "must not be empty; that of row 1 is"),
        (
            ["a", "x" * 513],
            "row 1: an id must have at most 512 bytes; it has 513, and begins with 'x",
        ),
        (["ü" * 257], "row 0: an id must have at most 512 bytes; it has 514, and begins with 'ü"),
        (np.array(["a", "x" * 513], "S"), "row 1: an id must have at most 512 bytes; it has 513"),
    ],
)
def test_bad_ids(ids, message):
    with pytest.raises(ValueError, match=message):
        VideoIds(ids)


def test_arrays_are_as_wide_as_the_longest_id():
    assert as_bytes(["a", "x" * MOST_BYTES]).dtype.itemsize == MOST_BYTES
    wide = as_bytes(np.array(["a", "bc"], "S100000"))
    assert (wide.dtype.itemsize, wide.tolist()) == (2, [b"a", b"bc"])
    with pytest.raises(ValueError, match="row 8: an id must"):
        as_bytes([b"a", b"x" * 1000], first_row=7)


def test_ids_of_which_none_is_here():
    ids = VideoIds(["7", "8"])
    np.testing.assert_array_equal(ids.matched_rows(as_bytes(["8", "008"]), "A", "B"), [1, UNKNOWN])
    with pytest.raises(
        ValueError, match=r"^A and B have no id in common: ids such as '007' and '7'$"
    ):
        ids.matched_rows(as_bytes(["007", "008"]), "A", "B")
    assert nothing_in_common("A", [], "B", [b"x"]).endswith("ids such as none and 'x'")


def test_damaged_ids_are_named(tmp_path):
    np.save(tmp_path / "ids.npy", np.array([b"a", b"a"]))
    with pytest.raises(ValueError, match=r"ids\.npy is damaged: video id 'a' is there twice"):
        VideoIds.load(tmp_path, 2)
    with pytest.raises(ValueError, match=r"ids\.npy must be bytes_ of the shape \(3,\)"):
        VideoIds.load(tmp_path, 3)
