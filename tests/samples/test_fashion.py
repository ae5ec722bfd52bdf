"""Tests of `yt8m_models.samples.fashion`, on images that the tests write."""

import csv
import gzip
import pathlib
import struct

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.samples.bags.bag_class import labels_of
from yt8m_models.samples.bags.images import Images
from yt8m_models.samples.fashion import generator
from yt8m_models.samples.fashion.config import FashionConfig
from yt8m_models.samples.fashion.generator import KINDS, VIDEOS
from yt8m_models.samples.fashion.images import image_sets, read_idx

CLASSES = VIDEOS.classes


def _write_idx(path, values):
    values = np.asarray(values, np.uint8)
    header = struct.pack(f">BBBB{values.ndim}I", 0, 0, 8, values.ndim, *values.shape)
    with gzip.open(path, "wb") as file:
        file.write(header + values.tobytes())


def _write_images(directory, counts):
    """Random images; the kinds of each set are 0 to 9 in turn."""
    rng = np.random.default_rng(0)
    for prefix, count in counts.items():
        _write_idx(
            directory / f"{prefix}-images-idx3-ubyte.gz", rng.integers(0, 256, (count, 28, 28))
        )
        _write_idx(directory / f"{prefix}-labels-idx1-ubyte.gz", np.arange(count) % 10)
    return str(directory)


@pytest.fixture(scope="module")
def images_dir(tmp_path_factory):
    return _write_images(tmp_path_factory.mktemp("images"), {"train": 600, "t10k": 100})


@pytest.fixture(scope="module")
def images(images_dir):
    return image_sets(images_dir)


def _names(frames_by_kind, num_frames):
    return {CLASSES[label].name for label in labels_of(CLASSES, frames_by_kind, num_frames)}


def test_properties_of_articles():
    tshirt, trousers, pullover, dress, coat, sandal, _, sneaker, bag, boot = range(10)
    assert _names({tshirt: 3, trousers: 4}, 40) == {
        *("T-shirt", "Trousers", "Top and trousers", "Nothing for the feet")
    }
    assert _names({boot: 21}, 41) == {"Ankle boot", "A single kind", "One kind in most frames"}
    assert "One kind in most frames" not in _names({boot: 20}, 40)
    assert _names({dress: 3, coat: 3, sandal: 3, sneaker: 3, bag: 3}, 40) == {
        *("Dress", "Coat", "Sandal", "Sneaker", "Bag", "Two kinds of shoes", "Summer and winter"),
        *("Bag and shoes", "Four kinds or more"),
    }
    assert _names({tshirt: 3, pullover: 3, coat: 3, boot: 3}, 40) == {
        *("T-shirt", "Pullover", "Coat", "Ankle boot", "Two kinds of tops", "Summer and winter"),
        *("Two with long sleeves", "Top and shoes", "Coat or dress, not both"),
        "Four kinds or more",
    }


def test_every_class_is_neither_rare_nor_common():
    """Each is in 5 % to 60 % of the videos."""
    videos = [VIDEOS.labels(0, index) for index in range(4000)]
    counts = np.bincount(np.concatenate(videos), minlength=22)
    assert len(CLASSES) == 22
    assert [entry.name for entry in CLASSES[:10]] == list(KINDS)
    assert counts.min() / 4000 > 0.05
    assert counts.max() / 4000 < 0.60


def test_frames_show_the_kinds_of_the_labels(images):
    """Shown kinds have their frames, at most three others have one each, the rest have none."""
    for index in range(30):
        shown, num_frames = VIDEOS.shown_kinds(7, index)
        features, pixels, kinds = VIDEOS.frames(images[0], 7, index)
        counts = {kind: int(np.sum(kinds == kind)) for kind in range(10)}
        assert {kind: counts[kind] for kind in shown} == shown
        others = [count for kind, count in counts.items() if kind not in shown]
        assert set(others) <= {0, 1}
        assert sum(others) <= 3
        assert 20 <= num_frames == len(kinds)
        assert pixels.shape == (num_frames, 784)
        assert features["rgb"].shape == (num_frames, 128)
        assert features["audio"].shape == (num_frames, 32)
        assert all(frames.dtype == np.uint8 for frames in features.values())


def test_frames_of_a_kind_are_images_of_it(images):
    known = {
        row.tobytes(): kind for row, kind in zip(images[0].pixels, images[0].kinds, strict=True)
    }
    for index in range(10):
        _, pixels, kinds = VIDEOS.frames(images[0], 7, index)
        for frame, kind in zip(pixels, kinds, strict=True):
            assert known.get(frame.astype(np.uint8).tobytes(), -1) == kind


