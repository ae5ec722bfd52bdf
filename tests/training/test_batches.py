"""Tests of yt8m_models.training.batches."""

import pytest

from yt8m_models.data.pipeline import PipelineOptions
from yt8m_models.data.records import write_records
from yt8m_models.training.batches import Position, TrainingBatches

from .conftest import DATA, frame_records

START = Position(0, 0)


def read(files, start=START, divisor=1, data=DATA, **options):
    """`(position, ids, first frames)` of each batch."""
    settings = {"batch_size": 16, "shuffle": True, "seed": 3, "sample_frames": 2, "num_epochs": 2}
    batches = TrainingBatches(
        files, data, PipelineOptions(**{**settings, **options}), start, divisor
    )
    return [
        (position, batch["video_ids"].numpy().tolist(), batch["video_matrix"].numpy().tolist())
        for batch, position in batches
    ], batches


@pytest.fixture
def files(tmp_path):
    write_records(tmp_path / "a.tfrecord", frame_records(40, seed=0))
    return [str(tmp_path / "a.tfrecord")]


def test_positions_and_sizes(files):
    # 40 videos: 16, 16 and 8, just half full.
    received, batches = read(files)
    assert [(position, len(ids)) for position, ids, _ in received] == [
        ((0, 1), 16), ((0, 2), 16), ((0, 3), 8), ((1, 1), 16), ((1, 2), 16), ((1, 3), 8),
    ]  # fmt: skip
    assert batches.batches_per_epoch == 3


def test_an_epoch_has_each_video_once_and_an_order_of_its_own(files):
    received, _ = read(files)
    first, second = (
        [video for _, ids, _ in received[start : start + 3] for video in ids] for start in (0, 3)
    )
    assert sorted(first) == sorted(second) == sorted({f"v{i:03}".encode() for i in range(40)})
    assert first != second


def test_the_same_seed_gives_the_same_batches_and_another_does_not(files):
    first, _ = read(files)
    assert read(files)[0] == first
    assert read(files, seed=4)[0] != first


@pytest.mark.parametrize("start", range(1, 6))
def test_starting_in_the_middle_gives_the_batches_that_would_have_come(files, start):
    everything, _ = read(files)
    assert read(files, start=everything[start - 1][0])[0] == everything[start:]


def test_a_last_batch_less_than_half_full_is_left_out(files):
    assert [len(ids) for _, ids, _ in read(files, batch_size=18, num_epochs=1)[0]] == [18, 18]


def test_the_only_batch_of_an_epoch_is_kept_however_small(files):
    assert [len(ids) for _, ids, _ in read(files, batch_size=1000)[0]] == [40, 40]


def test_several_replicas_get_equally_many_videos(files):
    received, _ = read(files, batch_size=21, divisor=3, num_epochs=1)
    assert [len(ids) for _, ids, _ in received] == [21, 18]


def test_the_summary_is_that_of_the_records(tmp_path):
    path = str(tmp_path / "some.tfrecord")
    write_records(path, frame_records(20, seed=0, empty=(3, 5)))
    received, batches = read([path], skip_empty_videos=True)
    assert [len(ids) for _, ids, _ in received] == [16, 16]
    assert "2 videos without frames" in batches.summary()


def test_a_bad_record_is_named(tmp_path):
    path = str(tmp_path / "some.tfrecord")
    write_records(path, [*frame_records(3, seed=0), b"nonsense"])
    with pytest.raises(ValueError, match=r"some\.tfrecord.*3"):
        read([path])


def test_records_without_a_batch_are_an_error(tmp_path):
    path = str(tmp_path / "some.tfrecord")
    write_records(path, frame_records(2, seed=0, empty=(0, 1)))
    with pytest.raises(ValueError, match=r"no batch of 16 videos.*some\.tfrecord"):
        read([path], skip_empty_videos=True)


def test_workers_end_an_epoch_where_the_first_of_them_has_no_batch(files):
    """Here another one has two batches; in the second epoch that is known."""
    asked = []

    def all_have(flag):
        asked.append(flag)
        return flag and len(asked) < 3

    options = PipelineOptions(
        16, num_epochs=3, shuffle=True, seed=3, drop_remainder=True, num_workers=2, worker_index=1
    )
    more = [*files, *files] * 2  # this one reads 80 videos, 5 batches
    batches = TrainingBatches(more, DATA, options, START, all_have=all_have)
    positions = [position for _, position in batches]
    assert positions == [(0, 1), (0, 2), (1, 1), (1, 2), (2, 1), (2, 2)]
    assert asked == [True] * 3
    assert batches.batches_per_epoch == 2
