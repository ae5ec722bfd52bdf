"""Folders of small models."""

import pytest

from tests.hub.models import build
from yt8m_models.hub.folder import write_folder


@pytest.fixture
def written(tmp_path):
    """`written(name)`: a new folder with a model, and the model."""

    def write(name):
        model, record = build(name)
        folder = tmp_path / "folder"
        folder.mkdir()
        write_folder(model, record, folder)
        return folder, model

    return write
