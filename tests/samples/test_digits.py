"""Tests of `yt8m_models.samples.digits`: records, classes, and that the frames are digits."""

import csv
import pathlib
import sys

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.samples.bags.bag_class import labels_of
from yt8m_models.samples.bags.bag_videos import FEATURES
from yt8m_models.samples.bags.config import BagsConfig
from yt8m_models.samples.digits import generator
from yt8m_models.samples.digits.__main__ import PROGRAM
from yt8m_models.samples.digits.generator import VIDEOS

pytest.importorskip("sklearn", reason="scikit-learn (the quickstart extra) ships the digits")

CLASSES = VIDEOS.classes
NUMBERS = {entry.name: index for index, entry in enumerate(CLASSES)}


@pytest.fixture(scope="module")
def scans():
    return generator.scan_sets()


def _names(frames_by_digit, num_frames):
    return {CLASSES[label].name for label in labels_of(CLASSES, frames_by_digit, num_frames)}


def _examples(paths):
    return [
        tf.train.SequenceExample.FromString(record.numpy())
        for record in tf.data.TFRecordDataset(paths)
    ]


def test_properties_of_digits():
    assert _names({2: 3, 7: 4}, 40) == {
        *("Two", "Seven", "Two different primes", "Even and odd"),
        "Adding up to nine",
    }
    assert _names({4: 2}, 40) == {"Four", "Even digits only", "A single digit"}
    assert _names({9: 21}, 41) == {
        *("Nine", "Odd digits only", "A single digit", "One digit in most frames")
    }
    assert "One digit in most frames" not in _names({9: 20}, 40)
    assert _names({3: 2, 4: 2, 5: 2, 8: 2}, 40) == {
        *("Three", "Four", "Five", "Eight", "Two different primes", "Even and odd"),
        *("Two neighbours", "Three in a row", "Adding up to nine", "A digit and its double"),
        *("Sum above fifteen", "Four digits or more"),
    }
    assert _names({0: 2, 6: 2, 9: 3}, 30) == {
        *("Zero", "Six", "Nine", "Two different squares", "Two digits with a loop"),
        *("Even and odd", "Adding up to nine"),
    }


def test_zero_is_not_its_own_double():
    assert "A digit and its double" not in _names({0: 3}, 30)


def test_every_class_is_neither_rare_nor_common():
    """Each is in 5 % to 60 % of the videos."""
    videos = [VIDEOS.labels(0, index) for index in range(4000)]
    counts = np.bincount(np.concatenate(videos), minlength=24)
    assert len(CLASSES) == 24
    assert counts.min() / 4000 > 0.05
    assert counts.max() / 4000 < 0.60


def test_frames_show_the_digits_of_the_labels(scans):
    for index in range(50):
        shown, num_frames = VIDEOS.shown_kinds(7, index)
        features, pixels, digits = VIDEOS.frames(scans[0], 7, index)
        assert 20 <= num_frames <= 60
        assert {digit: int(np.sum(digits == digit)) for digit in shown} == shown
        assert np.sum(digits == -1) == num_frames - sum(shown.values())
        assert pixels.shape == (num_frames, 64)
        assert features["rgb"].shape == (num_frames, 128)
        assert features["audio"].shape == (num_frames, 32)
        assert all(frames.dtype == np.uint8 for frames in features.values())


def test_scans_can_be_seen_in_the_quantised_frames(scans):
    """`q = 128 + (2 p - 16) · S / 3 + noise`, so the pseudo-inverse of S gives back the pixels p.

    The noise is even over -4 to 4, of deviation sqrt(80 / 12) = 2.6, the floor of the division adds
    0.3 around -1/3 and the clipping a little; 3 / 2 of that reaches the pixels, less what 128
    equations for 64 unknowns average away.
    """
    inverse = np.linalg.pinv(VIDEOS.signs["rgb"])
    errors = []
    for index in range(20):
        features, pixels, _ = VIDEOS.frames(scans[1], 0, index)
        found = ((features["rgb"].astype(float) - 128 + 1 / 3) * 3 @ inverse + 16) / 2
        errors.append(np.abs(found - pixels).mean())
    assert np.mean(errors) < 1


def test_digit_frames_are_scans_of_that_digit(scans):
    known = {
        row.tobytes(): digit for row, digit in zip(scans[0].pixels, scans[0].kinds, strict=True)
    }
    for index in range(20):
        _, pixels, digits = VIDEOS.frames(scans[0], 0, index)
        for frame, digit in zip(pixels, digits, strict=True):
            assert known.get(frame.tobytes(), -1) == digit


def test_training_and_held_out_scans_are_different(scans):
    training, held_out = scans
    assert len(training.pixels) == 1347
    assert len(held_out.pixels) == 450
    assert not {row.tobytes() for row in training.pixels} & {
        row.tobytes() for row in held_out.pixels
    }
    assert set(held_out.kinds) == set(range(10))


def test_draw_gives_scans_of_the_digits(scans):
    digits = np.repeat(np.arange(10), 200)
    drawn = scans[0].draw(np.random.default_rng(0), digits)
    known = {
        row.tobytes(): digit for row, digit in zip(scans[0].pixels, scans[0].kinds, strict=True)
    }
    assert [known[row.tobytes()] for row in drawn] == digits.tolist()
    assert len({row.tobytes() for row in drawn[:200]}) > 50


