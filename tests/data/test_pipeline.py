"""Batches: shapes, sampling, order, epochs, workers."""

import dataclasses

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.data.records import frame_record, video_record, write_records

DATA = DataConfig(("rgb", "audio"), (6, 2), frame_features=True, num_classes=9, max_frames=100)
SEGMENTS = dataclasses.replace(DATA, segment_labels=True)


def frames_of(video, count, first="rgb"):
    """Frames that tell where they come from: rgb `[video, frame, …]`, audio `[frame, video]`."""
    numbers = np.arange(count)
    rgb = np.stack([np.full(count, video), numbers, *[numbers * 0 + 5] * 4], 1).astype(np.uint8)
    audio = np.stack([numbers, np.full(count, video)], 1).astype(np.uint8)
    return {"rgb": rgb, "audio": audio} if first == "rgb" else {"audio": audio, "rgb": rgb}


@pytest.fixture(scope="module")
def shards(tmp_path_factory):
    """40 videos in 4 files; video v has 1 + v frames, labels v % 9 and v % 2."""
    directory = tmp_path_factory.mktemp("shards")
    paths = []
    for shard in range(4):
        videos = range(shard * 10, shard * 10 + 10)
        path = str(directory / f"train{shard}.tfrecord")
        write_records(
            path,
            [
                frame_record(b"%04d" % v, sorted({v % 9, v % 2}), frames_of(v, v + 1))
                for v in videos
            ],
        )
        paths.append(path)
    return paths


def write(path, *records):
    write_records(str(path), records)
    return [str(path)]


def one_batch(files, data=DATA, **options):
    (batch,) = Pipeline(files, data, PipelineOptions(100, **options))
    return {name: value.numpy() for name, value in batch.items()}


def ids(pipeline):
    return [video_id for batch in pipeline for video_id in batch["video_ids"].numpy()]


def batches_equal(first, second):
    return len(first) == len(second) and all(
        np.array_equal(a[name], b[name]) for a, b in zip(first, second, strict=True) for name in a
    )


def test_all_frames(shards):
    batch = one_batch(shards, num_readers=1)
    assert [int(video_id) for video_id in batch["video_ids"]] == list(range(40))
    np.testing.assert_array_equal(batch["num_frames"], np.arange(40) + 1)
    assert batch["num_frames"].dtype == np.int32
    assert batch["video_matrix"].shape == (40, 60, 8)
    assert batch["video_matrix"].dtype == np.uint8
    for video in range(40):
        frames = frames_of(video, video + 1)
        expected = np.zeros((60, 8))
        expected[: video + 1] = np.concatenate([frames["rgb"], frames["audio"]], 1)
        np.testing.assert_array_equal(batch["video_matrix"][video], expected)
    classes = np.arange(9)
    expected = [(classes == v % 9) | (classes == v % 2) for v in range(40)]
    np.testing.assert_array_equal(batch["labels"], expected)
    assert batch["labels"].dtype == bool


def test_long_videos_are_cut_and_padding_is_shared(tmp_path):
    files = write(
        tmp_path / "a", *(frame_record(b"v", [0], frames_of(1, n)) for n in (130, 100, 61, 3))
    )
    batch = one_batch(files)
    np.testing.assert_array_equal(batch["num_frames"], [100, 100, 61, 3])
    assert batch["video_matrix"].shape == (4, 100, 8)
    np.testing.assert_array_equal(batch["video_matrix"][0, :, 1], np.arange(100))


def test_static_shapes(shards):
    def shape(**options):
        return (
            Pipeline(shards, DATA, PipelineOptions(4, **options))
            .dataset.element_spec["video_matrix"]
            .shape.as_list()
        )

    assert shape() == [None, None, 8]
    assert shape(pad_to_max_frames=True, drop_remainder=True) == [4, 100, 8]
    assert shape(sample_frames=7) == [None, 7, 8]
    assert one_batch(shards, pad_to_max_frames=True)["video_matrix"].shape == (40, 100, 8)


