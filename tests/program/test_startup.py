"""Tests of `yt8m_models.program.startup`."""

import gc
import sys

import pytest

from yt8m_models.program.startup import without_collection


@pytest.fixture
def not_imported(monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow", raising=False)
    yield
    gc.unfreeze()


def test_imports_are_left_alone_by_the_collector_for_good(not_imported):
    with without_collection():
        assert not gc.isenabled()
    assert gc.isenabled()
    assert gc.get_freeze_count() > 0


def test_a_failed_import_turns_collection_on_again(not_imported):
    with pytest.raises(ImportError), without_collection():
        raise ImportError
    assert gc.isenabled()


def test_nothing_is_frozen_once_tensorflow_is_there(monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorflow", sys)
    before = gc.get_freeze_count()
    with without_collection():
        assert gc.isenabled()
    assert gc.get_freeze_count() == before
