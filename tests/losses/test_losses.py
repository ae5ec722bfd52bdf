"""The losses against NumPy in float64, on whichever backend Keras runs."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import keras
import numpy as np
import pytest
from keras import ops

import losses
from losses import CrossEntropyLoss, HingeLoss, SoftmaxLoss

ROOT = Path(__file__).resolve().parents[2]
PARITY = ROOT.parent / "shared" / "parity"
RECORDINGS = sorted(
    path.name
    for path in PARITY.glob("*.npz")
    if path.stem.startswith(("starter", "willow", "next"))
)
ABSENT = pytest.param("", marks=pytest.mark.skip(reason=f"no recordings in {PARITY}"))
ALL = [
    CrossEntropyLoss(),
    CrossEntropyLoss(epsilon=1e-3),
    CrossEntropyLoss(from_logits=True),
    CrossEntropyLoss(from_logits=True, epsilon=0.0),
    HingeLoss(),
    HingeLoss(b=0.5),
    SoftmaxLoss(),
]


def _id(loss):
    return "-".join([type(loss).__name__, *(str(v) for v in list(loss.get_config().values())[2:])])


def _inputs(loss, shape=(6, 9), seed=0, dtype="float32"):
    rng = np.random.default_rng(seed)
    labels = rng.random(shape) < 0.3
    labels[0] = False
    predictions = rng.random(shape)
    if getattr(loss, "from_logits", False):
        predictions = rng.normal(0, 4, shape)
    return labels, predictions.astype(dtype)


def _reference_terms(loss, labels, predictions):
    """The terms in float64, class by class."""
    p = np.asarray(predictions, np.float64)
    y = np.asarray(labels, np.float64)
    terms = np.zeros(p.shape)
    for video, c in np.ndindex(*p.shape):
        if isinstance(loss, HingeLoss):
            terms[video, c] = max(0.0, loss.b - (2 * y[video, c] - 1) * p[video, c])
        elif isinstance(loss, SoftmaxLoss):
            share = y[video, c] / max(y[video].sum(), 1e-7)
            terms[video, c] = -share * (p[video, c] - np.log(np.exp(p[video]).sum()))
        else:
            probability = 1 / (1 + np.exp(-p[video, c])) if loss.from_logits else p[video, c]
            terms[video, c] = -(
                y[video, c] * np.log(probability + loss.epsilon)
                + (1 - y[video, c]) * np.log(1 - probability + loss.epsilon)
            )
    return terms


def _value(tensor):
    return ops.convert_to_numpy(tensor)


@pytest.mark.parametrize("loss", ALL, ids=_id)
@pytest.mark.parametrize("weights", ["none", "label", "video", "video column"])
@pytest.mark.parametrize("shape", [(1, 1), (1, 7), (6, 9)])
def test_equals_the_reference(loss, weights, shape):
    labels, predictions = _inputs(loss, shape)
    rng = np.random.default_rng(1)
    sizes = {"label": shape, "video": shape[:1], "video column": (shape[0], 1)}
    terms = _reference_terms(loss, labels, predictions)
    sample_weight = None
    if weights != "none":
        sample_weight = rng.integers(0, 3, sizes[weights]).astype("float32")
        terms = terms * (sample_weight[:, None] if weights == "video" else sample_weight)
    expected = terms.sum(axis=1).mean()
    result = _value(loss(labels, predictions, sample_weight))
    assert result.shape == ()
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, expected, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("loss", ALL, ids=_id)
@pytest.mark.parametrize("label_dtype", ["bool", "uint8", "int32", "int64", "float32"])
@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32"])
def test_computes_in_float32_from_any_dtype(loss, label_dtype, dtype):
    labels, predictions = _inputs(loss)
    predictions = ops.cast(predictions, dtype)
    exact = _value(ops.cast(predictions, "float32"))
    result = loss(ops.cast(labels, label_dtype), predictions)
    assert keras.backend.standardize_dtype(result.dtype) == "float32"
    expected = _reference_terms(loss, labels, exact).sum(axis=1).mean()
    np.testing.assert_allclose(_value(result), expected, rtol=2e-6)


@pytest.mark.parametrize("loss", ALL, ids=_id)
def test_reductions(loss):
    labels, predictions = _inputs(loss)
    config = loss.get_config()
    expected = _reference_terms(loss, labels, predictions).sum(axis=1)
    for reduction, value in (("none", expected), ("sum", expected.sum())):
        reduced = type(loss).from_config({**config, "reduction": reduction})
        np.testing.assert_allclose(
            _value(reduced(labels, predictions)), value, rtol=2e-6, atol=1e-6
        )


def test_values_by_hand():
    labels, predictions = [[1, 0]], [[0.5, 0.5]]
    # 2 log 2, less what epsilon adds: 2 log(0.5 + 1e-5) = 2 (log 0.5 + 2e-5)
    assert float(CrossEntropyLoss()(labels, predictions)) == pytest.approx(2 * np.log(2) - 4e-5)
    # (1 - 0.5) + (1 + 0.5)
    assert float(HingeLoss()(labels, predictions)) == pytest.approx(2.0)
    # equal scores: softmax is one half
    assert float(SoftmaxLoss()(labels, predictions)) == pytest.approx(np.log(2))
    # two labels share the weight: (log 2 + log 2) / 2
    assert float(SoftmaxLoss()([[1, 1]], predictions)) == pytest.approx(np.log(2))
    # no label at all
    assert float(SoftmaxLoss()([[0, 0]], predictions)) == 0.0


@pytest.mark.parametrize("name", RECORDINGS or [ABSENT])
def test_cross_entropy_equals_the_recorded(name):
    recorded = np.load(PARITY / name)
    result = CrossEntropyLoss()(recorded["labels"], recorded["eval/predictions"])
    np.testing.assert_allclose(_value(result), recorded["eval/cross_entropy"], rtol=1e-5)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_label_weight_zero_leaves_a_pair_out(weight):
    labels, predictions = _inputs(None)
    loss = CrossEntropyLoss()
    label_weights = np.ones(labels.shape, "float32")
    label_weights[2, 3] = weight
    changed = predictions.copy()
    changed[2, 3] = 1 - changed[2, 3]
    same = np.allclose(
        _value(loss(labels, predictions, label_weights)),
        _value(loss(labels, changed, label_weights)),
    )
    assert same == (weight == 0)


@pytest.mark.parametrize("logit", [-200.0, -60.0, -20.0, 0.0, 20.0, 60.0, 200.0])
@pytest.mark.parametrize("label", [0, 1])
def test_logits_lose_no_digits(logit, label):
    # Exactly: softplus(-z) for a label, softplus(z) otherwise; z itself far out.
    expected = np.logaddexp(0, -logit if label else logit)
    exact = CrossEntropyLoss(from_logits=True, epsilon=0.0)([[label]], [[logit]])
    np.testing.assert_allclose(_value(exact), expected, rtol=1e-6, atol=1e-37)
    probability = 1 / (1 + np.exp(np.float64(-logit if label else logit)))
    starter = float(CrossEntropyLoss(from_logits=True)([[label]], [[logit]]))
    assert starter == pytest.approx(-np.log(probability + 1e-5), rel=2e-6, abs=2e-7)


def test_certain_predictions_stay_finite():
    result = CrossEntropyLoss()([[1, 0, 1, 0]], [[0.0, 1.0, 1.0, 0.0]])
    assert float(result) == pytest.approx(-2 * np.log(1e-5), rel=1e-4)
    assert np.isfinite(float(SoftmaxLoss()([[1, 0]], [[-1e4, 1e4]])))


@pytest.mark.parametrize("loss", ALL, ids=_id)
def test_config_and_serialization_round_trip(loss):
    labels, predictions = _inputs(loss)
    for copy in (
        type(loss).from_config(loss.get_config()),
        keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss)),
    ):
        assert type(copy) is type(loss)
        assert copy.get_config() == loss.get_config()
        assert float(copy(labels, predictions)) == float(loss(labels, predictions))


@pytest.mark.parametrize("loss", ALL, ids=_id)
def test_same_when_compiled(loss):
    labels, predictions = _inputs(loss)
    weights = np.random.default_rng(2).integers(0, 2, labels.shape).astype("float32")
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        compiled = tf.function(loss, jit_compile=True)
    elif keras.backend.backend() == "jax":
        import jax

        compiled = jax.jit(lambda *arguments: loss(*arguments))
    else:
        pytest.skip(f"no compiler is tested for {keras.backend.backend()}")
    tensors = [ops.convert_to_tensor(array) for array in (labels, predictions, weights)]
    np.testing.assert_allclose(
        _value(compiled(*tensors)), _value(loss(labels, predictions, weights)), rtol=1e-6
    )


@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize("loss", [CrossEntropyLoss(), HingeLoss(), SoftmaxLoss()], ids=_id)
def test_trains_in_fit(loss, weighted):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(64, 5)).astype("float32")
    labels = features @ rng.normal(size=(5, 4)) > 0
    weights = rng.integers(0, 2, labels.shape).astype("float32") if weighted else None
    model = keras.Sequential([keras.Input((5,)), keras.layers.Dense(4, activation="sigmoid")])
    model.compile(optimizer=keras.optimizers.Adam(0.05), loss=loss)
    before = float(loss(labels, model(features), weights))
    assert model.evaluate(
        features, labels, sample_weight=weights, batch_size=64, verbose=0
    ) == pytest.approx(before, rel=1e-5)
    model.fit(features, labels, sample_weight=weights, epochs=5, batch_size=16, verbose=0)
    assert float(loss(labels, model(features), weights)) < before


@pytest.mark.parametrize(
    ("labels", "predictions", "weights", "name"),
    [
        ((4, 3), (4, 5), None, "labels"),
        ((4, 1), (4, 5), None, "labels"),
        ((4,), (4, 5), None, "labels"),
        ((4, 5), (4, 5), (4, 3), "label_weights"),
        ((4, 5), (4, 5), (3, 5), "label_weights"),
    ],
)
def test_refuses_other_shapes(labels, predictions, weights, name):
    weights = None if weights is None else np.ones(weights, "float32")
    with pytest.raises(ValueError, match=rf"{name} and predictions must both .* received \("):
        CrossEntropyLoss()(np.ones(labels), np.ones(predictions), weights)


@pytest.mark.parametrize(("epsilon", "from_logits"), [(-1.0, True), (-1.0, False), (0.0, False)])
def test_refuses_epsilon(epsilon, from_logits):
    with pytest.raises(ValueError, match=f"epsilon must be positive.*epsilon={epsilon}"):
        CrossEntropyLoss(epsilon=epsilon, from_logits=from_logits)


@pytest.mark.parametrize("name", losses.NAMES)
def test_get(name):
    assert type(losses.get(name)).__name__ == name


@pytest.mark.parametrize(
    ("name", "nearest"), [("crossentropyloss", "CrossEntropyLoss"), ("HingLoss", "HingeLoss")]
)
def test_get_names_the_nearest(name, nearest):
    with pytest.raises(ValueError, match=f"unknown loss '{name}': did you mean {nearest}"):
        losses.get(name)


def test_get_lists_all_names():
    with pytest.raises(ValueError, match=r"unknown loss 'x': \(one of CrossEntropyLoss, HingeLoss"):
        losses.get("x")


@pytest.mark.skipif(find_spec("jax") is None, reason="jax is not installed (extra `jax`)")
def test_runs_on_jax_without_tensorflow():
    program = (
        "import sys, losses\n"
        "value = float(losses.get('HingeLoss')([[1, 0]], [[0.5, 0.5]]))\n"
        "assert value == 2.0, value\n"
        "assert 'tensorflow' not in sys.modules\n"
    )
    environment = {**os.environ, "KERAS_BACKEND": "jax"}
    subprocess.run([sys.executable, "-c", program], cwd=ROOT, env=environment, check=True)
