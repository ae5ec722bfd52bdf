"""Models packed in a `.tgz`, and archives that must be refused."""

import io
import os
import tarfile

import keras
import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.models import create_model
from yt8m_models.prediction.model_archive import pack_model, unpack_model
from yt8m_models.training.checkpoints import Restored, restore_model

DATA = DataConfig(("mean_rgb",), (8,), num_classes=5)


@pytest.fixture
def restored():
    keras.utils.set_random_seed(0)
    config = ModelConfig("MoeModel").resolved()
    return Restored(create_model(config, DATA), config, DATA, "HingeLoss", 42, "model.ckpt-42")


def make_archive(path, *members, mode="w:gz"):
    """Writes an archive of `(name, content)`; a `TarInfo` is taken as it is."""
    with tarfile.open(path, mode) as archive:
        for member in members:
            if isinstance(member, tarfile.TarInfo):
                archive.addfile(member)
            else:
                info = tarfile.TarInfo(member[0])
                info.size = len(member[1])
                archive.addfile(info, io.BytesIO(member[1]))
    return str(path)


def special(name, kind, link=""):
    info = tarfile.TarInfo(name)
    info.type = kind
    info.linkname = link
    return info


def whole(*more):
    return (("model_flags.json", b"{}"), ("model.ckpt-1.index", b"x"), *more)


def test_a_packed_model_predicts_the_same(tmp_path, restored):
    path = str(tmp_path / "packed" / "model.tgz")
    pack_model(restored, path)
    with tarfile.open(path) as archive:
        assert archive.getnames() == [
            "checkpoint",
            "model.ckpt-42.data-00000-of-00001",
            "model.ckpt-42.index",
            "model_flags.json",
        ]
    directory = str(tmp_path / "unpacked")
    checkpoint = unpack_model(path, directory)
    assert checkpoint == os.path.join(directory, "model.ckpt-42")
    again = restore_model(directory, checkpoint)
    assert (again.step, again.label_loss) == (42, "HingeLoss")
    assert again.data_config == DATA
    assert again.model_config == restored.model_config
    inputs = {
        "video_matrix": np.random.default_rng(0).random((3, 8), np.float32),
        "num_frames": np.ones(3, np.int32),
    }
    np.testing.assert_array_equal(again.model(inputs), restored.model(inputs))


def test_another_model_in_the_directory_does_not_matter(tmp_path, restored):
    path = str(tmp_path / "model.tgz")
    pack_model(restored, path)
    directory = tmp_path / "unpacked"
    directory.mkdir()
    (directory / "model.ckpt-99.index").write_bytes(b"of another model")
    assert unpack_model(path, str(directory)) == str(directory / "model.ckpt-42")


@pytest.mark.parametrize(
    ("member", "message"),
    [
        (("../outside", b"x"), r"'\.\./outside' leaves the directory"),
        (("inside/../../outside", b"x"), r"'inside/\.\./\.\./outside' leaves the directory"),
        (("/tmp/outside", b"x"), "'/tmp/outside' leaves the directory"),
        (special("link", tarfile.SYMTYPE, "/etc/passwd"), "'link' is neither a regular file"),
        (special("hard", tarfile.LNKTYPE, "model_flags.json"), "'hard' is neither a regular file"),
        (special("device", tarfile.CHRTYPE), "'device' is neither a regular file"),
        (special("pipe", tarfile.FIFOTYPE), "'pipe' is neither a regular file"),
    ],
)
def test_malicious_members_are_refused_before_anything_is_written(tmp_path, member, message):
    path = make_archive(tmp_path / "model.tgz", *whole(member))
    directory = tmp_path / "deep" / "unpacked"
    with pytest.raises(ValueError, match=f"--input_model_tgz={path}: the member {message}"):
        unpack_model(path, str(directory))
    assert sorted(entry.name for entry in tmp_path.rglob("*")) == ["model.tgz"]


def test_a_link_in_the_directory_is_not_followed(tmp_path):
    path = make_archive(tmp_path / "model.tgz", *whole())
    directory = tmp_path / "unpacked"
    directory.mkdir()
    (tmp_path / "precious").write_bytes(b"precious")
    (directory / "model_flags.json").symlink_to(tmp_path / "precious")
    with pytest.raises(ValueError, match=r"'model_flags\.json' would be written through a link"):
        unpack_model(path, str(directory))
    assert (tmp_path / "precious").read_bytes() == b"precious"


def test_a_directory_that_is_a_link_itself_is_fine(tmp_path):
    path = make_archive(tmp_path / "model.tgz", *whole())
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert unpack_model(path, str(tmp_path / "link")) == str(tmp_path / "real" / "model.ckpt-1")


def test_archives_made_with_tar_of_a_directory(tmp_path):
    members = [special("./", tarfile.DIRTYPE), *[(f"./{name}", data) for name, data in whole()]]
    path = make_archive(tmp_path / "model.tgz", *members)
    assert unpack_model(path, str(tmp_path / "out")) == str(tmp_path / "out" / "model.ckpt-1")


@pytest.mark.parametrize(
    ("members", "message"),
    [
        ([("model.ckpt-1.index", b"x")], r"has no model_flags\.json"),
        ([("model_flags.json", b"{}")], "must hold one checkpoint .*; it holds 0"),
        (whole(("model.ckpt-2.index", b"x")), "must hold one checkpoint .*; it holds 2"),
    ],
)
def test_incomplete_archives(tmp_path, members, message):
    path = make_archive(tmp_path / "model.tgz", *members)
    with pytest.raises(ValueError, match=f"--input_model_tgz={path} {message}"):
        unpack_model(path, str(tmp_path / "out"))
    assert not (tmp_path / "out").exists()


def test_files_that_are_no_archives(tmp_path, restored):
    path = tmp_path / "model.tgz"
    pack_model(restored, str(path))
    content = path.read_bytes()
    for damaged in (b"", b"Index\n1\n", content[: len(content) // 2]):
        path.write_bytes(damaged)
        with pytest.raises(ValueError, match=f"--input_model_tgz={path} is not a whole .tgz"):
            unpack_model(str(path), str(tmp_path / "out"))
    with pytest.raises(OSError, match=r"--input_model_tgz=.*absent\.tgz cannot be read"):
        unpack_model(str(tmp_path / "absent.tgz"), str(tmp_path / "out"))


def test_the_packed_checkpoint_holds_no_optimizer(tmp_path, restored):
    path = str(tmp_path / "model.tgz")
    pack_model(restored, path)
    checkpoint = unpack_model(path, str(tmp_path / "out"))
    names = [name for name, _ in tf.train.list_variables(checkpoint)]
    assert [name for name in names if not name.startswith(("model/", "step/", "_CHECKPOINT"))] == []
