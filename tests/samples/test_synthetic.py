"""Tests of `yt8m_models.samples.synthetic`: formats, seed, and what the videos are made of."""

import pathlib

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.data.quantization import dequantize
from yt8m_models.samples.made_ids import NUM_IDS, video_id
from yt8m_models.samples.shards import write_shards
from yt8m_models.samples.synthetic import label_distribution
from yt8m_models.samples.synthetic.__main__ import PROGRAM
from yt8m_models.samples.synthetic.config import SyntheticConfig
from yt8m_models.samples.synthetic.generator import VideoGenerator
from yt8m_models.samples.synthetic.generator import write_synthetic as write
from yt8m_models.storage.whole_file import whole_path

SHARED = pathlib.Path(__file__).resolve().parents[2].parent / "shared"
SMALL = {
    "num_videos": 12,
    "num_shards": 3,
    "num_classes": 30,
    "feature_sizes": (16, 4),
    "min_frames": 7,
    "max_frames": 23,
}


def write_synthetic(directory, **options):
    return write(SyntheticConfig(str(directory), **options))


def _records(paths):
    return [record.numpy() for record in tf.data.TFRecordDataset(paths)]


def _sequences(paths):
    return [tf.train.SequenceExample.FromString(record) for record in _records(paths)]


def _frames(example, name):
    strings = [frame.bytes_list.value for frame in example.feature_lists.feature_list[name].feature]
    assert all(len(values) == 1 for values in strings)
    return np.array([np.frombuffer(values[0], np.uint8) for values in strings])


def test_frame_level_records(tmp_path):
    paths = write_synthetic(tmp_path, **SMALL)
    assert paths == [str(tmp_path / f"train000{shard}.tfrecord") for shard in range(3)]
    assert sorted(path.name for path in tmp_path.iterdir()) == [
        f"train000{shard}.tfrecord" for shard in range(3)
    ]
    assert [len(_records(path)) for path in paths] == [4, 4, 4]
    examples = _sequences(paths)
    for example in examples:
        assert set(example.context.feature) == {"id", "labels"}
        labels = list(example.context.feature["labels"].int64_list.value)
        assert labels == sorted(set(labels))
        assert labels
        assert all(0 <= label < 30 for label in labels)
        assert set(example.feature_lists.feature_list) == {"rgb", "audio"}
        rgb, audio = _frames(example, "rgb"), _frames(example, "audio")
        assert 7 <= len(rgb) == len(audio) <= 23
        assert rgb.shape[1:] == (16,)
        assert audio.shape[1:] == (4,)
    ids = [example.context.feature["id"].bytes_list.value[0] for example in examples]
    assert len(set(ids)) == 12
    assert all(len(entry) == 4 and entry.isalnum() for entry in ids)


def test_video_level_records_are_the_means_of_the_frame_level_ones(tmp_path):
    frame_level = _sequences(write_synthetic(tmp_path, **SMALL))
    paths = write_synthetic(tmp_path, level="video", prefix="video", **SMALL)
    for record, sequence in zip(_records(paths), frame_level, strict=True):
        feature = tf.train.Example.FromString(record).features.feature
        assert set(feature) == {"id", "labels", "mean_rgb", "mean_audio"}
        assert feature["id"] == sequence.context.feature["id"]
        assert feature["labels"] == sequence.context.feature["labels"]
        for name in ("rgb", "audio"):
            mean = dequantize(_frames(sequence, name)).astype(np.float64).mean(axis=0)
            np.testing.assert_allclose(feature[f"mean_{name}"].float_list.value, mean, atol=1e-6)


