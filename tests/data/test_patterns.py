"""Data patterns: parts, globs, files of paths, and what is said when nothing matches."""

import os
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


def test_brackets_in_names(shards):
    """A name that exists is taken literally, also that of a directory before a glob."""
    for directory in ("run[1]", "run1", "run[1]/x*[ab]"):
        (shards / directory).mkdir()
        for name in ("a[1].tfrecord", "a1.tfrecord"):
            (shards / directory / name).write_bytes(b"")
    assert match_files("run[1]/a[1].tfrecord") == ["run[1]/a[1].tfrecord"]
    assert match_files("run[1]/a*") == ["run[1]/a1.tfrecord", "run[1]/a[1].tfrecord"]
    assert match_files("run[1]/x*[ab]/a[1]*") == ["run[1]/x*[ab]/a1.tfrecord"]
    assert match_files("run[12]/a1*") == ["run1/a1.tfrecord"]
    assert match_files("run1/a[1].tfrecord") == ["run1/a[1].tfrecord"]
    (shards / "run1" / "a[1].tfrecord").unlink()
    assert match_files("run1/a[1].tfrecord") == ["run1/a1.tfrecord"]


def test_list_of_windows(shards):
    text = "\ufeff train00.tfrecord\r\n\r\n# more\r\nvalidate*\t\r\n"
    (shards / "list").write_bytes(text.encode())
    assert match_files("@list") == ["train00.tfrecord", "validate00.tfrecord"]
    assert match_files("train00.tfrecord,\r\nvalidate*\r\n") == match_files("@list")


def test_name_that_is_not_utf_8(shards):
    try:
        open(os.fsencode(shards) + b"/odd\xff", "w").close()
    except OSError:
        pytest.skip("this file system has no such names")
    message = "cannot list the files of 'odd*': a name there is not UTF-8"
    with pytest.raises(ValueError, match=re.escape(message)):
        match_files("odd*")


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