@pytest.mark.parametrize("random_frames", [True, False])
def test_sampled_frames_belong_together(shards, random_frames):
    batch = one_batch(shards, sample_frames=12, sample_random_frames=random_frames)
    video, frame = batch["video_matrix"][..., 0], batch["video_matrix"][..., 1]
    np.testing.assert_array_equal(video, np.repeat(video[:, :1], 12, axis=1))
    np.testing.assert_array_equal([int(i) for i in batch["video_ids"]], video[:, 0])
    np.testing.assert_array_equal(frame, batch["video_matrix"][..., 6])
    assert (frame <= video).all()
    np.testing.assert_array_equal(batch["num_frames"], np.full(40, 12))
    steps = np.diff(frame.astype(int), axis=1)
    if random_frames:
        assert (steps < 0).any()
        assert (steps > 1).any()
    else:
        assert set(np.unique(steps)) == {0, 1}
        assert (steps[video[:, 0] >= 11] == 1).all()


def test_feature_order_and_choice_are_the_callers(tmp_path):
    files = write(tmp_path / "a", frame_record(b"v", [0], frames_of(3, 2, first="audio")))
    swapped = DataConfig(("audio", "rgb"), (2, 6), frame_features=True, num_classes=9)
    np.testing.assert_array_equal(
        one_batch(files, swapped)["video_matrix"][0, :2],
        [[0, 3, 3, 0, 5, 5, 5, 5], [1, 3, 3, 1, 5, 5, 5, 5]],
    )
    audio = DataConfig(("audio",), (2,), frame_features=True, num_classes=9)
    np.testing.assert_array_equal(one_batch(files, audio)["video_matrix"][0, :2], [[0, 3], [1, 3]])


@pytest.mark.parametrize("id_name", ["id", "video_id"])
def test_id_names_labels_and_videos(tmp_path, id_name):
    data = DataConfig(("a", "b"), (2, 1), num_classes=4)
    records = [
        video_record(b"x", [3, 1, 3], {"a": [1, 2], "b": [3]}, id_name),
        video_record(b"y", [], {"a": [4, 5], "b": [6], "c": [0]}, id_name),
    ]
    batch = one_batch(write(tmp_path / "a", *records), data)
    assert batch["video_ids"].tolist() == [b"x", b"y"]
    np.testing.assert_array_equal(batch["video_matrix"], [[1, 2, 3], [4, 5, 6]])
    assert batch["video_matrix"].dtype == np.float32
    np.testing.assert_array_equal(batch["labels"], [[False, True, False, True], [False] * 4])
    np.testing.assert_array_equal(batch["num_frames"], [1, 1])
    frame = frame_record(b"z", [], frames_of(0, 1), id_name=id_name)
    assert one_batch(write(tmp_path / "b", frame))["video_ids"].tolist() == [b"z"]


def test_segments(tmp_path):
    # Ratings with one start are one example, in the order of first appearance; the last segment
    # starts 2 frames before the end; segments lie beyond max_frames = 100.
    ratings = [(10, 15, 3, 1.0), (0, 5, 2, 0.0), (10, 15, 4, 0.0), (118, 123, 8, 1.0)]
    files = write(
        tmp_path / "a",
        frame_record(b"none", [1], frames_of(0, 9), segments=[]),
        frame_record(b"some", [1], frames_of(7, 120), segments=ratings),
        frame_record(b"more", [1], frames_of(8, 30), segments=[(10, 15, 0, 1.0)]),
    )
    batch = one_batch(files, SEGMENTS)
    assert batch["video_ids"].tolist() == [b"some", b"some", b"some", b"more"]
    frames = batch["video_matrix"][..., 1]
    assert frames.tolist() == [
        [10, 11, 12, 13, 14],
        [0, 1, 2, 3, 4],
        [118, 119, 0, 0, 0],
        [10, 11, 12, 13, 14],
    ]
    assert batch["video_matrix"][..., 0].tolist() == [[7] * 5, [7] * 5, [7, 7, 0, 0, 0], [8] * 5]
    assert batch["num_frames"].tolist() == [5, 5, 2, 5]
    assert np.argwhere(batch["label_weights"] == 1).tolist() == [
        [0, 3], [0, 4], [1, 2], [2, 8], [3, 0],
    ]  # fmt: skip
    assert batch["label_weights"].sum() == 5
    assert np.argwhere(batch["labels"]).tolist() == [[0, 3], [2, 8], [3, 0]]


