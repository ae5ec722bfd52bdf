"""Text files on any file system."""

import pytest

from yt8m_models.storage.result_file import read_result
from yt8m_models.storage.text_file import read_text


def test_with_and_without_a_byte_order_mark(tmp_path):
    path = tmp_path / "a.txt"
    for encoding in ("utf-8", "utf-8-sig"):
        path.write_bytes("é,b\r\n".encode(encoding))
        assert read_text(str(path)) == "é,b\r\n"
    path.write_bytes("é".encode("latin-1"))
    with pytest.raises(ValueError, match=r"a\.txt cannot be read: 'utf-8' codec"):
        read_text(str(path))
    with pytest.raises(OSError, match=r"none\.txt cannot be read"):
        read_text(str(tmp_path / "none.txt"))


@pytest.mark.parametrize("content", [b"\xff", b"{", b"[]", b"[" * 100_000, b"[Infinity]", b"{}"])
def test_damaged_results_are_named(tmp_path, content):
    path = tmp_path / "result.json"
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"result\.json is not a result of a run"):
        read_result(str(path), lambda record: int(record[0]))
