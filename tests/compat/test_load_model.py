"""`yt8m_models.load_model`: a trained model for use in Python."""

import subprocess
import sys
from pathlib import Path

import keras
import numpy as np
import pytest
import tensorflow as tf

import yt8m_models
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.quantization import dequantize
from yt8m_models.models import create_model
from yt8m_models.training.checkpoints import Checkpoints, restore_model
from yt8m_models.training.train_dir import record_model_flags

ROOT = Path(__file__).resolve().parents[2]
FRAMES = DataConfig(("rgb", "audio"), (6, 2), frame_features=True, num_classes=5)
VIDEOS = DataConfig(("mean_rgb",), (6,), num_classes=5)


def save_model(directory, config, data, step, seed, best=False):
    """A training directory with a checkpoint of fresh weights."""
    keras.utils.set_random_seed(seed)
    model = create_model(config, data)
    record_model_flags(str(directory), config, data, "CrossEntropyLoss")
    target = directory / "best" if best else directory
    counter = tf.Variable(step, dtype=tf.int64)
    Checkpoints(str(target), keep=5, model=model, step=counter).save(step)


@pytest.fixture(scope="module")
def train_dir(tmp_path_factory):
    """A frame-level model at steps 3 and 5, of which 3 is the best."""
    directory = tmp_path_factory.mktemp("model")
    config = ModelConfig("NetVLADModelLF", num_clusters=4, hidden_size=3, sample_random_frames=True)
    save_model(directory, config, FRAMES, step=3, seed=3)
    save_model(directory, config, FRAMES, step=3, seed=3, best=True)
    save_model(directory, config, FRAMES, step=5, seed=5)
    return str(directory)


@pytest.fixture(scope="module")
def inputs():
    """Quantised frames of three videos of 9, 4 and 0 frames, padded to 9."""
    frames = np.random.default_rng(0).integers(0, 256, (3, 9, 8), np.uint8)
    return {"video_matrix": frames, "num_frames": np.array([9, 4, 0], "int32")}


def dequantised(inputs):
    return {**inputs, "video_matrix": dequantize(inputs["video_matrix"]).astype("float32")}


def test_it_takes_dequantised_frames_and_returns_predictions(train_dir, inputs):
    model = yt8m_models.load_model(train_dir)
    assert isinstance(model, keras.Model)
    predictions = model(dequantised(inputs))
    assert (predictions.dtype, predictions.shape) == (tf.float32, (3, 5))
    expected = restore_model(train_dir).model(inputs, training=False)
    np.testing.assert_allclose(predictions, expected, rtol=1e-6)
    np.testing.assert_array_equal(model(dequantised(inputs)), predictions)


def test_it_takes_the_checkpoint_that_is_asked_for_or_the_best(train_dir, inputs, capsys):
    first, best, latest, default = (
        yt8m_models.load_model(train_dir, *checkpoint)(inputs).numpy()
        for checkpoint in ((0, f"{train_dir}/model.ckpt-3"), (0, "best"), (0, "latest"), ())
    )
    said = capsys.readouterr().out.splitlines()
    assert [line.split(" of ")[1].split(",")[0] for line in said] == [
        *("step 3", "step 3", "step 5", "step 3")
    ]
    assert said[3].endswith(f"the best by validation loss: {train_dir}/best/model.ckpt-3")
    np.testing.assert_array_equal(best, first)
    np.testing.assert_array_equal(best, default)
    assert np.abs(latest - first).max() > 1e-3


def test_frames_are_sampled_where_it_is_asked_for(train_dir, inputs):
    """A sample of one of two kinds of frames shows one kind alone."""
    frames = np.repeat(inputs["video_matrix"][:1, :2], [1, 3], axis=1)
    video = {"video_matrix": frames, "num_frames": np.array([4], "int32")}
    model = yt8m_models.load_model(train_dir, sample_frames=1)
    kinds = [
        yt8m_models.load_model(train_dir)(
            {"video_matrix": frames[:, [index]], "num_frames": np.array([1], "int32")}
        ).numpy()
        for index in (0, 3)
    ]
    seen = set()
    for _ in range(40):
        predictions = model(video).numpy()
        (kind,) = (n for n in (0, 1) if np.allclose(predictions, kinds[n], rtol=1e-5))
        seen.add(kind)
    assert seen == {0, 1}


def test_a_video_level_model(tmp_path):
    save_model(tmp_path, ModelConfig("MoeModel"), VIDEOS, step=1, seed=0)
    features = np.random.default_rng(0).normal(size=(2, 6)).astype("float32")
    predictions = yt8m_models.load_model(str(tmp_path))(
        {"video_matrix": features, "num_frames": np.ones(2, "int32")}
    )
    assert predictions.shape == (2, 5)
    with pytest.raises(ValueError, match=r"sample_frames needs a frame-level model; .*MoeModel"):
        yt8m_models.load_model(str(tmp_path), sample_frames=3)


def test_what_is_not_there(train_dir, tmp_path):
    with pytest.raises(ValueError, match=r"no model_flags.json in --train_dir=.*/none"):
        yt8m_models.load_model(str(tmp_path / "none"))
    with pytest.raises(ValueError, match=r"no checkpoint .*/model.ckpt-9"):
        yt8m_models.load_model(train_dir, checkpoint=f"{train_dir}/model.ckpt-9")
    with pytest.raises(ValueError, match="sample_frames must be at least 0; received -1"):
        yt8m_models.load_model(train_dir, sample_frames=-1)


def test_importing_the_package_imports_neither_tensorflow_nor_keras():
    code = (
        "import sys, yt8m_models\n"
        "assert callable(yt8m_models.load_model)\n"
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)
