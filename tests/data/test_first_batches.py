"""Tests of yt8m_models.data.first_batches: what is said of labels and features, and when."""

import numpy as np
import pytest

from yt8m_models.config import DataConfig
from yt8m_models.data.first_batches import FirstBatches
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.data.records import frame_record, video_record, write_records

FRAMES = DataConfig(("rgb", "audio"), (6, 3), frame_features=True, num_classes=4)
VIDEOS = DataConfig(("mean_rgb", "mean_audio"), (6, 3), num_classes=4)


@pytest.fixture
def said(tmp_path, warned):
    """What is said of videos with these labels and features, read in batches of 100."""

    def said(labels, rgb, audio, data=FRAMES, need_labels=True):
        names = data.feature_names
        record = frame_record if data.frame_features else video_record
        path = tmp_path / "a.tfrecord"
        videos = zip(labels, rgb, audio, strict=True)
        write_records(
            path,
            (
                record(b"v", label, dict(zip(names, features, strict=True)))
                for label, *features in videos
            ),
        )
        first = FirstBatches(data, "training videos", need_labels)
        pipeline = Pipeline([str(path)], data, PipelineOptions(100))
        count = sum(len(batch["num_frames"]) for batch in first.watched(pipeline))
        assert count == len(labels)  # all are passed on
        first.look(None)  # once it is over, there is no further look
        return warned()

    return said


def frames(count, size, seed=0, num_frames=(4, 7)):
    rng = np.random.default_rng(seed)
    return [rng.integers(0, 256, (rng.integers(*num_frames), size), np.uint8) for _ in range(count)]


def like(features, value):
    """Features as long as others, of one value."""
    return [np.full((len(each), 3), value, np.uint8) for each in features]


def test_nothing_is_said_of_records_as_they_should_be(said):
    rgb = frames(250, 6)
    audio = [frames(1, 3, n, (len(each), len(each) + 1))[0] for n, each in enumerate(rgb)]
    assert said([[1]] * 250, rgb, audio) == []
    assert said([[]] * 249 + [[1]], rgb, audio) == []  # the last batch has a label
    assert said([[]] * 250, rgb, audio, need_labels=False) == []


def test_records_without_labels_and_features_that_are_the_same(said):
    rgb = frames(250, 6)
    missing, constant = said([[]] * 250, rgb, like(rgb, 0))
    assert missing == (
        "none of the 250 training videos that were read first has a label: nothing can be learned "
        "from them. `yt8m inspect` shows what the records hold; test records have no labels"
    )
    assert constant == (
        "the feature audio is 0 throughout the 250 training videos that were read first, and tells "
        "nothing about a video. Look at how it was extracted, or train without it (--feature_names)"
    )
    (constant,) = said([[1]] * 250, rgb, like(rgb, 7))
    assert constant.startswith("the feature audio is the same throughout the 250 training videos")


def test_a_feature_that_differs_late_or_within_a_video_is_well(said):
    rgb = frames(250, 6)
    audio = like(rgb, 7)
    audio[249][-1, 2] = 8
    assert said([[1]] * 250, rgb, audio) == []
    # Padding is no frame: the videos differ in length alone.
    assert len(said([[1]] * 250, rgb, like(rgb, 7))) == 1


def test_video_level_features(said):
    rng = np.random.default_rng(0)
    rgb = list(rng.normal(size=(30, 6)).astype("float32"))
    audio = [np.zeros(3, "float32")] * 30
    (constant,) = said([[1]] * 30, rgb, audio, VIDEOS)
    assert constant.startswith("the feature mean_audio is 0 throughout the 30 training videos")
    assert said([[1]] * 30, rgb, list(rng.normal(size=(30, 3)).astype("float32")), VIDEOS) == []
    assert said([[1]], rgb[:1], audio[:1], VIDEOS) == []  # one frame can differ from no other


def test_a_thousand_examples_are_enough(said):
    """Video 1,150 has a label and another sound, and is never looked at."""
    rgb = frames(1200, 6, num_frames=(1, 2))
    audio = like(rgb, 0)
    audio[1150][:] = 3
    missing, constant = said([[]] * 1150 + [[1]] * 50, rgb, audio)
    assert "none of the 1,000 training videos" in missing
    assert "throughout the 1,000 training videos" in constant