def test_segment_level_records(tmp_path):
    paths = write_synthetic(tmp_path, level="segment", **SMALL | {"num_videos": 60})
    scores = []
    for example in _sequences(paths):
        context = example.context.feature
        starts = list(context["segment_start_times"].int64_list.value)
        ends = list(context["segment_end_times"].int64_list.value)
        classes = list(context["segment_labels"].int64_list.value)
        rated = list(context["segment_scores"].float_list.value)
        num_frames = len(_frames(example, "rgb"))
        assert len(starts) == len(ends) == len(classes) == len(rated)
        assert len(starts) == min(5, num_frames // 5)
        assert starts == sorted(set(starts))
        assert all(start % 5 == 0 for start in starts)
        assert ends == [start + 5 for start in starts]
        assert ends[-1] <= num_frames
        assert all(0 <= label < 30 for label in classes)
        labels = set(context["labels"].int64_list.value)
        positive = {label for label, score in zip(classes, rated, strict=True) if score == 1}
        assert positive <= labels
        scores += rated
    assert set(scores) == {0.0, 1.0}
    assert 0.2 < np.mean(scores) < 0.8


def test_a_positive_segment_shows_its_class(tmp_path):
    """A positive segment's frames are nearer to its class than to any other class.

    Those of a negative one are so only where a background dominates them (of 3 + 2 sources, 2 are
    backgrounds) and the class is mixed in (1 of 5): in less than 2/5 · 1/5 = 8 % of the segments.
    """
    config = SyntheticConfig(str(tmp_path), level="segment", num_videos=40, num_classes=50)
    generator = VideoGenerator(config)
    ranks = {0.0: [], 1.0: []}
    for index in range(40):
        video = generator.video(index)
        for start, end, label, score in video.segments:
            similarity = generator.prototypes @ (video.frames[start:end].mean(axis=0) - 128)
            ranks[score].append(np.sum(similarity > similarity[label]))
    assert len(ranks[1.0]) > 30
    assert max(ranks[1.0]) == 0
    assert np.mean(np.equal(ranks[0.0], 0)) < 0.16


def test_same_seed_same_bytes(tmp_path):
    def contents(directory, **options):
        paths = write_synthetic(tmp_path / directory, **SMALL | options)
        return [pathlib.Path(path).read_bytes() for path in paths]

    first = contents("a")
    assert contents("b") == first
    assert contents("c", num_shards=1) == [b"".join(first)]
    assert b"".join(first).startswith(contents("d", num_shards=1, num_videos=5)[0])
    assert contents("e", seed=1) != first
    assert contents("f", prototype_seed=1) != first


def test_shards_that_do_not_divide_the_videos(tmp_path):
    paths = write_synthetic(tmp_path, **SMALL | {"num_videos": 8})
    assert [len(_records(path)) for path in paths] == [2, 3, 3]


def test_labels_follow_zipf_and_are_about_three(tmp_path):
    """Class r is drawn first with probability (1/r) / H(3862), H(3862) = ln 3862 + 0.577 = 8.836.

    With three labels a video, class 0 is in about 1 - (1 - 1/8.836)**3 = 30 % of the videos, and
    a class ten times as rare in about 3.4 %; successive draws and the spread of the number of
    labels change that a little.
    """
    rng = np.random.default_rng(0)
    weights = label_distribution.zipf(3862)
    labels = [label_distribution.draw_labels(rng, weights) for _ in range(4000)]
    assert np.mean([len(entry) for entry in labels]) == pytest.approx(3.0, abs=0.15)
    assert min(len(entry) for entry in labels) == 1
    videos = np.bincount(np.concatenate(labels), minlength=3862) / 4000
    assert videos[0] == pytest.approx(0.30, abs=0.04)
    assert videos[9] == pytest.approx(0.034, abs=0.015)
    assert 0 < np.sum(videos[1000:]) < 0.8


def test_labels_follow_the_vocabulary(tmp_path):
    vocabulary = tmp_path / "vocabulary.csv"
    vocabulary.write_text("Index,TrainVideoCount,Name\n2,30,c\n0,10,a\n1,0,b\n3,60,d\n")
    weights = label_distribution.from_vocabulary(str(vocabulary), 4)
    assert weights.tolist() == [10, 0, 30, 60]
    rng = np.random.default_rng(0)
    labels = [label_distribution.draw_labels(rng, weights) for _ in range(3000)]
    assert not any(1 in entry for entry in labels)
    assert max(len(entry) for entry in labels) == 3
    alone = [entry[0] for entry in labels if len(entry) == 1]
    np.testing.assert_allclose(
        np.bincount(alone, minlength=4) / len(alone), weights / 100, atol=0.06
    )


def test_real_vocabulary():
    path = SHARED / "data" / "vocabulary.csv"
    if not path.exists():
        pytest.skip("the real vocabulary is not here")
    weights = label_distribution.from_vocabulary(str(path), 3862)
    assert weights[0] == 788288
    assert weights[3861] == 140


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Index,Name\n0,a\n", "lacks the column TrainVideoCount"),
        ("Index,TrainVideoCount\n0,1\n", "classes 0 to 29 .* has 1 rows"),
        ("", "cannot read the vocabulary"),
        (
            "Index,TrainVideoCount\n" + "".join(f"{index},0\n" for index in range(30)),
            "positive for some class",
        ),
    ],
)
def test_bad_vocabulary(tmp_path, text, message):
    vocabulary = tmp_path / "vocabulary.csv"
    vocabulary.write_text(text)
    with pytest.raises(ValueError, match=message):
        write_synthetic(tmp_path / "out", vocabulary=str(vocabulary), **SMALL)


def test_missing_vocabulary(tmp_path):
    with pytest.raises(ValueError, match=r"none\.csv"):
        write_synthetic(tmp_path / "out", vocabulary=str(tmp_path / "none.csv"), **SMALL)