def test_no_rated_segments_is_an_error(tmp_path):
    files = write(tmp_path / "a", frame_record(b"v", [1], frames_of(0, 9)))
    with pytest.raises(ValueError, match=r"no batch .*none of their videos has rated segments"):
        list(Pipeline(files, SEGMENTS, PipelineOptions(3, num_epochs=None)))


@pytest.mark.parametrize("sample_frames", [0, 4])
def test_videos_without_frames_come_masked_or_are_counted(tmp_path, sample_frames):
    files = write(
        tmp_path / "a", *(frame_record(b"%d" % n, [1], frames_of(2, n)) for n in (0, 3, 0))
    )
    batch = one_batch(files, sample_frames=sample_frames)
    np.testing.assert_array_equal(batch["num_frames"], [0, sample_frames or 3, 0])
    assert not batch["video_matrix"][[0, 2]].any()

    options = PipelineOptions(2, num_epochs=2, sample_frames=sample_frames, skip_empty_videos=True)
    pipeline = Pipeline(files, DATA, options)
    assert ids(pipeline) == [b"3", b"3"]
    assert pipeline.ledger.empty_videos == 2
    assert pipeline.ledger.summary() == "left out 2 videos without frames"


@pytest.mark.parametrize("sample_frames", [0, 4])
def test_only_videos_without_frames(tmp_path, sample_frames):
    files = write(tmp_path / "a", frame_record(b"e", [1], frames_of(2, 0)))
    batch = one_batch(files, sample_frames=sample_frames)
    assert batch["num_frames"].tolist() == [0]
    options = PipelineOptions(
        2, num_epochs=None, skip_empty_videos=True, sample_frames=sample_frames
    )
    with pytest.raises(ValueError, match="no batch of 2 examples in 1 files"):
        list(Pipeline(files, DATA, options))


def test_seed_decides_order_and_frames(shards):
    def batches(**options):
        pipeline = Pipeline(
            shards, DATA, PipelineOptions(7, shuffle=True, sample_frames=5, **options)
        )
        return [{name: value.numpy() for name, value in batch.items()} for batch in pipeline]

    assert batches_equal(batches(seed=3, num_epochs=3), batches(seed=3, num_epochs=3))
    assert not batches_equal(batches(seed=3), batches(seed=4))


@pytest.fixture
def global_seed():
    """Sets the seed of TensorFlow, and in the end back to none."""
    yield tf.random.set_seed
    tf.random.set_seed(None)


@pytest.mark.parametrize("num_epochs", [1, 3])
def test_nothing_depends_on_the_global_seed(shards, global_seed, num_epochs):
    def batches():
        options = PipelineOptions(7, num_epochs, shuffle=True, seed=3, sample_frames=5)
        pipeline = Pipeline(shards, DATA, options)
        return [{name: value.numpy() for name, value in batch.items()} for batch in pipeline]

    expected = batches()
    for seed in (0, 3, 1234):
        global_seed(seed)
        tf.random.uniform([])
        assert batches_equal(batches(), expected)


def test_frames_depend_on_neither_readers_nor_batches(shards):
    def frames(**options):
        options = PipelineOptions(**{"seed": 3, "sample_frames": 5, **options})
        pairs = [
            (batch["video_ids"].numpy().tolist(), batch["video_matrix"].numpy().tolist())
            for batch in Pipeline(shards, DATA, options)
        ]
        return {
            video: matrix
            for videos, rows in pairs
            for video, matrix in zip(videos, rows, strict=True)
        }

    expected = frames(batch_size=7)
    assert len(expected) == 40
    assert frames(batch_size=40, num_readers=1) == expected
    assert frames(batch_size=7, num_readers=3, deterministic=False) == expected
    assert frames(batch_size=7, max_bad_records=1) == expected
    assert frames(batch_size=7, seed=4) != expected


