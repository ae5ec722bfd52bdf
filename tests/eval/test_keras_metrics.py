"""The Keras metrics against the exact ones, on whichever backend Keras runs."""

import keras
import numpy as np
import pytest
from keras import ops

from eval import metrics
from eval.keras_metrics import GAP, MAP, PERR, HitAtOne
from losses import CrossEntropyLoss

CLASSES = 50
EXACT = {
    "hit_at_one": metrics.hit_at_one,
    "perr": metrics.perr,
    "gap": lambda p, y, w=None: metrics.gap(p, y, 20, w),
    "map": lambda p, y, w=None: metrics.mean_average_precision(p, y, 20, w),
}
# The bins hide the order of close scores; Hit@1 and PERR are exact up to float32.
TOLERANCE = {"hit_at_one": 1e-6, "perr": 1e-6, "gap": 1e-4, "map": 5e-3}


def _all_metrics():
    return [HitAtOne(), PERR(), GAP(), MAP(CLASSES)]


def _videos(num_videos=400, seed=0):
    """Predictions of a fair model, and two videos without labels."""
    rng = np.random.default_rng(seed)
    labels = rng.random((num_videos, CLASSES)) < 0.06
    labels[:2] = False
    logits = rng.normal(-4, 2, labels.shape) + labels * rng.normal(3, 2, labels.shape)
    return (1 / (1 + np.exp(-logits))).astype("float32"), labels


@pytest.mark.parametrize("metric", _all_metrics(), ids=lambda metric: metric.name)
def test_close_to_the_exact_metric(metric):
    predictions, labels = _videos()
    for start in range(0, 400, 150):
        batch = slice(start, start + 150)
        metric.update_state(labels[batch], predictions[batch])
    exact = EXACT[metric.name](predictions, labels)
    assert float(metric.result()) == pytest.approx(exact, abs=TOLERANCE[metric.name])
    metric.reset_state()
    assert float(metric.result()) == 0.0


@pytest.mark.parametrize("metric", _all_metrics(), ids=lambda metric: metric.name)
@pytest.mark.parametrize("kind", ["video", "pair"])
def test_weight_zero_leaves_out(metric, kind):
    metric.reset_state()
    predictions, labels = _videos(seed=1)
    rng = np.random.default_rng(2)
    weights = rng.integers(0, 2, labels.shape[:1] if kind == "video" else labels.shape)
    metric.update_state(labels, predictions, sample_weight=weights.astype("float32"))
    pairs = np.broadcast_to(weights[:, None] if kind == "video" else weights, labels.shape)
    exact = EXACT[metric.name](predictions, labels, pairs)
    assert float(metric.result()) == pytest.approx(exact, abs=TOLERANCE[metric.name])


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
@pytest.mark.parametrize("label_dtype", ["bool", "int64"])
def test_dtypes(dtype, label_dtype):
    predictions, labels = _videos(50)
    low = ops.cast(predictions, dtype)
    exact = ops.convert_to_numpy(ops.cast(low, "float32"))
    for metric in (HitAtOne(), PERR()):
        metric.update_state(ops.cast(labels, label_dtype), low)
        expected = EXACT[metric.name](exact, labels)
        assert float(metric.result()) == pytest.approx(expected, abs=1e-6)


def test_more_bins_are_closer():
    predictions, labels = _videos(seed=3)
    exact = metrics.gap(predictions, labels)
    errors = []
    for num_bins in (16, 256, 16384):
        metric = GAP(num_bins=num_bins)
        metric.update_state(labels, predictions)
        errors.append(abs(float(metric.result()) - exact))
    assert errors[0] > 10 * errors[1] > 10 * errors[2]


def test_gap_of_separate_bins_is_exact():
    predictions = np.array([[0.9, 0.8, 0.1], [0.2, 0.3, 0.7]], "float32")
    labels = np.array([[0, 1, 1], [1, 0, 1]])
    metric = GAP(top_k=2)
    metric.update_state(labels, predictions)
    # Top 2, pooled: 0.9 wrong, 0.8 right (1/2), 0.7 right (2/3), 0.3 wrong; four positives.
    assert float(metric.result()) == pytest.approx((1 / 2 + 2 / 3) / 4)


