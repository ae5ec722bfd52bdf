"""`read`: the batches of records, as `Pipeline` reads them, also for `keras.Model.fit`."""

import gc

import keras
import numpy as np
import pytest

import yt8m_models as yt
from yt8m_models.config import DataConfig
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.data.records import frame_record, write_records
from yt8m_models.program.command import UsageError

FORMAT = {
    "feature_names": ["rgb", "audio"],
    "feature_sizes": [4, 2],
    "frame_features": True,
    "num_classes": 3,
}
DATA = DataConfig(("rgb", "audio"), (4, 2), frame_features=True, num_classes=3)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """20 videos of 3 frames in two files; the class of a video is in its features."""
    directory = tmp_path_factory.mktemp("records")
    rng = np.random.default_rng(0)
    videos = []
    for number in range(20):
        rgb = rng.integers(0, 80, (3, 4)).astype(np.uint8)
        rgb[:, number % 3] = 250
        frames = {"rgb": rgb, "audio": rng.integers(0, 256, (3, 2), dtype=np.uint8)}
        videos.append(frame_record(b"v%02d" % number, [number % 3], frames))
    write_records(directory / "train0.tfrecord", videos[:12])
    write_records(directory / "train1.tfrecord", videos[12:])
    return directory


@pytest.mark.parametrize("options", [{}, {"shuffle": True, "seed": 3, "sample_frames": 2}])
def test_batches_are_those_of_the_pipeline(records, options):
    pattern = records / "train*.tfrecord"
    batches = yt.read(pattern, batch_size=8, **options, **FORMAT)
    gc.collect()  # nothing but the data set holds what reads
    files = [str(records / f"train{number}.tfrecord") for number in range(2)]
    expected = list(Pipeline(files, DATA, PipelineOptions(8, **options)))
    assert len(expected) == 3
    for found, wanted in zip(batches, expected, strict=True):
        assert found.keys() == wanted.keys()
        for name in found:
            np.testing.assert_array_equal(found[name], wanted[name])


def test_a_keras_model_learns_from_them(records):
    keras.utils.set_random_seed(0)
    batches = yt.read(
        f"{records}/train*.tfrecord", batch_size=5, shuffle=True, as_supervised=True, **FORMAT
    )
    inputs, labels = next(iter(batches))
    assert inputs.keys() == {"video_matrix", "num_frames"}
    assert (labels.dtype, labels.shape) == (np.float32, (5, 3))
    video_matrix = keras.Input((None, 6), name="video_matrix")
    num_frames = keras.Input((), dtype="int32", name="num_frames")
    frames = yt.layers.InputNormalization((4, 2))(video_matrix)
    pooled = yt.layers.AveragePooling()(frames)
    predictions = keras.layers.Dense(3, activation="sigmoid")(pooled)
    model = keras.Model({"video_matrix": video_matrix, "num_frames": num_frames}, predictions)
    model.compile(keras.optimizers.Adam(0.1), loss=yt.losses.CrossEntropyLoss())
    before = yt.evaluate(model, f"{records}/train*.tfrecord", **FORMAT)
    model.fit(batches, epochs=15, verbose=0)
    after = yt.evaluate(model, f"{records}/train*.tfrecord", **FORMAT)
    assert after["loss"] < before["loss"]
    assert after["hit_at_one"] > 0.9
    assert after["num_videos"] == 20


def test_mistakes_are_those_of_flags(records):
    with pytest.raises(UsageError, match="equally many entries"):
        yt.read("x", feature_names=["rgb"], feature_sizes=[1, 2])
    with pytest.raises(UsageError, match="num_class'"):
        yt.read("x", num_class=3)
    with pytest.raises(ValueError, match="no file matches 'none"):
        yt.read("none*.tfrecord")
    with pytest.raises(ValueError, match="batch_size must be at least 1; received 0"):
        yt.read(records / "train0.tfrecord", batch_size=0)