def test_one_epoch_is_the_same_in_each_iteration(shards):
    pipeline = Pipeline(shards, DATA, PipelineOptions(7, shuffle=True, sample_frames=5))
    first, second = (
        [{name: value.numpy() for name, value in batch.items()} for batch in pipeline]
        for _ in range(2)
    )
    assert batches_equal(first, second)


def test_epochs_are_complete_and_differ(shards):
    options = PipelineOptions(8, num_epochs=3, shuffle=True, sample_frames=3)
    seen, frames = [], []
    for batch in Pipeline(shards, DATA, options):
        seen += batch["video_ids"].numpy().tolist()
        frames += batch["video_matrix"].numpy()[..., 1].tolist()
    epochs = [seen[start : start + 40] for start in (0, 40, 80)]
    assert all(sorted(epoch) == sorted(epochs[0]) and len(set(epoch)) == 40 for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) == 3
    drawn = [dict(zip(epoch, frames[i * 40 :], strict=False)) for i, epoch in enumerate(epochs)]
    assert sum(drawn[0][video] != drawn[1][video] for video in epochs[0]) > 25


def test_frames_of_unshuffled_epochs_differ(shards):
    options = PipelineOptions(40, num_epochs=2, sample_frames=3)
    first, second = (batch["video_matrix"].numpy() for batch in Pipeline(shards, DATA, options))
    assert (first != second).any()


def test_unshuffled_order_does_not_depend_on_time(shards):
    orders = [ids(Pipeline(shards, DATA, PipelineOptions(7))) for _ in range(3)]
    assert orders[0] == orders[1] == orders[2]


def test_for_ever(shards):
    pipeline = Pipeline(shards, DATA, PipelineOptions(32, num_epochs=None, shuffle=True))
    taken = [batch["video_ids"].numpy() for _, batch in zip(range(5), pipeline, strict=False)]
    assert [len(batch) for batch in taken] == [32] * 5


@pytest.mark.parametrize(
    ("num_workers", "max_bad_records"), [(2, 0), (3, 0), (4, 0), (7, 0), (3, 1), (7, 1)]
)
def test_workers_share_every_example_once(shards, num_workers, max_bad_records):
    seen = []
    for index in range(num_workers):
        options = PipelineOptions(
            3,
            shuffle=True,
            num_workers=num_workers,
            worker_index=index,
            max_bad_records=max_bad_records,
        )
        seen += ids(Pipeline(shards, DATA, options))
    assert sorted(seen) == [b"%04d" % v for v in range(40)]


def test_options_of_speed_keep_the_examples(shards):
    options = PipelineOptions(16, deterministic=False, num_readers=2, drop_remainder=True)
    assert len(set(ids(Pipeline(shards, DATA, options)))) == 32


def test_distributed_dataset(shards):
    strategy = tf.distribute.MirroredStrategy(["CPU:0"])
    pipeline = Pipeline(shards, DATA, PipelineOptions(8, sample_frames=4, shuffle=True))
    with pipeline.translated_errors():
        seen = [
            video_id
            for batch in strategy.experimental_distribute_dataset(pipeline.dataset)
            for video_id in batch["video_ids"].numpy()
        ]
    assert len(set(seen)) == 40


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"batch_size": 0}, "batch_size must be at least 1; received 0"),
        ({"batch_size": 1, "num_epochs": 0}, "num_epochs must be at least 1; received 0"),
        ({"batch_size": 1, "seed": -1}, "seed must be at least 0; received -1"),
        ({"batch_size": 1, "num_workers": 2, "worker_index": 2}, "worker_index must be less than"),
    ],
)
def test_wrong_options(options, message):
    with pytest.raises(ValueError, match=message):
        PipelineOptions(**options)


def test_no_files():
    with pytest.raises(ValueError, match="files must name at least one"):
        Pipeline([], DATA, PipelineOptions(1))