def test_the_outermost_bins_are_told_apart():
    metric = GAP(num_bins=2)
    metric.update_state(np.array([[0, 1]]), np.array([[0.9, 0.1]], "float32"))
    assert float(metric.result()) == pytest.approx(1 / 2)


@pytest.mark.parametrize(
    ("metric", "expected"),
    [
        (HitAtOne(), 1.0),
        # An entry at 0 is not retrieved: one of the second video's two labels.
        (PERR(), (1 + 1 / 2) / 2),
        # Two hits at 1, then one hit and three misses at 0: (2 + 2/2) / (2 + 5/2) for the hit.
        (GAP(), (2 + 3 / 4.5) / 3),
        # Both entries of class 0 are hits, the first of class 1 is; class 2 has no positive.
        (MAP(3), 1.0),
    ],
    ids=lambda value: getattr(value, "name", ""),
)
def test_certain_predictions(metric, expected):
    predictions = np.array([[1.0, 0.0, 0.0], [0.0, 1.0, 0.0]], "float32")
    metric.update_state(np.array([[1, 0, 0], [1, 1, 0]]), predictions)
    assert float(metric.result()) == pytest.approx(expected)


@pytest.mark.parametrize("jit_compile", [False, pytest.param(True, marks=pytest.mark.slow)])
def test_in_fit_and_evaluate(jit_compile):
    keras.utils.set_random_seed(0)
    rng = np.random.default_rng(0)
    features = rng.normal(size=(96, 8)).astype("float32")
    labels = features @ rng.normal(size=(8, CLASSES)) > 4
    model = keras.Sequential([keras.Input((8,)), keras.layers.Dense(CLASSES, activation="sigmoid")])
    model.compile(
        optimizer="adam",
        loss=CrossEntropyLoss(),
        metrics=_all_metrics(),
        weighted_metrics=[HitAtOne(name="rated_hit")],
        jit_compile=jit_compile,
    )
    model.fit(features, labels, batch_size=32, epochs=1, verbose=0)
    results = model.evaluate(features, labels, batch_size=32, return_dict=True, verbose=0)
    predictions = model.predict(features, verbose=0)
    for name in EXACT:
        exact = EXACT[name](predictions, labels)
        assert results[name] == pytest.approx(exact, abs=TOLERANCE[name]), name
    assert results["rated_hit"] == pytest.approx(results["hit_at_one"])


@pytest.mark.parametrize("metric", _all_metrics(), ids=lambda metric: metric.name)
def test_config_round_trip(metric):
    serialized = keras.saving.serialize_keras_object(metric)
    copy = keras.saving.deserialize_keras_object(serialized)
    assert type(copy) is type(metric)
    assert copy.get_config() == metric.get_config()


@pytest.mark.parametrize("metric", _all_metrics(), ids=lambda metric: metric.name)
def test_refuses_other_shapes(metric):
    with pytest.raises(ValueError, match=r"labels and predictions must .* received \(4, 3\)"):
        metric.update_state(np.ones((4, 3)), np.ones((4, CLASSES)))


def test_defaults():
    assert GAP().get_config() == {"name": "gap", "top_k": 20, "num_bins": 16384}
    expected = {"name": "map", "top_k": 20, "num_bins": 512, "num_classes": 3}
    assert MAP(3).get_config() == expected


def test_map_refuses_another_number_of_classes():
    with pytest.raises(ValueError, match="num_classes = 3 columns; received 4"):
        MAP(3).update_state(np.ones((2, 4)), np.ones((2, 4)))


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (lambda: GAP(top_k=0), "top_k must be at least 1; received 0"),
        (lambda: GAP(num_bins=0), "num_bins must be at least 1; received 0"),
        (lambda: MAP(0), "num_classes must be at least 1; received 0"),
    ],
)
def test_refuses_bad_arguments(build, message):
    with pytest.raises(ValueError, match=message):
        build()
