"""The list of rated classes: the one that comes with the package, and others."""

import numpy as np
import pytest

from yt8m_models.prediction.rated_classes import RATED_CLASSES_FILE, classes_to_list, read_label_ids


def test_the_rated_classes_come_with_the_package(caplog):
    classes = classes_to_list("", 3862)
    ids = map(int, RATED_CLASSES_FILE.read_text().split()[1:])
    assert classes.tolist() == sorted(ids)
    assert len(classes) == 1000
    assert (np.diff(classes) > 0).all()
    assert not caplog.records


def test_they_are_those_of_the_release(shared):
    recorded = shared / "data" / "segment_label_ids.csv"
    assert RATED_CLASSES_FILE.read_bytes() == recorded.read_bytes()


def test_models_of_other_classes_list_every_class_and_say_so(caplog):
    assert classes_to_list("", 3861) is None
    assert "--segment_label_ids_file" in caplog.text
    assert "3,861" in caplog.text


def test_every_class_can_be_asked_for(caplog):
    assert classes_to_list("all", 3862) is None
    assert not caplog.records


def test_another_list(tmp_path):
    (tmp_path / "ids.csv").write_text("Index\n7\n3\n")
    assert classes_to_list(str(tmp_path / "ids.csv"), 8).tolist() == [3, 7]


def test_label_ids(tmp_path):
    path = tmp_path / "ids.csv"
    path.write_text("\ufeffIndex\r\n7\n\n3\n7\n", "utf-8")
    assert read_label_ids(str(path), 8).tolist() == [3, 7]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Index\n3\n8\n", "line 3: must be a class id from 0 to 7.*received '8'"),
        ("1\nx\n", "line 2: must be a class id.*received 'x'"),
        ("1\n²\n", "line 2: must be a class id.*received '²'"),
        ("-1\n-2\n", "line 2: must be a class id.*received '-2'"),
        ("Index\n", "lists no class"),
    ],
)
def test_wrong_label_ids(tmp_path, text, message):
    path = tmp_path / "ids.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=f"--segment_label_ids_file={path}.*{message}"):
        read_label_ids(str(path), 8)


def test_missing_label_ids(tmp_path):
    with pytest.raises(OSError, match=r"--segment_label_ids_file=.*absent\.csv"):
        read_label_ids(str(tmp_path / "absent.csv"), 8)
