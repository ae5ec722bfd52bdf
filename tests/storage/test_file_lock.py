"""Tests of yt8m_models.storage.file_lock."""

import pytest

from yt8m_models.storage.file_lock import lock_file

pytest.importorskip("fcntl", reason="there are no such locks here")


def test_a_lock_is_held_until_its_file_is_closed(tmp_path):
    with open(tmp_path / "lock", "w") as mine, open(tmp_path / "lock", "w") as other:
        assert lock_file(mine, wait=False)
        assert not lock_file(other, wait=False)
        mine.close()
        assert lock_file(other, wait=False)
