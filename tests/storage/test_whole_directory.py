"""Directories that appear whole or not at all."""

import pytest

from yt8m_models.storage.whole_directory import whole_directory


def test_it_appears_at_the_end(tmp_path):
    target = tmp_path / "a" / "b"
    with whole_directory(target) as directory:
        (directory / "inner").mkdir()
        (directory / "inner" / "file").write_text("text")
        assert not target.exists()
        assert directory.name.startswith(".b.")
    assert (target / "inner" / "file").read_text() == "text"
    assert [path.name for path in target.parent.iterdir()] == ["b"]


def test_an_empty_directory_and_one_of_the_working_directory(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty").mkdir()
    for name in ("empty", "new"):
        with whole_directory(name) as directory:
            (directory / "file").touch()
        assert (tmp_path / name / "file").exists()


@pytest.mark.parametrize("error", [ValueError, KeyboardInterrupt])
def test_nothing_stays_after_an_error(error, tmp_path):
    def fail():
        with whole_directory(tmp_path / "new") as directory:
            (directory / "file").touch()
            raise error

    with pytest.raises(error):
        fail()
    assert not list(tmp_path.iterdir())


def test_what_is_there_is_not_replaced(tmp_path):
    (tmp_path / "file").write_text("kept")
    for target in (tmp_path, tmp_path / "file"):
        with pytest.raises(ValueError, match="exists already"), whole_directory(target):
            pass
    with pytest.raises(ValueError, match="must be a local directory"), whole_directory("gs://b/c"):
        pass
    assert (tmp_path / "file").read_text() == "kept"
