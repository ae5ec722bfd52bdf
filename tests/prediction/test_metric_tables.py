"""Tables of metrics, and the names of classes."""

import math

import numpy as np
import pytest

from yt8m_models.prediction.metric_tables import (
    class_names,
    class_table,
    number_or_none,
    table_text,
)


def test_class_table():
    aps = np.array([0.5, math.nan, 1 / 3])
    table = class_table([2, 3, 9], np.array([4, 0, 1]), aps, {3: "three, or so"})
    assert table_text(table).splitlines() == [
        "class,name,positives,average_precision",
        "2,,4,0.500000",
        '3,"three, or so",0,',
        "9,,1,0.333333",
    ]


def test_numbers_of_json():
    assert [number_or_none(value) for value in (0.5, math.nan, math.inf)] == [0.5, None, None]


def test_a_byte_order_mark_is_no_part_of_the_first_column(tmp_path):
    path = tmp_path / "vocabulary.csv"
    path.write_bytes(b"\xef\xbb\xbfIndex,Name\r\n3,three\r\n")
    assert class_names(str(path)) == {3: "three"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Id,Name\n0,Game\n", "must have the columns Index and Name; it has Id, Name"),
        ("", "must have the columns Index and Name; it has none"),
        ("Index,Name\n0,Game\nx,Car\n", "line 3: Index must be a class id; received 'x'"),
    ],
)
def test_wrong_vocabularies(tmp_path, text, message):
    path = tmp_path / "vocabulary.csv"
    path.write_text(text)
    with pytest.raises(ValueError, match=message):
        class_names(str(path))


def test_the_real_vocabulary(shared):
    names = class_names(str(shared / "data" / "vocabulary.csv"))
    assert len(names) == 3862
    assert names[0] == "Game"
