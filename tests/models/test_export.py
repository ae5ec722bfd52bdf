"""`export` of every preset and every pooling: SavedModels for Python and TensorFlow Serving."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from tests.small_sizes import SIZES
from yt8m_models.config import ModelConfig
from yt8m_models.models import create_model
from yt8m_models.presets import FRAME_LEVEL

from .test_models import CASES, OTHER_SIZES


@pytest.fixture
def build(small_data):
    """`build(name, sample_frames, **overrides)`: a small model."""

    def build_preset(name, sample_frames=0, **overrides):
        keras.utils.set_random_seed(3)
        config = ModelConfig(model=name, **{**SIZES, **OTHER_SIZES.get(name, {}), **overrides})
        return create_model(config, small_data(name in FRAME_LEVEL), sample_frames)

    return build_preset


def batches(model):
    """Batches of several sizes and lengths, with padding and a video without frames."""
    rng = np.random.default_rng(5)
    if not model.takes_frames:
        return [{"video_matrix": rng.normal(size=(n, 8)).astype("float32")} for n in (3, 1)]
    return [
        {
            "video_matrix": rng.normal(size=(len(counts), frames, 8)).astype("float32"),
            "num_frames": np.array(counts, "int32"),
        }
        for frames, counts in ((7, (7, 5, 0)), (2, (2,)), (20, (20, 9)))
    ]


@pytest.mark.parametrize(("name", "overrides"), CASES)
def test_what_was_exported_predicts_the_same_of_any_number_of_videos_and_frames(
    name, overrides, build, tmp_path
):
    model, path = build(name, **overrides), str(tmp_path / "saved")
    inputs = batches(model)
    expected = [model(batch).numpy() for batch in inputs]
    model.export(path, verbose=False)

    loaded = tf.saved_model.load(path)
    for batch, predictions in zip(inputs, expected, strict=True):
        received = loaded.serve({key: tf.constant(value) for key, value in batch.items()})
        np.testing.assert_allclose(received, predictions, atol=1e-6)

    # TensorFlow Serving loads it into a session, where other variables can be missing.
    with tf.Graph().as_default(), tf.compat.v1.Session() as session:
        graph = tf.compat.v1.saved_model.load(session, ["serve"], path)
        signature = graph.signature_def["serving_default"]
        assert set(signature.inputs) == set(inputs[0])
        (output,) = signature.outputs.values()
        for batch, predictions in zip(inputs, expected, strict=True):
            feeds = {signature.inputs[key].name: value for key, value in batch.items()}
            received = session.run(output.name, feeds)
            np.testing.assert_allclose(received, predictions, atol=1e-6)


def test_a_model_that_samples_frames_is_exported_with_its_sampling(build, tmp_path):
    model, path = build("FrameLevelLogisticModel", sample_frames=1), str(tmp_path / "saved")
    model.export(path, verbose=False)
    frames = np.zeros((1, 2, 8), "float32")
    frames[0, 0, 0] = frames[0, 1, 1] = 1
    video = {"video_matrix": tf.constant(frames), "num_frames": tf.constant([2], "int32")}
    loaded = tf.saved_model.load(path)
    assert len({tuple(loaded.serve(video).numpy()[0]) for _ in range(30)}) == 2


def test_another_signature_may_be_asked_for(build, tmp_path):
    model, path = build("FrameLevelLogisticModel"), str(tmp_path / "saved")
    signature = {
        "video_matrix": keras.InputSpec(shape=(2, 4, 8), dtype="uint8"),
        "num_frames": keras.InputSpec(shape=(2,), dtype="int32"),
    }
    model.export(path, verbose=False, input_signature=[signature])
    frames = np.random.default_rng(0).integers(0, 256, (2, 4, 8), np.uint8)
    video = {"video_matrix": frames, "num_frames": np.array([4, 1], "int32")}
    loaded = tf.saved_model.load(path)
    received = loaded.serve({key: tf.constant(value) for key, value in video.items()})
    np.testing.assert_allclose(received, model(video), atol=1e-6)
