"""Data patterns: parts, globs, files of paths, and what is said when nothing matches."""

import re

import pytest

from yt8m_models.data.patterns import match_files


@pytest.fixture
def shards(tmp_path, monkeypatch):
    """A current directory with four shards and a directory among them."""
    monkeypatch.chdir(tmp_path)
    for name in ("train01", "train00", "validate00", "odd[1],name"):
        (tmp_path / f"{name}.tfrecord").write_bytes(b"")
    (tmp_path / "train_notes.tfrecord").mkdir()
    return tmp_path


def test_glob_is_sorted_and_leaves_directories_out(shards):
    assert match_files("train*.tfrecord") == ["train00.tfrecord", "train01.tfrecord"]


def test_absolute_glob(shards):
    assert match_files(f"{shards}/validate*") == [f"{shards}/validate00.tfrecord"]


def test_parts_keep_their_order_and_each_file_comes_once(shards):
    pattern = " validate00.tfrecord, train*.tfrecord,, train00.tfrecord,./train01.tfrecord"
    expected = ["validate00.tfrecord", "train00.tfrecord", "train01.tfrecord"]
    assert match_files(pattern) == expected


def test_an_existing_path_is_taken_literally(shards):
    (shards / "list").write_text("odd[1],name.tfrecord")
    assert match_files("@list") == ["odd[1],name.tfrecord"]


def test_file_of_paths_is_relative_to_the_current_directory(shards):
    (shards / "lists").mkdir()
    (shards / "lists" / "train.txt").write_text(
        "# training shards\n\n  train01.tfrecord  \nvalidate*\n"
    )
    files = match_files("@lists/train.txt,train00.tfrecord")
    assert files == ["train01.tfrecord", "validate00.tfrecord", "train00.tfrecord"]


@pytest.mark.parametrize(
    ("pattern", "message"),
    [
        ("", "the data pattern '' names no file"),
        (" , ", "the data pattern ' , ' names no file"),
        ("train00.tfrecord,test*.tfrecord", "no file matches 'test*.tfrecord'"),
        ("test00.tfrecord", "no file matches 'test00.tfrecord'"),
        ("train_notes.tfrecord", "'train_notes.tfrecord' is a directory; name its files: "),
        ("train_notes.tfrecord/", "name its files: train_notes.tfrecord/*"),
        ("@absent", "cannot read the list of files 'absent'"),
        ("@binary", "cannot read the list of files 'binary'"),
        ("@blank", "the data pattern '@blank' names no file"),
        ("@gone", "no file matches 'gone*.tfrecord' (line 2 of gone)"),
        ("nowhere://bucket/x", "cannot list the files of 'nowhere://bucket/x'"),
    ],
)
def test_what_matches_nothing_is_named(shards, pattern, message):
    (shards / "binary").write_bytes(b"\xff\xfe")
    (shards / "blank").write_text("# nothing\n\n")
    (shards / "gone").write_text("train00.tfrecord\ngone*.tfrecord\n")
    with pytest.raises(ValueError, match=re.escape(message)):
        match_files(pattern)


def test_google_storage_needs_no_extra():
    """A pattern without a bucket is refused by the file system itself, before any request."""
    with pytest.raises(ValueError, match="cannot list the files of 'gs://'"):
        match_files("gs://")