def test_files(tmp_path):
    config = BagsConfig(str(tmp_path), num_train_videos=9, num_validation_videos=4, num_shards=2)
    paths = generator.write(config)
    names = ["train0000.tfrecord", "train0001.tfrecord"]
    names += ["validate0000.tfrecord", "validate0001.tfrecord", "vocabulary.csv"]
    assert paths == [str(tmp_path / name) for name in names]
    assert sorted(path.name for path in tmp_path.iterdir()) == names

    training, held_out = _examples(paths[:2]), _examples(paths[2:4])
    assert (len(training), len(held_out)) == (9, 4)
    for example in training + held_out:
        assert set(example.context.feature) == {"id", "labels"}
        lists = example.feature_lists.feature_list
        assert set(lists) == {"rgb", "audio"}
        for name, size in FEATURES.items():
            assert {len(frame.bytes_list.value[0]) for frame in lists[name].feature} == {size}
        assert len(lists["rgb"].feature) == len(lists["audio"].feature)
    ids = {example.context.feature["id"].bytes_list.value[0] for example in training + held_out}
    assert len(ids) == 13

    with open(tmp_path / "vocabulary.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    columns = "Index TrainVideoCount KnowledgeGraphId Name Vertical1 Vertical2 Vertical3"
    assert list(rows[0]) == columns.split()
    assert [int(row["Index"]) for row in rows] == list(range(24))
    assert rows[NUMBERS["Two different primes"]]["Name"] == "Two different primes"
    counts = np.zeros(24, int)
    for example in training:
        counts[list(example.context.feature["labels"].int64_list.value)] += 1
    assert [int(row["TrainVideoCount"]) for row in rows] == counts.tolist()


def test_same_seed_same_bytes(tmp_path):
    def contents(directory, seed):
        config = BagsConfig(str(tmp_path / directory), 8, 4, num_shards=2, seed=seed)
        return [pathlib.Path(path).read_bytes() for path in generator.write(config)]

    assert contents("a", 3) == contents("b", 3)
    assert contents("a2", 3) != contents("c", 4)


def test_existing_files_are_refused_or_replaced(tmp_path):
    generator.write(BagsConfig(str(tmp_path), 4, 2, num_shards=2))
    with pytest.raises(ValueError, match=r"vocabulary\.csv exists already.*--overwrite"):
        generator.write(BagsConfig(str(tmp_path), 4, 2, num_shards=1))
    generator.write(BagsConfig(str(tmp_path), 4, 2, num_shards=1, overwrite=True))
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        *("train0000.tfrecord", "validate0000.tfrecord", "vocabulary.csv")
    ]


def test_missing_scikit_learn_is_named(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "sklearn.datasets", None)
    with pytest.raises(ValueError, match=r"pip install 'yt8m-models\[quickstart\]'"):
        generator.write(BagsConfig(str(tmp_path)))
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"num_train_videos": 0}, "--num_train_videos must be at least 1; received 0"),
        ({"num_validation_videos": 3}, "--num_shards must be at most 3"),
        ({"seed": -1}, "--seed"),
        ({"output_dir": ""}, "--output_dir"),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        BagsConfig(**{"output_dir": "digits"} | options)


def test_clusters_tell_what_averages_do_not(scans):
    """Which digits a video shows: logistic regression on cluster counts beats the average frame.

    The averages miss what the distractors cancel and imitate; K-means clusters of single frames do
    not. Mean average precision, measured: 0.79 and 0.93.
    """
    from sklearn.cluster import KMeans
    from sklearn.linear_model import LogisticRegression
    from sklearn.metrics import average_precision_score

    def videos(part, start, count):
        frames, digits = [], np.zeros((count, 10), bool)
        for number in range(count):
            features, _, shown = VIDEOS.frames(scans[part], 0, start + number)
            frames.append(np.concatenate(list(features.values()), axis=1) / 32.0 - 4)
            digits[number, shown[shown >= 0]] = True
        return frames, digits

    training, train_digits = videos(0, 0, 500)
    held_out, digits = videos(1, 500, 200)
    clusters = KMeans(128, n_init=1, max_iter=15, random_state=0)
    clusters.fit(np.concatenate(training)[:8000])

    def precision(describe):
        inputs, tests = (
            np.array([describe(video) for video in part]) for part in (training, held_out)
        )
        deviation = inputs.std(axis=0) + 1e-6
        found = []
        for digit in range(10):
            classifier = LogisticRegression(C=0.05, max_iter=300)
            classifier.fit(inputs / deviation, train_digits[:, digit])
            found.append(
                average_precision_score(
                    digits[:, digit], classifier.decision_function(tests / deviation)
                )
            )
        return np.mean(found)

    averages = precision(lambda video: video.mean(axis=0))
    counts = precision(lambda video: np.bincount(clusters.predict(video), minlength=128))
    assert averages < 0.85
    assert counts > averages + 0.08


def test_program(tmp_path, run_here):
    flags = ["--num_train_videos=4", "--num_eval_videos=2", "--num_shards=2"]
    status, output, _ = run_here(PROGRAM, f"--output_dir={tmp_path}", *flags)
    assert status == 0
    assert output.startswith("4 videos for training and 2 for validation")
    assert (tmp_path / "vocabulary.csv").exists()
