"""The triplet losses against NumPy in float64, on whichever backend Keras runs."""

import math

import keras
import numpy as np
import pytest
from keras import ops

import losses
from losses import TripletExponentialLoss, TripletHingeLoss, TripletLogLoss

CLASSES = [TripletHingeLoss, TripletLogLoss, TripletExponentialLoss]
ALL = [cls(margin) for cls in CLASSES for margin in (0.0, 0.5)]


def _id(loss):
    return f"{type(loss).__name__}-{loss.margin}"


def _distances(size=9, seed=0):
    """Squared distances, between 0 and 4 as those of embeddings of length 1."""
    return np.random.default_rng(seed).uniform(0, 4, (2, size)).astype("float32")


def _reference_terms(loss, positive, negative):
    """The losses in float64, triplet by triplet."""
    terms = []
    for nearer, further in zip(positive.tolist(), negative.tolist(), strict=True):
        violation = nearer - further + loss.margin
        if isinstance(loss, TripletHingeLoss):
            terms.append(max(0.0, violation))
        elif isinstance(loss, TripletLogLoss):
            terms.append(math.log(1 + math.exp(violation)))
        else:
            terms.append(math.exp(violation))
    return np.array(terms)


@pytest.mark.parametrize("loss", ALL, ids=_id)
@pytest.mark.parametrize("size", [1, 9])
@pytest.mark.parametrize("weighted", [False, True])
def test_equals_the_reference(loss, size, weighted):
    positive, negative = _distances(size)
    weights = np.random.default_rng(1).uniform(0, 2, size).astype("float32") if weighted else None
    terms = _reference_terms(loss, positive, negative) * (weights if weighted else 1)
    result = ops.convert_to_numpy(loss(positive, negative, weights))
    assert result.shape == ()
    assert result.dtype == np.float32
    np.testing.assert_allclose(result, terms.mean(), rtol=2e-6, atol=1e-6)


def test_values_by_hand():
    # Violations with margin 0.5: 1 - 0.75 + 0.5 = 0.75, 0 - 2 + 0.5 = -1.5.
    positive, negative = [1.0, 0.0], [0.75, 2.0]
    assert float(TripletHingeLoss(0.5)(positive, negative)) == 0.75 / 2
    assert float(TripletHingeLoss(0.5)(positive, negative, mask=[True, False])) == 0.75
    expected = (math.log(1 + math.exp(0.75)) + math.log(1 + math.exp(-1.5))) / 2
    assert float(TripletLogLoss(0.5)(positive, negative)) == pytest.approx(expected, rel=1e-6)
    expected = (math.exp(0.75) + math.exp(-1.5)) / 2
    assert float(TripletExponentialLoss(0.5)(positive, negative)) == pytest.approx(expected)


@pytest.mark.parametrize("loss", ALL, ids=_id)
@pytest.mark.parametrize("weighted", [False, True])
def test_the_mask_leaves_triplets_out(loss, weighted, input_gradients):
    """Also those whose distances are not numbers, and also out of the number of triplets."""
    positive, negative = _distances()
    mask = np.arange(9) % 3 > 0
    weights = np.random.default_rng(1).uniform(0, 2, 9).astype("float32") if weighted else None
    terms = (_reference_terms(loss, positive, negative) * (weights if weighted else 1))[mask]
    positive[0], negative[3] = np.nan, np.inf
    config = loss.get_config()
    expected = {
        "sum_over_batch_size": terms.mean(),
        "sum": terms.sum(),
        "none": np.bincount(np.flatnonzero(mask), terms, 9),
    }
    for reduction, value in expected.items():
        reduced = type(loss).from_config({**config, "reduction": reduction})
        result = ops.convert_to_numpy(reduced(positive, negative, weights, mask=mask))
        np.testing.assert_allclose(result, value, rtol=2e-6, atol=1e-6)
    for gradient in input_gradients(loss, positive, negative, mask=mask):
        assert np.isfinite(gradient).all()
        assert not gradient[~mask].any()


@pytest.mark.parametrize("loss", ALL, ids=_id)
def test_no_triplet_at_all_costs_nothing(loss, input_gradients):
    positive, negative = _distances()
    nothing = np.zeros(9, bool)
    assert float(loss(positive, negative, mask=nothing)) == 0
    for gradient in input_gradients(loss, positive, negative, mask=nothing):
        assert not gradient.any()


