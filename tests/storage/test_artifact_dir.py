"""Directories of arrays with a record."""

import json

import numpy as np
import pytest

from yt8m_models.storage import artifact_dir
from yt8m_models.storage.artifact_dir import (
    ArtifactDir,
    array_file,
    optional_int,
    read_array,
    write_array,
)

VALUES = {"model": str, "size": int, "bits": optional_int}
THING = ArtifactDir("thing.json", ("thing", "other"), "a thing", "yt8m make", "1.2", VALUES)
RECORD = {"model": "m", "size": 3, "bits": None}


def test_what_is_written_is_read_back(tmp_path):
    path = THING.prepare(tmp_path / "new" / "deep")
    assert not THING.is_in(path)
    THING.write(path, RECORD, {"a": np.arange(3)})
    assert THING.is_in(path)
    assert {entry.name for entry in path.iterdir()} == {"a.npy", "thing.json"}
    made = {"maker": "yt8m make", "version": "1.2"}
    assert THING.read(path) == {"kind": "thing", **RECORD, **made}
    array = read_array(path, "a", np.integer, (3,))
    assert array.tolist() == [0, 1, 2]
    assert isinstance(array.base, np.memmap)


def test_another_kind_can_be_written_and_asked_for(tmp_path):
    THING.write(tmp_path, {**RECORD, "kind": "other"})
    assert THING.read(tmp_path)["kind"] == "other"
    with pytest.raises(ValueError, match=r"not the record of a thing: kind must be thing; it is '"):
        THING.read(tmp_path, "thing")


def test_records_without_kind_maker_and_version_are_read(tmp_path):
    (tmp_path / "thing.json").write_text(json.dumps({"model": 5, "size": "7", "bits": 4}))
    assert THING.read(tmp_path) == {"kind": "thing", "model": "5", "size": 7, "bits": 4}


def test_new_artifacts_need_a_local_directory_without_one(tmp_path):
    with pytest.raises(ValueError, match="must be a local directory: the arrays of a thing"):
        THING.prepare("gs://bucket/thing")
    THING.write(tmp_path, RECORD)
    with pytest.raises(ValueError, match="already holds a thing; choose another directory"):
        THING.prepare(tmp_path)
    assert THING.prepare(tmp_path, may_exist=True) == tmp_path


def test_without_its_record_a_directory_is_none(tmp_path, monkeypatch):
    def stopped(*_):
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(artifact_dir, "write_text", stopped)
        with pytest.raises(KeyboardInterrupt):
            THING.write(tmp_path, RECORD, {"a": np.arange(3)})
    for directory in (tmp_path, tmp_path / "nowhere", tmp_path / "a.npy"):
        with pytest.raises(ValueError, match=r"holds no thing\.json: yt8m make has not finished"):
            THING.read(directory)
    assert THING.prepare(tmp_path) == tmp_path


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("{", "Expecting"),
        ("[]", "list"),
        ("null", "NoneType"),
        ('{"kind": "index"}', "kind must be thing or other; it is 'index'"),
        ('{"model": "m", "size": 3}', "it lacks 'bits'"),
        ('{"model": "m", "size": null, "bits": 4}', "int"),
        ('{"model": "m", "size": "wide", "bits": 4}', "'wide'"),
        ('{"model": "m", "size": Infinity, "bits": 4}', "infinity"),
        ("[" * 100_000, "recursion"),
        ('{"model": "m", "size": 3, "bits": 4, "contents": 5}', "int"),
    ],
)
def test_damaged_records_are_named(tmp_path, text, reason):
    (tmp_path / "thing.json").write_text(text)
    with pytest.raises(ValueError, match=rf"thing\.json: not the record of a thing: .*{reason}"):
        THING.read(tmp_path)


def test_files_must_be_those_that_were_written(tmp_path):
    write_array(tmp_path, "long", np.zeros(1 << 17, np.uint8))
    THING.write(tmp_path, RECORD, {"a": np.arange(3), "b": np.arange(1, 4)}, ["long.npy"])
    THING.read(tmp_path)
    for name, change in (
        ("a", lambda content: (tmp_path / "b.npy").read_bytes()),
        ("a", lambda content: content[:-1]),
        ("b", lambda content: content + b"0"),
        ("b", lambda content: b""),
        ("long", lambda content: b"0" + content[1:]),
        ("long", lambda content: content[:-1] + b"0"),
        ("long", lambda content: None),
    ):
        path = tmp_path / f"{name}.npy"
        content = path.read_bytes()
        path.unlink()
        if (changed := change(content)) is not None:
            path.write_bytes(changed)
        reason = "is missing" if changed is None else f"has {len(changed)} bytes"
        with pytest.raises(
            ValueError, match=rf"{name}\.npy is not what yt8m make wrote .* {reason}"
        ):
            THING.read(tmp_path)
        assert THING.read(tmp_path, check_files=False)["size"] == 3
        path.write_bytes(content)
    THING.read(tmp_path)


def test_arrays_that_do_not_fit_say_where_they_are(tmp_path):
    message = f"{tmp_path} holds a thing, damaged: odd"
    with pytest.raises(ValueError, match=message), THING.opening(tmp_path):
        raise ValueError("odd")


def test_damaged_arrays_are_named(tmp_path):
    write_array(tmp_path, "a", np.zeros((2, 3), np.float32))
    with pytest.raises(ValueError, match=r"a\.npy must be uint8 or integer of the shape \(2, 3\)"):
        read_array(tmp_path, "a", (np.uint8, np.integer), (2, 3))
    with pytest.raises(ValueError, match=r"float32 of the shape \(3,\); it is float32 of \(2, 3\)"):
        read_array(tmp_path, "a", np.float32, (3,))
    (tmp_path / "a.npy").write_bytes((tmp_path / "a.npy").read_bytes()[:-1])
    for name in ("a", "b"):
        with pytest.raises(ValueError, match=rf"{name}\.npy cannot be read"):
            read_array(tmp_path, name, np.float32, (2, 3))


@pytest.mark.parametrize("width", [None, 2])
@pytest.mark.parametrize("lengths", [(), (0,), (3, 1), (1, 100_000)])
def test_blocks_become_the_file_that_numpy_writes(tmp_path, lengths, width):
    rng = np.random.default_rng(0)
    row = () if width is None else (width,)
    blocks = [rng.integers(0, 9, (length, *row)) for length in lengths]
    with array_file(tmp_path, "a", np.int32, width) as append:
        for block in blocks:
            append(block)
    write_array(tmp_path, "b", np.concatenate([np.zeros((0, *row)), *blocks]).astype(np.int32))
    assert (tmp_path / "a.npy").read_bytes() == (tmp_path / "b.npy").read_bytes()


def test_an_interrupted_array_leaves_nothing(tmp_path):
    def write_half():
        with array_file(tmp_path, "a", "uint8") as append:
            append(np.arange(3))
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_half()
    assert list(tmp_path.iterdir()) == []


def test_records_may_be_where_tensorflow_alone_can_open_them(tmp_path):
    directory = f"file://{tmp_path}/new"
    with pytest.raises(ValueError, match=r"file://.*/new holds no thing\.json"):
        THING.read(directory)
    THING.write(directory, RECORD)
    assert THING.read(directory) == THING.read(tmp_path / "new")
