"""Files that appear whole or not at all."""

import pytest

from yt8m_models.storage.whole_file import text_output, whole_file


def test_the_file_appears_at_the_end_in_new_directories(tmp_path):
    path = tmp_path / "new" / "deep" / "file.csv"
    with whole_file(str(path)) as file:
        file.write(b"one\n")
        assert not path.exists()
        file.write(b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"
    assert [entry.name for entry in path.parent.iterdir()] == ["file.csv"]


@pytest.mark.parametrize("error", [ValueError("broken"), KeyboardInterrupt(), SystemExit(143)])
def test_an_interrupted_run_leaves_nothing_and_keeps_what_was_there(tmp_path, error):
    path = tmp_path / "file.csv"
    path.write_bytes(b"before")

    def write_half():
        with whole_file(str(path)) as file:
            file.write(b"half of it")
            raise error

    with pytest.raises(type(error)):
        write_half()
    assert path.read_bytes() == b"before"
    assert [entry.name for entry in tmp_path.iterdir()] == ["file.csv"]


def test_an_existing_file_is_replaced_at_the_end_only(tmp_path):
    path = tmp_path / "file.csv"
    path.write_bytes(b"a longer file before")
    with whole_file(str(path)) as file:
        file.write(b"after")
        assert path.read_bytes() == b"a longer file before"
    assert path.read_bytes() == b"after"


def test_paths_without_a_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with whole_file("file.csv") as file:
        file.write(b"x")
    assert (tmp_path / "file.csv").read_bytes() == b"x"


def test_nothing_but_a_file_is_replaced(tmp_path):
    for path in (str(tmp_path), f"{tmp_path}/", "/dev/null"):
        with (
            pytest.raises(OSError, match=f"cannot write '{path}': it is not a regular file"),
            whole_file(path),
        ):
            pytest.fail("opened")
    assert list(tmp_path.iterdir()) == []


def test_a_directory_that_cannot_be_made_is_named(tmp_path):
    (tmp_path / "file").write_bytes(b"")
    path = f"{tmp_path}/file/below/out.csv"
    with pytest.raises(OSError, match=f"cannot write '{path}'"), whole_file(path):
        pytest.fail("opened")


def test_text_goes_to_a_file_or_to_standard_output(tmp_path, capsys):
    for path in (str(tmp_path / "out" / "file.csv"), ""):
        with text_output(path) as file:
            file.write("é\r\n")
    assert (tmp_path / "out" / "file.csv").read_bytes() == "é\r\n".encode()
    assert capsys.readouterr().out == "é\r\n"