def test_projected_frames_against_exact_arithmetic():
    """`⌊(p - 73) · S / 60⌋` in Python's whole numbers."""
    pixels = np.random.default_rng(0).integers(0, 256, (5, 784))
    signs = VIDEOS.signs["audio"].T.astype(int).tolist()
    projected = VIDEOS.project("audio", pixels)
    for frame, found in zip(pixels.tolist(), projected.tolist(), strict=True):
        for column, value in zip(signs, found, strict=True):
            assert value == sum((p - 73) * s for p, s in zip(frame, column, strict=True)) // 60


def test_parts_are_of_different_images(images):
    train, validation, test = images
    assert [len(part.kinds) for part in images] == [500, 100, 100]
    rows = [{row.tobytes() for row in part.pixels} for part in images]
    assert not rows[0] & rows[1] | rows[0] & rows[2] | rows[1] & rows[2]
    assert isinstance(train, Images)
    assert set(validation.kinds) == set(test.kinds) == set(range(10))


def test_files(images_dir, tmp_path):
    sizes = {"num_train_videos": 7, "num_validation_videos": 4, "num_test_videos": 5}
    options = {"images_dir": images_dir, "num_shards": 2, **sizes}
    config = FashionConfig(str(tmp_path), **options)
    paths = generator.write(config)
    names = [f"{prefix}000{n}.tfrecord" for prefix in ("train", "validate", "test") for n in (0, 1)]
    assert paths == [str(tmp_path / name) for name in [*names, "vocabulary.csv"]]
    parts = [
        [
            tf.train.SequenceExample.FromString(record.numpy())
            for record in tf.data.TFRecordDataset(paths[start : start + 2])
        ]
        for start in (0, 2, 4)
    ]
    assert [len(part) for part in parts] == [7, 4, 5]
    examples = [example for part in parts for example in part]
    assert len({example.context.feature["id"].bytes_list.value[0] for example in examples}) == 16
    for index, example in enumerate(examples):
        expected = VIDEOS.labels(0, index)
        assert list(example.context.feature["labels"].int64_list.value) == expected
        lists = example.feature_lists.feature_list
        sizes = {name: {len(f.bytes_list.value[0]) for f in lists[name].feature} for name in lists}
        assert sizes == {"rgb": {128}, "audio": {32}}
    with open(paths[-1], newline="") as file:
        rows = list(csv.DictReader(file))
    assert [row["Name"] for row in rows] == [entry.name for entry in CLASSES]
    again = generator.write(FashionConfig(str(tmp_path / "b"), **options))
    assert [pathlib.Path(path).read_bytes() for path in paths] == [
        pathlib.Path(path).read_bytes() for path in again
    ]
    with pytest.raises(ValueError, match=r"vocabulary\.csv exists already.*--overwrite"):
        generator.write(config)


def test_read_idx(tmp_path):
    values = np.arange(24).reshape(2, 3, 4)
    _write_idx(tmp_path / "a.gz", values)
    np.testing.assert_array_equal(read_idx(str(tmp_path / "a.gz")), values)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"\0\0\x0b\1\0\0\0\1\0\0", "not an IDX file of unsigned bytes"),
        (b"", "not an IDX file of unsigned bytes"),
        (b"\0\0\x08\1\0\0", "not an IDX file of unsigned bytes"),
        (b"\0\0\x08\1\0\0\0\3ab", "must hold 3 values, for its shape"),
    ],
)
def test_bad_files_are_named(tmp_path, content, message):
    path = tmp_path / "bad.gz"
    path.write_bytes(gzip.compress(content))
    with pytest.raises(ValueError, match=rf"bad\.gz.*{message}"):
        read_idx(str(path))


def test_missing_and_broken_files_are_named(tmp_path):
    with pytest.raises(ValueError, match=r"train-images.*dataset-fashion-mnist"):
        image_sets(str(tmp_path))
    (tmp_path / "broken.gz").write_bytes(b"no gzip")
    with pytest.raises(ValueError, match=r"broken\.gz cannot be read"):
        read_idx(str(tmp_path / "broken.gz"))


def test_images_that_do_not_fit_are_refused(tmp_path):
    _write_images(tmp_path, {"train": 60, "t10k": 20})
    _write_idx(tmp_path / "t10k-labels-idx1-ubyte.gz", np.arange(19))
    with pytest.raises(ValueError, match=r"t10k must be images of 28x28 and a label for each"):
        image_sets(str(tmp_path))
    _write_images(tmp_path, {"train": 60, "t10k": 9})
    with pytest.raises(ValueError, match="images of each of the kinds 0 to 9"):
        image_sets(str(tmp_path))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output_dir": ""}, "--output_dir must be given"),
        ({"images_dir": ""}, "--images_dir must be given"),
        ({"num_test_videos": 0}, "--num_test_videos must be at least 1; received 0"),
        ({"num_validation_videos": 3}, "--num_shards must be at most 3"),
        ({"seed": -1}, "--seed"),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        FashionConfig(**{"output_dir": "fashion"} | options)