@pytest.mark.parametrize("loss", ALL, ids=_id)
def test_gradients(loss, input_gradients):
    """The derivative for d_ap, minus that for d_an, by hand; nine triplets share it."""
    positive, negative = _distances()
    violations = positive.astype("float64") - negative + loss.margin
    derivative = {
        TripletHingeLoss: (violations > 0).astype("float64"),
        TripletLogLoss: 1 / (1 + np.exp(-violations)),
        TripletExponentialLoss: np.exp(violations),
    }[type(loss)]
    nearer, further = input_gradients(loss, positive, negative)
    np.testing.assert_allclose(nearer, derivative / 9, rtol=1e-5)
    np.testing.assert_allclose(further, -derivative / 9, rtol=1e-5)


def test_large_violations():
    """The logistic loss is linear there, where the exponential overflows."""
    assert float(TripletLogLoss(0.0)([1000.0], [0.0])) == 1000.0
    assert float(TripletLogLoss(0.0)([0.0], [1000.0])) == 0.0
    assert float(TripletExponentialLoss(0.0)([88.0], [0.0])) == pytest.approx(
        math.exp(88), rel=1e-5
    )


@pytest.mark.parametrize("loss", ALL, ids=_id)
@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_computes_in_float32(loss, dtype):
    positive, negative = (ops.cast(values, dtype) for values in _distances())
    exact = [ops.convert_to_numpy(ops.cast(values, "float32")) for values in (positive, negative)]
    result = loss(positive, negative)
    assert keras.backend.standardize_dtype(result.dtype) == "float32"
    expected = _reference_terms(loss, *exact).mean()
    np.testing.assert_allclose(ops.convert_to_numpy(result), expected, rtol=2e-6)


@pytest.mark.parametrize("loss", ALL, ids=_id)
def test_config_and_serialization_round_trip(loss):
    for copy in (
        type(loss).from_config(loss.get_config()),
        keras.saving.deserialize_keras_object(keras.saving.serialize_keras_object(loss)),
    ):
        assert type(copy) is type(loss)
        assert copy.get_config() == loss.get_config()
        assert float(copy(*_distances())) == float(loss(*_distances()))


@pytest.mark.parametrize("loss", ALL, ids=_id)
def test_same_when_compiled(loss):
    positive, negative = _distances()
    mask = np.arange(9) > 2
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        compiled = tf.function(loss, jit_compile=True)
    elif keras.backend.backend() == "jax":
        import jax

        compiled = jax.jit(lambda *arguments, **named: loss(*arguments, **named))
    else:
        pytest.skip(f"no compiler is tested for {keras.backend.backend()}")
    tensors = [ops.convert_to_tensor(array) for array in (positive, negative)]
    np.testing.assert_allclose(
        ops.convert_to_numpy(compiled(*tensors, mask=ops.convert_to_tensor(mask))),
        ops.convert_to_numpy(loss(positive, negative, mask=mask)),
        rtol=1e-6,
    )


@pytest.mark.parametrize("cls", CLASSES)
@pytest.mark.parametrize("margin", [-0.1, float("inf"), float("nan")])
def test_refuses_margins(cls, margin):
    with pytest.raises(ValueError, match=f"margin must be at least 0 and finite; .* {margin}"):
        cls(margin)


@pytest.mark.parametrize(
    ("positive", "negative", "mask", "message"),
    [
        ((4,), (5,), None, r"distances of negatives must .* received \(4,\) and \(5,\)"),
        ((4,), (4, 1), None, r"distances of negatives must .* received \(4,\) and \(4, 1\)"),
        ((4, 4), (4, 4), None, r"distances of negatives must .* received \(4, 4\)"),
        ((4,), (4,), (3,), r"mask must .* received \(4,\) and \(3,\)"),
        ((4,), (4,), (4, 1), r"mask must .* received \(4,\) and \(4, 1\)"),
    ],
)
def test_refuses_other_shapes(positive, negative, mask, message):
    mask = None if mask is None else np.ones(mask, bool)
    with pytest.raises(ValueError, match=message):
        TripletHingeLoss()(np.ones(positive), np.ones(negative), mask=mask)


@pytest.mark.parametrize("name", losses.TRIPLET_NAMES)
def test_get_triplet(name):
    loss = losses.get_triplet(name, margin=0.7)
    assert (type(loss).__name__, loss.margin) == (name, 0.7)
    assert type(loss)().margin == 0.2


def test_get_triplet_names_the_nearest():
    with pytest.raises(ValueError, match="unknown loss 'triplethinge': did you mean TripletHinge"):
        losses.get_triplet("triplethinge", 0.5)
    with pytest.raises(ValueError, match=r"unknown loss 'x': \(one of TripletHingeLoss, Triplet"):
        losses.get_triplet("x", 0.5)
    with pytest.raises(ValueError, match="margin must be"):
        losses.get_triplet("TripletLogLoss", -1.0)
