"""Tests of yt8m_models.training.checkpoints."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.layers import context_gating, frame_projection
from yt8m_models.models import create_model, frame_level
from yt8m_models.training.checkpoints import Checkpoints, restore_model
from yt8m_models.training.optimizers import create_optimizer
from yt8m_models.training.pretrained import take_weights
from yt8m_models.training.train_dir import checkpoint_paths, record_model_flags

MODEL = ModelConfig("MoeModel")
DATA = DataConfig(("mean_rgb",), (8,), num_classes=3)
FRAMES = DataConfig(("rgb",), (8,), num_classes=3, frame_features=True)
DSGMM = ModelConfig("DSGMMModel", num_clusters=4, hidden_size=4)


def steps(directory):
    return [int(path.rsplit("-", 1)[1]) for path in checkpoint_paths(str(directory))]


def saved(directory, values, keep=5):
    """Checkpoints of one variable, one for each value, at steps 10, 20, …"""
    variable = tf.Variable(0.0)
    checkpoints = Checkpoints(str(directory), keep, value=variable)
    for number, value in enumerate(values, start=1):
        variable.assign(value)
        checkpoints.save(10 * number)
    return checkpoints, variable


def damage(path, kind):
    """Damages a checkpoint as a full disk or a crash would."""
    index, data = f"{path}.index", f"{path}.data-00000-of-00001"
    if kind == "no data":
        tf.io.gfile.remove(data)
        return
    name = index if "index" in kind else data
    with open(name, "rb") as file:
        content = bytearray(file.read())
    if "half" in kind:
        content = content[: len(content) // 2]
    elif "empty" in kind:
        content = b""
    else:
        content[2] ^= 0xFF
    with open(name, "wb") as file:
        file.write(content)


DAMAGES = ("half index", "empty index", "half data", "empty data", "flipped data", "no data")


def test_without_checkpoints_nothing_is_restored(tmp_path):
    assert checkpoint_paths(str(tmp_path / "missing")) == []
    assert Checkpoints(str(tmp_path), 5, value=tf.Variable(1.0)).restore_latest() is None


def test_the_latest_are_kept_and_listed(tmp_path):
    saved(tmp_path, [1, 2, 3, 4], keep=2)
    assert steps(tmp_path) == [30, 40]
    assert tf.train.latest_checkpoint(str(tmp_path)) == str(tmp_path / "model.ckpt-40")
    state = tf.train.get_checkpoint_state(str(tmp_path))
    assert [path.rsplit("-")[-1] for path in state.all_model_checkpoint_paths] == ["30", "40"]


def test_steps_are_ordered_as_numbers(tmp_path):
    checkpoints, _ = saved(tmp_path, range(12))
    assert steps(tmp_path) == [80, 90, 100, 110, 120]
    assert checkpoints.restore_latest().endswith("model.ckpt-120")


@pytest.mark.parametrize("kind", DAMAGES)
def test_a_damaged_checkpoint_falls_back_to_the_one_before(tmp_path, kind, caplog):
    checkpoints, variable = saved(tmp_path, [1.0, 2.0])
    variable.assign(0.0)
    damage(str(tmp_path / "model.ckpt-20"), kind)
    assert checkpoints.restore_latest() == str(tmp_path / "model.ckpt-10")
    assert variable.numpy() == 1.0
    assert "model.ckpt-20 cannot be read, trying another" in caplog.text


def test_if_all_are_damaged_each_is_named(tmp_path):
    checkpoints, _ = saved(tmp_path, [1.0, 2.0])
    for step in (10, 20):
        damage(str(tmp_path / f"model.ckpt-{step}"), "half data")
    with pytest.raises(ValueError, match="can be read") as error:
        checkpoints.restore_latest()
    assert "model.ckpt-10" in str(error.value)
    assert "model.ckpt-20" in str(error.value)


def test_saving_removes_unfinished_and_later_ones(tmp_path):
    checkpoints, _ = saved(tmp_path, [1.0, 2.0, 3.0])
    (tmp_path / "model.ckpt-40.data-00000-of-00001").write_bytes(b"unfinished")
    (tmp_path / "model.ckpt-50_temp").mkdir()
    (tmp_path / "model.ckpt-50_temp" / "part-00000-of-00001.index").write_bytes(b"unfinished")
    (tmp_path / "notes.txt").write_text("mine")
    assert checkpoints.restore_latest().endswith("-30")
    checkpoints.save(25)
    assert steps(tmp_path) == [10, 20, 25]
    names = {path.name for path in tmp_path.iterdir()}
    assert {"checkpoint", "notes.txt"} <= names
    assert not {name for name in names if "-40" in name or "-50" in name or "-30" in name}


@pytest.fixture
def trained(tmp_path):
    """A training directory with two checkpoints and a best one, and predictions of the models."""
    train_dir = str(tmp_path)
    record_model_flags(train_dir, MODEL, DATA, "HingeLoss")
    model = create_model(MODEL, DATA)
    step = tf.Variable(0, dtype=tf.int64)
    inputs = {
        "video_matrix": tf.constant(np.random.default_rng(0).normal(size=(4, 8)), tf.float32),
        "num_frames": tf.ones(4, tf.int32),
    }
    optimizer = create_optimizer("AdamOptimizer", 0.1)
    optimizer.build(model.trainable_variables)
    checkpoints = Checkpoints(train_dir, 5, model=model, Adam=optimizer, step=step)
    best = Checkpoints(str(tmp_path / "best"), 1, model=model, step=step)
    predictions = {}
    for number in (10, 20):
        for variable in model.trainable_variables:
            variable.assign(keras.random.normal(variable.shape, seed=number))
        step.assign(number)
        predictions[number] = model(inputs).numpy()
        checkpoints.save(number)
        if number == 10:
            best.save(number)
    return tmp_path, inputs, predictions


@pytest.mark.parametrize(
    ("checkpoint", "step"),
    [
        ("auto", 10),
        ("latest", 20),
        ("best", 10),
        ("{}/model.ckpt-10", 10),
        ("{}/model.ckpt-20.index", 20),
    ],
)
def test_a_restored_model_predicts_the_same(trained, checkpoint, step):
    directory, inputs, predictions = trained
    restored = restore_model(str(directory), checkpoint.format(directory))
    assert restored.step == step
    assert restored.path.endswith(f"model.ckpt-{step}")
    assert restored.label_loss == "HingeLoss"
    assert restored.model_config == MODEL.resolved()
    assert restored.data_config == DATA
    np.testing.assert_array_equal(restored.model(inputs).numpy(), predictions[step])


def test_restoring_what_is_not_there(trained):
    directory = trained[0]
    with pytest.raises(ValueError, match=r"no checkpoint .*model\.ckpt-30"):
        restore_model(str(directory), f"{directory}/model.ckpt-30")
    with pytest.raises(ValueError, match="nothing was trained there"):
        restore_model(str(directory / "best"))
    tf.io.gfile.rmtree(str(directory / "best"))
    with pytest.raises(ValueError, match=r"no checkpoint in .*best"):
        restore_model(str(directory), "best")
    for path in directory.glob("model.ckpt-*"):
        path.unlink()
    with pytest.raises(ValueError, match=rf"no checkpoint in {directory} "):
        restore_model(str(directory))


def test_without_validation_the_latest_is_the_default_and_each_says_which_it_is(trained):
    directory, inputs, predictions = trained
    best = restore_model(str(directory))
    assert best.step == 10
    name = MODEL.model
    path = f"{directory}/best/model.ckpt-10"
    assert best.described() == f"{name} of step 10, the best by validation loss: {path}"
    tf.io.gfile.rmtree(str(directory / "best"))
    latest = restore_model(str(directory))
    np.testing.assert_array_equal(latest.model(inputs).numpy(), predictions[20])
    assert latest.described() == f"{name} of step 20, {directory}/model.ckpt-20"


def test_a_best_checkpoint_that_is_damaged_gives_way_to_the_latest(trained, caplog):
    directory = trained[0]
    (data,) = (directory / "best").glob("*.data*")
    data.write_bytes(data.read_bytes()[:-20])
    assert restore_model(str(directory)).step == 20
    assert "best/model.ckpt-10 cannot be read" in caplog.text


def test_the_state_of_another_optimizer_is_refused(trained):
    model = create_model(MODEL, DATA)
    optimizer = create_optimizer("MomentumOptimizer", 0.1)
    optimizer.build(model.trainable_variables)
    with pytest.raises(ValueError, match="another model or --optimizer"):
        Checkpoints(str(trained[0]), 5, model=model, Momentum=optimizer).restore_latest()


def test_an_optimizer_that_no_checkpoint_has_stays_as_it_is(tmp_path):
    """As after an import; and so does whatever else is missing, but not what is there."""
    weight, other = tf.Variable([1.0]), tf.Variable(3.0)
    Checkpoints(str(tmp_path), 5, model=weight).save(7)
    weight.assign([2.0])
    optimizer = create_optimizer("MomentumOptimizer", 0.1)
    optimizer.build([keras.Variable([1.0])])
    optimizer.iterations.assign(4)
    checkpoints = Checkpoints(
        str(tmp_path), 5, optimizer="Momentum", model=weight, Momentum=optimizer, other=other
    )
    assert checkpoints.restore_latest() == f"{tmp_path}/model.ckpt-7"
    assert (weight.numpy(), other.numpy(), optimizer.iterations.numpy()) == (1.0, 3.0, 4)
    optimizer.iterations.assign(5)
    checkpoints.save(8)
    optimizer.iterations.assign(6)
    assert checkpoints.restore_latest() == f"{tmp_path}/model.ckpt-8"
    assert optimizer.iterations.numpy() == 5


@pytest.fixture
def write_earlier(monkeypatch):
    """`write_earlier(write)`: the model that is given to `write`, with layers of earlier versions.

    They had the batch normalisation of Keras, which knows no moving weight.
    """

    def keras_layer(decay=0.999, **kwargs):
        return keras.layers.BatchNormalization(momentum=decay, epsilon=1e-3, **kwargs)

    def build_and_write(write):
        with monkeypatch.context() as patch:
            for module in (frame_level, context_gating, frame_projection):
                patch.setattr(module, "BatchNormalization", keras_layer)
            model = create_model(DSGMM, FRAMES)
        for number, weight in enumerate(model.weights):
            weight.assign(keras.random.uniform(weight.shape, 0.5, 1.5, seed=number))
        optimizer = create_optimizer("AdamOptimizer", 0.1)
        optimizer.build(model.trainable_variables)
        optimizer.iterations.assign(7)
        write(model, optimizer)
        return model

    return build_and_write


def assert_is(model, earlier):
    """Of the same weights; the moving statistics are settled."""
    moving_weights = [weight for weight in model.weights if weight.name == "moving_weight"]
    assert [weight.numpy() for weight in moving_weights] == [1] * 4  # input, assignment, two gates
    kept = [weight for weight in model.weights if weight.name != "moving_weight"]
    for weight, expected in zip(kept, earlier.weights, strict=True):
        assert weight.name == expected.name
        np.testing.assert_array_equal(weight, expected, weight.path)


def test_weights_taken_from_earlier_versions_are_settled_too(write_earlier, tmp_path):
    def write(model, optimizer):
        Checkpoints(str(tmp_path), 5, model=model).save(7)

    earlier = write_earlier(write)
    model = create_model(DSGMM, FRAMES)
    take_weights(model, str(tmp_path))
    assert_is(model, earlier)


def test_moving_statistics_of_earlier_versions_are_settled(write_earlier, tmp_path):
    earlier = write_earlier(
        lambda model, optimizer: Checkpoints(
            str(tmp_path), 5, optimizer="Adam", model=model, Adam=optimizer
        ).save(7)
    )
    model = create_model(DSGMM, FRAMES)
    optimizer = create_optimizer("AdamOptimizer", 0.1)
    optimizer.build(model.trainable_variables)
    checkpoints = Checkpoints(str(tmp_path), 5, optimizer="Adam", model=model, Adam=optimizer)
    assert checkpoints.restore_latest() == f"{tmp_path}/model.ckpt-7"
    assert_is(model, earlier)
    assert optimizer.iterations.numpy() == 7

    # What is saved now has the weights, which are restored as they are.
    model.input_batch_norm.moving_weight.assign(0.25)
    checkpoints.save(8)
    again = create_model(DSGMM, FRAMES)
    Checkpoints(str(tmp_path), 5, model=again).restore_latest()
    for weight, expected in zip(again.weights, model.weights, strict=True):
        np.testing.assert_array_equal(weight, expected, weight.path)


def test_a_training_directory_of_earlier_versions(write_earlier, tmp_path):
    record_model_flags(str(tmp_path), DSGMM, FRAMES, "CrossEntropyLoss")
    step = tf.Variable(7, dtype=tf.int64)
    earlier = write_earlier(
        lambda model, _: Checkpoints(str(tmp_path), 5, model=model, step=step).save(7)
    )
    restored = restore_model(str(tmp_path))
    assert restored.step == 7
    assert_is(restored.model, earlier)
    videos = {
        "video_matrix": np.random.default_rng(0).integers(0, 256, (4, 5, 8)).astype("uint8"),
        "num_frames": np.array([5, 2, 4, 0], "int32"),
    }
    np.testing.assert_allclose(restored.model(videos), earlier(videos), rtol=1e-5)


def test_a_keras_file_of_earlier_versions(write_earlier, tmp_path):
    path = str(tmp_path / "model.keras")
    earlier = write_earlier(lambda model, _: model.save(path))
    assert_is(keras.saving.load_model(path), earlier)


def test_another_model_of_earlier_versions_is_refused(write_earlier, tmp_path):
    write_earlier(lambda model, _: Checkpoints(str(tmp_path), 5, model=model).save(7))
    other = ModelConfig("DSGMMModel", num_clusters=4, hidden_size=4, hidden_activation="relu6")
    checkpoints = Checkpoints(str(tmp_path), 5, model=create_model(other, FRAMES))
    with pytest.raises(ValueError, match=r"model\.ckpt-7 is of another model or --optimizer"):
        checkpoints.restore_latest()
