"""Tests of yt8m_models.training.annotation_run."""

from yt8m_models.training.annotation_run import is_annotation_run


def test_a_training_with_a_saved_model_is_no_run(tmp_path):
    assert not is_annotation_run(str(tmp_path))
    (tmp_path / "model.keras").touch()
    assert is_annotation_run(str(tmp_path))
    (tmp_path / "model_flags.json").touch()
    assert not is_annotation_run(str(tmp_path))