def test_classes_can_be_learnt(tmp_path):
    """The nearest prototypes of a video's mean frame are its labels, for two seeds of videos."""
    for seed in (0, 1):
        config = SyntheticConfig(str(tmp_path), num_videos=30, num_classes=200, seed=seed)
        generator = VideoGenerator(config)
        hits = 0
        for index in range(30):
            video = generator.video(index)
            similarity = generator.prototypes @ (video.frames.mean(axis=0) - 128)
            hits += np.argmax(similarity) in video.labels
        assert hits == 30


def test_quantised_values_spread_over_the_range(tmp_path):
    """Entries have deviation about sqrt(40² · 0.55 + 37²) = 47 steps, of which 1 % are clipped."""
    generator = VideoGenerator(SyntheticConfig(str(tmp_path), num_videos=5, num_classes=20))
    values = np.concatenate([generator.video(index).frames.ravel() for index in range(5)])
    assert values.mean() == pytest.approx(127.5, abs=2)
    assert values.std() == pytest.approx(47, abs=5)
    assert 0 < np.mean((values == 0) | (values == 255)) < 0.03


def test_ids_differ():
    assert len({video_id(3, index) for index in range(20000)}) == 20000
    assert video_id(0, 0) == video_id(0, NUM_IDS)


def test_existing_shards_are_refused_or_replaced(tmp_path):
    write_synthetic(tmp_path, **SMALL)
    other = tmp_path / "train_notes.txt"
    other.write_text("kept")
    with pytest.raises(ValueError, match=r"already has 3 files such as train0000\.tfrecord"):
        write_synthetic(tmp_path, **SMALL)
    write_synthetic(tmp_path, prefix="validate", **SMALL)
    paths = write_synthetic(tmp_path, overwrite=True, **SMALL | {"num_shards": 2, "seed": 5})
    assert sorted(path.name for path in tmp_path.glob("train*")) == [
        "train0000.tfrecord",
        "train0001.tfrecord",
        "train_notes.txt",
    ]
    assert len(_records(paths)) == 12
    assert len(list(tmp_path.glob("validate*"))) == 3


def test_an_interrupted_shard_leaves_no_file(tmp_path):
    def record(index):
        if index == 5:
            raise KeyboardInterrupt
        return b"record"

    with pytest.raises(KeyboardInterrupt):
        write_shards(str(tmp_path), "train", 3, 9, record)
    assert [path.name for path in tmp_path.iterdir()] == ["train0000.tfrecord"]


def test_whole_path_keeps_the_old_one_after_an_error(tmp_path):
    path = tmp_path / "file"
    path.write_text("old")
    with pytest.raises(OSError, match="full"), whole_path(str(path)) as partial:  # noqa: PT012
        pathlib.Path(partial).write_text("half")
        raise OSError("disk full")
    assert path.read_text() == "old"
    assert list(tmp_path.iterdir()) == [path]
    with whole_path(str(path)) as partial:
        pathlib.Path(partial).write_text("new")
    assert path.read_text() == "new"


def test_directory_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(ValueError, match=r"cannot write to --output_dir=.*file"):
        write_synthetic(tmp_path / "file" / "out", **SMALL)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"level": "clip"}, "--level=clip: must be one of frame, video, segment"),
        ({"num_videos": 0}, "--num_videos"),
        ({"num_videos": NUM_IDS + 1}, "--num_videos"),
        ({"num_shards": 13}, "--num_shards must be at most --num_videos=12; received 13"),
        ({"seed": -1}, "--seed"),
        ({"prefix": "a/b"}, "--prefix"),
        ({"num_classes": 0}, "--num_classes"),
        ({"min_frames": 24}, "--min_frames must be at most --max_frames=23; received 24"),
        ({"feature_names": ("rgb",)}, "same number of entries"),
        ({"feature_names": ("rgb", "rgb")}, "must have entries that differ"),
        ({"feature_sizes": (16, 0)}, "--feature_sizes"),
    ],
)
def test_arguments_are_checked(tmp_path, options, message):
    with pytest.raises(ValueError, match=message):
        write_synthetic(tmp_path, **SMALL | options)
    assert not list(tmp_path.iterdir())


def test_program(tmp_path, run_here):
    flags = [
        f"--output_dir={tmp_path}",
        "--num_videos=4",
        "--num_shards=2",
        "--level=video",
        "--prefix=validate",
    ]
    flags += ["--feature_sizes=8,2", "--num_classes=9"]
    status, output, errors = run_here(PROGRAM, *flags)
    first, last = (tmp_path / f"validate000{shard}.tfrecord" for shard in range(2))
    assert (status, output) == (0, f"4 videos in 2 files: {first} to {last}\n")
    assert "4/4 videos" in errors
    status, _, errors = run_here(PROGRAM, *flags)
    assert status == 1
    assert "--overwrite" in errors
