"""Pictures inside of pages."""

import base64

import tensorflow as tf

from yt8m_models.report.thumbnails import Thumbnails

START = "data:image/jpeg;base64,"


def shape(uri):
    return tuple(tf.io.decode_jpeg(base64.b64decode(uri.removeprefix(START))).shape)


def test_pictures_are_found_by_id_and_made_small(tmp_path, write_picture):
    write_picture(tmp_path, "a/b", width=400, height=300)
    write_picture(tmp_path, "small", width=80, height=120)
    thumbnails = Thumbnails(str(tmp_path), width=160)
    assert shape(thumbnails.of(b"a/b")) == (120, 160, 3)
    assert shape(thumbnails.of("small")) == (120, 80, 3)
    assert thumbnails.of("missing") == ""
    assert thumbnails.remarks == ""


def test_what_cannot_be_shown_is_counted(tmp_path, write_picture):
    for name in "abc":
        write_picture(tmp_path, name, width=100, height=100)
    (tmp_path / "bad.jpg").write_bytes(b"<svg onload=alert(1)>")
    size = len(Thumbnails(str(tmp_path)).of("a"))
    thumbnails = Thumbnails(str(tmp_path), most_bytes=2 * size)
    assert [bool(thumbnails.of(name)) for name in ("a", "bad", "b", "c")] == [1, 0, 1, 0]
    assert thumbnails.remarks == (
        f"1 pictures are left out, so that the page is small. 1 files of {tmp_path} are not JPEGs."
    )


def test_without_a_directory_there_are_none():
    assert not Thumbnails("")
    assert Thumbnails("").of("a") == ""
