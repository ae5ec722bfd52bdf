"""Rows of video ids."""

import numpy as np
import pytest

from yt8m_models.data import id_lookup
from yt8m_models.data.packed_ids import MOST_BYTES, PackedIds, hashes
from yt8m_models.data.video_ids import UNKNOWN, VideoIds, as_bytes, nothing_in_common


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


def _save(ids, directory, name="ids"):
    for file, array in ids.arrays(name).items():
        np.save(directory / f"{file}.npy", array)


@pytest.mark.parametrize(("shortest", "kind"), [(1, "u"), (100, "S"), (199, "S")])
def test_a_directory_keeps_ids_and_their_rows(tmp_path, shortest, kind):
    """Ids of many lengths, some the beginning of others, or of one, against a dictionary."""
    rng = np.random.default_rng(5)
    lengths = [*range(shortest, 200)] * 3
    texts = {bytes(rng.integers(65, 70, length, np.uint8)) for length in lengths}
    texts |= {b"A" * length for length in range(shortest, max(40, shortest))}
    texts = list(texts)
    assert len(texts) >= 3
    _save(VideoIds(texts), tmp_path, "users")
    stored = np.load(tmp_path / "users.npy")
    assert stored.dtype.kind == kind
    assert kind == "u" or stored.tolist() == texts
    ids = VideoIds.load(tmp_path, len(texts), "users")
    assert list(ids) == ids.to_array().tolist() == texts
    row = {text: number for number, text in enumerate(texts)}
    wanted = [b"none", *texts[::-1], b"A" * 300]
    expected = [row.get(text, UNKNOWN) for text in wanted]
    np.testing.assert_array_equal(ids.rows(wanted), expected)
    np.testing.assert_array_equal(ids.rows(VideoIds(wanted)), expected)
    assert ids[[2, 0, 2]].tolist() == [texts[2], texts[0], texts[2]]
    assert ids[2:9:3].tolist() == texts[2:9:3]
    assert (ids[1], ids[-2]) == (texts[1], texts[-2])
    assert ids.width == max(map(len, texts))
    for wrong in (len(texts), [0, UNKNOWN], [len(texts)]):
        with pytest.raises(IndexError):
            ids[wrong]


def test_a_long_id_does_not_widen_the_others(tmp_path):
    ids = VideoIds([*(f"{number:04}" for number in range(1000)), "x" * MOST_BYTES])
    _save(ids, tmp_path)
    assert ids.arrays()["ids"].nbytes == 4 * 1000 + MOST_BYTES
    assert VideoIds.load(tmp_path, 1001)[:1000].dtype.itemsize == 4


def test_many_long_ids_come_in_any_order():
    """More than are taken at a time."""
    texts = [f"{number:05}".rjust(MOST_BYTES - number % 7, "x").encode() for number in range(5000)]
    rows = np.random.default_rng(0).permutation(len(texts))
    assert VideoIds(texts)[rows].tolist() == [texts[row] for row in rows]


def test_ids_as_earlier_versions_kept_them(tmp_path):
    np.save(tmp_path / "ids.npy", np.array([b"longer", b"b"]))
    ids = VideoIds.load(tmp_path, 2)
    np.testing.assert_array_equal(ids.rows(["b", "longer", "long"]), [1, 0, UNKNOWN])


def test_ids_with_one_hash_are_told_apart(monkeypatch):
    monkeypatch.setattr(id_lookup, "hashes", lambda ids: np.full(len(ids), 7, np.uint64))
    ids = VideoIds(["a", "b", "c"])
    np.testing.assert_array_equal(ids.rows(["c", "a", "d", "b"]), [2, 0, UNKNOWN, 1])
    with pytest.raises(ValueError, match="'b' is there twice"):
        VideoIds(["a", "b", "b"])


def test_ids_beyond_two_gigabytes_are_found():
    """Rows are int32, and places of bytes are not. All ids are views of one byte here."""
    number = 2**31 // MOST_BYTES + 2
    data = np.broadcast_to(np.frombuffer(b"x", np.uint8), (number * MOST_BYTES,))
    ends = np.arange(1, number + 1) * MOST_BYTES
    rows = np.array([0, number - 1], np.int32)
    for places in (0, MOST_BYTES):
        assert PackedIds(data, ends, places).take(rows).tolist() == 2 * [b"x" * MOST_BYTES]


def test_hashes_do_not_depend_on_the_width_of_the_array():
    texts = [b"", b"a", b"abcdefgh", b"abcdefghi", b"ihgfedcba"]
    found = hashes(np.array(texts, "S9"))
    np.testing.assert_array_equal(found, hashes(np.array(texts, "S100")))
    assert len(set(found.tolist())) == len(texts)


@pytest.mark.parametrize(
    ("name", "change", "message"),
    [
        (
            "ids",
            lambda array: array[:-1],
            r"ids\.npy is damaged: ids have 6 bytes, and should have 9",
        ),
        ("ids", lambda array: array[None], r"ids\.npy must be uint8 or bytes_ of one axis; it is"),
        (
            "ids_ends",
            lambda array: array[[1, 0, 2]],
            r"ids\.npy is damaged: the id of row 0 has no such length",
        ),
        ("ids_rows", lambda array: array + 9, r"ids\.npy is damaged: a row of its hashes is"),
        ("ids_hashes", lambda array: array[:2], r"ids_hashes\.npy must be uint64 of the shape \(3"),
    ],
)
def test_damaged_arrays_are_named(tmp_path, name, change, message):
    ids = VideoIds(["a", "bb", "ccc"])
    _save(ids, tmp_path)
    np.save(tmp_path / f"{name}.npy", change(ids.arrays()[name]))
    with pytest.raises(ValueError, match=message):
        VideoIds.load(tmp_path, 3).rows(["a", "bb", "ccc"])
