"""The name of a video's own file."""

import hashlib

import pytest

from yt8m_models.storage.file_names import file_name_of_id

HOSTILE = [
    b"",
    b".",
    b"..",
    b"%",
    b"a/b",
    b"a%2Fb",
    b"../../etc/passwd",
    b"\\",
    b"C:x",
    b"a b",
    b"\0",
]


@pytest.mark.parametrize(
    ("video_id", "name"),
    [
        (b"-Ab_9~z.mp4", "-Ab_9~z.mp4"),
        ("a/b", "a%2Fb"),
        (b"a%2Fb", "a%252Fb"),
        ("", "%"),
        ("..", "%2E."),
        (".hidden", "%2Ehidden"),
        ("é", "%C3%A9"),
        (b"\xff", "%FF"),
        ("\udcff", "%FF"),
        ("<i>\"'\n", "%3Ci%3E%22%27%0A"),
    ],
)
def test_the_name_of_an_id(video_id: bytes | str, name: str) -> None:
    assert file_name_of_id(video_id) == name


def test_a_long_id_keeps_its_start_and_its_hash() -> None:
    assert file_name_of_id(b"x" * 180) == "x" * 180
    digest = hashlib.sha256(b"x" * 181).hexdigest()
    assert file_name_of_id(b"x" * 181) == "x" * 100 + "%-" + digest
    assert file_name_of_id(b"x" * 180 + b"y") != file_name_of_id(b"x" * 180 + b"z")
    assert len(file_name_of_id(b"\xff" * 100)) < 200


def test_each_id_has_a_file_of_its_own_in_the_directory(tmp_path) -> None:
    for video_id in HOSTILE:
        path = tmp_path / f"{file_name_of_id(video_id)}.jpg"
        assert path.parent == tmp_path
        assert not path.name.startswith(".")
        path.write_bytes(video_id)
    assert len(list(tmp_path.iterdir())) == len(HOSTILE)
