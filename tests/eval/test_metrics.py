"""The metrics against recordings of the starter code, hand-made rankings and slow loops."""

import inspect
import itertools
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.metrics import LoopMetrics
from eval import metrics, retrieval
from eval.evaluation_metrics import EvaluationMetrics
from eval.ranking import best_first

PARITY = Path(__file__).resolve().parents[2].parent / "shared" / "parity" / "metrics.npz"
METRICS = ("hit_at_one", "perr", "gap", "map")


@pytest.fixture(scope="module")
def recorded():
    if not PARITY.exists():
        pytest.skip(f"no recorded metrics of the starter code at {PARITY}")
    return dict(np.load(PARITY))


def test_equals_the_starter_code(recorded):
    predictions, labels = recorded["predictions"], recorded["labels"]
    assert metrics.hit_at_one(predictions, labels) == pytest.approx(recorded["hit_at_one"])
    for k in (1, 5, 20):
        expected = recorded[f"gap_at_{k}"]
        assert metrics.gap(predictions, labels, k) == pytest.approx(expected, rel=1e-12)
    for n in (10, 100):
        ap = metrics.average_precision_per_class(predictions, labels, top_n=n)[0]
        assert ap == pytest.approx(recorded[f"ap_at_{n}_class0"], rel=1e-12)

    # "nonempty" recordings leave out video 0; seven more without labels count, with 0.
    predictions, labels = predictions[1:], labels[1:]
    assert (~labels.any(axis=1)).sum() == 7
    assert metrics.perr(predictions, labels) == pytest.approx(recorded["perr_nonempty"], rel=1e-12)
    aps = metrics.average_precision_per_class(predictions, labels)
    np.testing.assert_allclose(aps, recorded["aps_full_nonempty"], rtol=1e-12)
    full = metrics.mean_average_precision(predictions, labels)
    assert full == pytest.approx(recorded["map_full_nonempty"], rel=1e-12)


def test_policies_are_arguments_with_the_defaults_of_the_class():
    """Any other argument is refused, also one that only another metric has."""
    of_class = inspect.signature(EvaluationMetrics).parameters
    shared = {"empty", "ties"}
    taken = {
        metrics.hit_at_one: shared,
        metrics.perr: shared,
        metrics.gap: shared,
        metrics.average_precision_per_class: shared | {"top_n"},
        metrics.mean_average_precision: shared | {"top_n", "empty_classes"},
    }
    for metric, policies in taken.items():
        parameters = inspect.signature(metric).parameters.values()
        assert inspect.Parameter.VAR_KEYWORD not in {each.kind for each in parameters}
        found = {each.name: each.default for each in parameters if each.kind == each.KEYWORD_ONLY}
        assert found == {name: of_class[name].default for name in policies}
    assert of_class["top_k"].default == inspect.signature(metrics.gap).parameters["top_k"].default
    assert of_class["top_k"].default == 20  # as in the starter code
    of_queries = inspect.signature(retrieval.average_precision).parameters
    assert inspect.signature(retrieval.mean_average_precision).parameters == of_queries


def test_streaming_equals_the_starter_code(recorded):
    streaming = EvaluationMetrics(num_classes=60, top_k=20)
    for start in range(1, 300, 37):
        end = start + 37
        streaming.update(recorded["predictions"][start:end], recorded["labels"][start:end])
    result = streaming.result()
    # The recorded Hit@1 is a mean of float32 means.
    assert result["hit_at_one"] == pytest.approx(recorded["stream_hit_nonempty"], rel=1e-7)
    for name in ("perr", "gap", "map"):
        expected = recorded[f"stream_{name}_nonempty"]
        assert result[name] == pytest.approx(expected, rel=1e-12), name
    np.testing.assert_allclose(result["aps"], recorded["stream_aps_nonempty"], rtol=1e-12)
    assert result["num_videos"] == 299


def _slow(predictions, labels, weights, top_k, top_n, empty, empty_classes, ties):
    """All metrics by loops over videos and sorted lists, one video and one entry at a time."""
    num_classes = len(predictions[0]) if len(predictions) else 0
    hit, perr, pooled = [], [], []
    by_class = [[] for _ in range(num_classes)]
    positives = [0] * num_classes
    for v, (scores, video_labels) in enumerate(zip(predictions, labels, strict=True)):
        rated = [c for c in range(num_classes) if weights is None or weights[v][c] > 0]
        wanted = {c for c in rated if video_labels[c] > 0}
        if not rated or (empty == "skip" and not wanted):
            continue

        def key(c, scores=scores, wanted=wanted):
            return (-scores[c], c in wanted if ties == "pessimistic" else 0, c)

        ranking = sorted(rated, key=key)
        hit.append(ranking[0] in wanted)
        perr.append(
            sum(c in wanted and scores[c] > 0 for c in ranking[: len(wanted)]) / max(len(wanted), 1)
        )
        for c in ranking[:top_k]:
            pooled.append((scores[c], c in wanted))
            by_class[c].append((scores[c], c in wanted))
        for c in wanted:
            positives[c] += 1

    def average_precision(entries, num_positives, n=None):
        def key(entry):
            return (-entry[0], entry[1] if ties == "pessimistic" else 0)

        precisions, hits = [], 0
        for rank, (_, is_hit) in enumerate(sorted(entries, key=key)[:n], 1):
            hits += is_hit
            if is_hit:
                precisions.append(hits / rank)
        return sum(precisions) / (num_positives if n is None else min(num_positives, n))

    nan = float("nan")
    aps = [
        average_precision(by_class[c], positives[c], top_n) if positives[c] else nan
        for c in range(num_classes)
    ]
    known = [ap for ap in aps if ap == ap]
    count = len(known) if empty_classes == "skip" else num_classes
    return {
        "hit_at_one": sum(hit) / len(hit) if hit else nan,
        "perr": sum(perr) / len(perr) if perr else nan,
        "gap": (average_precision(pooled, sum(positives)) if known else 0.0) if hit else nan,
        "map": sum(known) / count if count and hit else nan,
        "aps": np.array(aps),
        "num_videos": len(hit),
    }


def _videos(num_videos, num_classes, seed, *, ties=False, weighted=False):
    rng = np.random.default_rng(seed)
    labels = rng.random((num_videos, num_classes)) < rng.choice([0.0, 0.1, 0.3], (num_videos, 1))
    predictions = rng.random((num_videos, num_classes)).astype(np.float32)
    if ties:
        predictions = np.round(predictions, 1)
    weights = rng.integers(0, 2, labels.shape) * (rng.random((num_videos, 1)) > 0.2)
    return predictions, labels, weights.astype(np.float32) if weighted else None


POLICIES = list(
    itertools.product(["zero", "skip"], ["skip", "zero"], ["stable", "pessimistic"], [None, 3])
)


@pytest.mark.parametrize(("empty", "empty_classes", "ties", "top_n"), POLICIES)
@pytest.mark.parametrize("weighted", [False, True])
@pytest.mark.parametrize(
    ("num_videos", "num_classes", "top_k"), [(1, 1, 1), (7, 5, 2), (40, 12, 20), (30, 150, 4)]
)
def test_equals_slow_loops(
    num_videos, num_classes, top_k, weighted, empty, empty_classes, ties, top_n
):
    for seed in range(3):
        predictions, labels, weights = _videos(
            num_videos, num_classes, seed, ties=seed > 0, weighted=weighted
        )
        expected = _slow(predictions, labels, weights, top_k, top_n, empty, empty_classes, ties)
        streaming = EvaluationMetrics(
            num_classes, top_k, top_n=top_n, empty=empty, empty_classes=empty_classes, ties=ties
        )
        for start in range(0, num_videos, 16):
            batch = slice(start, start + 16)
            batch_weights = None if weights is None else weights[batch]
            streaming.update(predictions[batch], labels[batch], batch_weights)
        _assert_same(streaming.result(), expected)

        policies = {"empty": empty, "ties": ties}
        inputs = (predictions, labels)
        pure = {
            "hit_at_one": metrics.hit_at_one(*inputs, weights, **policies),
            "perr": metrics.perr(*inputs, weights, **policies),
            "gap": metrics.gap(*inputs, top_k, weights, **policies),
            "aps": metrics.average_precision_per_class(
                *inputs, top_k, weights, top_n=top_n, **policies
            ),
        }
        if expected["num_videos"]:
            pure["map"] = metrics.mean_average_precision(
                *inputs, top_k, weights, top_n=top_n, empty_classes=empty_classes, **policies
            )
        _assert_same(pure, {name: expected[name] for name in pure})


def _assert_same(result, expected):
    assert result.keys() == expected.keys()
    for name, value in expected.items():
        np.testing.assert_allclose(result[name], value, rtol=1e-9, atol=1e-12, err_msg=name)


@settings(max_examples=150, deadline=None)
@given(data=st.data())
def test_equals_slow_loops_on_any_scores(data):
    """Also infinite scores, negative ones, both zeros, and more labels than `top_k`."""
    num_videos, num_classes = data.draw(st.integers(1, 4)), data.draw(st.integers(1, 40))
    size = num_videos * num_classes
    score = st.sampled_from([-np.inf, -1.0, -0.0, 0.0, 1e-30, 0.25, 0.5, 1.0, np.inf])
    shape = (num_videos, num_classes)
    dtype = data.draw(st.sampled_from([np.float32, np.float64]))
    predictions = np.array(data.draw(st.lists(score, min_size=size, max_size=size)), dtype).reshape(
        shape
    )
    flags = st.lists(st.booleans(), min_size=size, max_size=size)
    labels = np.array(data.draw(flags)).reshape(shape)
    weights = data.draw(st.none() | flags)
    weights = None if weights is None else np.array(weights).reshape(shape)
    top_k = data.draw(st.integers(1, 3))
    empty, empty_classes, ties, top_n = data.draw(st.sampled_from(POLICIES))
    streaming = EvaluationMetrics(
        num_classes, top_k, top_n=top_n, empty=empty, empty_classes=empty_classes, ties=ties
    )
    streaming.update(predictions, labels, weights)
    expected = _slow(predictions, labels, weights, top_k, top_n, empty, empty_classes, ties)
    _assert_same(streaming.result(), expected)


@pytest.mark.parametrize("ties", ["stable", "pessimistic"])
@pytest.mark.parametrize("constant", [False, True])
def test_many_classes(ties, constant):
    """Enough classes for the bound that spares most of them the sorting; a video of many labels."""
    predictions, labels, _ = _videos(24, 2000, seed=5)
    labels &= np.random.default_rng(6).random(labels.shape) < 0.02
    labels[3, :60] = True
    if constant:
        predictions[::2] = 0.5
    expected = _slow(predictions, labels, None, 20, None, "zero", "skip", ties)
    streaming = EvaluationMetrics(2000, 20, ties=ties)
    streaming.update(predictions, labels)
    _assert_same(streaming.result(), expected)


def test_equals_the_loop_of_the_benchmark():
    predictions, labels, _ = _videos(60, 300, seed=7)
    loop, streaming = LoopMetrics(300, 20), EvaluationMetrics(300, 20)
    for batch in (slice(0, 25), slice(25, 60)):
        loop.update(predictions[batch], labels[batch])
        streaming.update(predictions[batch], labels[batch])
    result = streaming.result()
    for name, expected in loop.result().items():
        assert result[name] == pytest.approx(expected, rel=1e-9), name


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ties", ["stable", "pessimistic"])
def test_best_first_sorts(dtype, ties):
    rng = np.random.default_rng(0)
    scores = np.concatenate(
        [rng.normal(size=500), rng.integers(-3, 3, 500), [np.inf, -np.inf, -0.0, 0.0, 1e-40]]
    ).astype(dtype)
    hits = rng.random(scores.size) < 0.5
    keys = (hits, -scores) if ties == "pessimistic" else (-scores,)
    np.testing.assert_array_equal(best_first(scores, hits, ties), np.lexsort(keys))


def test_values_by_hand():
    predictions = np.array([[0.9, 0.8, 0.1], [0.3, 0.6, 0.7]], np.float32)
    labels = np.array([[0, 1, 0], [0, 1, 1]])
    # Video 0 ranks 0 (wrong), 1 (right), 2; video 1 ranks 2 (right), 1 (right), 0.
    assert metrics.hit_at_one(predictions, labels) == 1 / 2
    # Video 0 has one label and a wrong first class; video 1 has two and both are found.
    assert metrics.perr(predictions, labels) == (0 + 1) / 2
    # Pooled top 2: 0.9 wrong, 0.8 right (1/2), 0.7 right (2/3), 0.6 right (3/4); three positives.
    assert metrics.gap(predictions, labels, 2) == pytest.approx((1 / 2 + 2 / 3 + 3 / 4) / 3)
    # Top 1: 0.9 wrong, 0.7 right (1/2); still three positives.
    assert metrics.gap(predictions, labels, 1) == pytest.approx((1 / 2) / 3)
    # Class 1: 0.8 right, 0.6 right: 1. Class 2: 0.7 right, 0.1 wrong: 1. Class 0 has no positive.
    assert metrics.mean_average_precision(predictions, labels) == 1.0
    zero = metrics.mean_average_precision(predictions, labels, empty_classes="zero")
    assert zero == pytest.approx(2 / 3)
    # The pair (video 0, class 0) unrated: all is right.
    weights = np.array([[0, 1, 1], [1, 1, 1]])
    assert metrics.hit_at_one(predictions, labels, weights) == 1.0
    assert metrics.gap(predictions, labels, 2, weights) == 1.0


def test_ties():
    constant, labels = np.full((2, 4), 0.5), np.eye(4, dtype=bool)[[0, 3]]
    # The lower class first: video 0 is right by luck. Pessimistic: no luck.
    assert metrics.hit_at_one(constant, labels) == 1 / 2
    assert metrics.hit_at_one(constant, labels, ties="pessimistic") == 0
    # Stable, top 1: video 0's class 0 (right, 1/1), video 1's class 0 (wrong); two positives.
    assert metrics.gap(constant, labels, 1) == pytest.approx(1 / 2)
    assert metrics.gap(constant, labels, 1, ties="pessimistic") == 0
    # Pessimistic, all: six wrong ones first, then 1/7 and 2/8.
    pessimistic = metrics.gap(constant, labels, 4, ties="pessimistic")
    assert pessimistic == pytest.approx((1 / 7 + 2 / 8) / 2)


def test_videos_without_labels():
    predictions = np.array([[0.9, 0.1], [0.2, 0.8]])
    labels = np.array([[False, False], [False, True]])
    # The first video's 0.9 stands above the right 0.8.
    assert metrics.gap(predictions, labels) == 1 / 2
    assert metrics.gap(predictions, labels, empty="skip") == 1.0
    assert metrics.hit_at_one(predictions, labels) == 1 / 2
    assert metrics.hit_at_one(predictions, labels, empty="skip") == 1.0
    assert metrics.perr(predictions, labels) == 1 / 2
    assert metrics.perr(predictions, labels, empty="skip") == 1.0


def test_an_entry_at_zero_is_not_retrieved():
    predictions, labels = np.zeros((1, 3)), np.array([[True, False, False]])
    assert metrics.perr(predictions, labels) == 0.0
    assert metrics.hit_at_one(predictions, labels) == 1.0


def test_nothing():
    nothing = EvaluationMetrics(3)
    for result in (nothing.result(), _after_empty_batch()):
        assert all(np.isnan(result[name]) for name in METRICS)
        assert np.isnan(result["aps"]).all()
        assert result["aps"].shape == (3,)
        assert result["num_videos"] == 0
    empty = np.zeros((0, 3))
    for metric in (metrics.hit_at_one, metrics.perr, metrics.gap, metrics.mean_average_precision):
        assert np.isnan(metric(empty, empty))


def _after_empty_batch():
    streaming = EvaluationMetrics(3)
    streaming.update(np.zeros((0, 3)), np.zeros((0, 3)))
    # A video without rated pairs does not count either.
    streaming.update(np.ones((1, 3)), np.ones((1, 3)), np.zeros((1, 3)))
    return streaming.result()


def test_no_label_at_all():
    streaming = EvaluationMetrics(3)
    streaming.update(np.ones((2, 3)), np.zeros((2, 3)))
    result = streaming.result()
    assert [result[name] for name in METRICS[:3]] == [0, 0, 0]
    assert np.isnan(result["map"])


def test_result_can_be_asked_again_and_reset_forgets():
    predictions, labels, _ = _videos(20, 6, seed=1)
    streaming = EvaluationMetrics(6)
    streaming.update(predictions[:10], labels[:10])
    first = streaming.result()
    _assert_same(streaming.result(), first)
    streaming.update(predictions[10:], labels[10:])
    assert streaming.result()["num_videos"] == 20
    streaming.reset()
    streaming.update(predictions[:10], labels[:10])
    _assert_same(streaming.result(), first)


@pytest.mark.parametrize(("num_classes", "class_bytes"), [(256, 1), (257, 2), (3862, 2)])
def test_memory_per_entry(num_classes, class_bytes):
    streaming = EvaluationMetrics(num_classes, top_k=20)
    predictions, labels, _ = _videos(16, num_classes, seed=2)
    predictions[:, -1] = 1
    streaming.update(predictions, labels)
    assert streaming._entries.num_bytes == 16 * 20 * (4 + class_bytes + 1)
    assert max(part["class"].max() for part in streaming._entries.chunks()) == num_classes - 1


@pytest.mark.parametrize("score_dtype", [np.float32, np.float64])
@pytest.mark.parametrize("ties", ["stable", "pessimistic"])
@pytest.mark.parametrize("top_n", [None, 3])
@pytest.mark.parametrize("most", [1, 37, 1000])
def test_many_entries_go_to_a_file_and_change_nothing(most, top_n, ties, score_dtype, monkeypatch):
    """The same numbers to the last bits of sums in another order, asked for twice along the way."""
    predictions, labels, weights = _videos(60, 40, seed=4, ties=True, weighted=True)
    predictions = predictions.astype(score_dtype)

    def stream():
        streaming = EvaluationMetrics(40, top_k=8, top_n=top_n, ties=ties)
        for start in range(0, 60, 7):
            rows = slice(start, start + 7)
            streaming.update(predictions[rows], labels[rows], weights[rows])
            if start in (21, 42):
                streaming.result()
        return streaming

    expected = stream().result()
    monkeypatch.setattr("eval.entries._MOST_IN_MEMORY", most)
    streaming = stream()
    assert streaming._entries.num_bytes <= most * 11
    result = streaming.result()
    for name in METRICS:
        np.testing.assert_allclose(result[name], expected[name], rtol=1e-12, err_msg=name)
    np.testing.assert_allclose(result["aps"], expected["aps"], rtol=1e-12)
    streaming.reset()
    assert np.isnan(streaming.result()["gap"])


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_merged_metrics_are_those_of_one_pass(data):
    """However the videos are split, also into nothing, in memory or not, and sent as arrays."""
    num_videos = data.draw(st.integers(0, 30))
    policies = {
        "top_k": 4,
        "ties": data.draw(st.sampled_from(["stable", "pessimistic"])),
        "empty": data.draw(st.sampled_from(["zero", "skip"])),
    }
    videos = _videos(num_videos, 9, seed=data.draw(st.integers(0, 9)), ties=True, weighted=True)
    ends = sorted(data.draw(st.lists(st.integers(0, num_videos), max_size=5)))
    most, by_state = data.draw(st.sampled_from([5, 1000])), data.draw(st.booleans())

    def counted(start, end):
        metrics = EvaluationMetrics(9, **policies)
        metrics.update(*(values[start:end] for values in videos))
        return metrics

    whole = counted(0, num_videos).result()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("eval.entries._MOST_IN_MEMORY", most)
        parts = itertools.starmap(counted, itertools.pairwise([0, *ends, num_videos]))
        merged = EvaluationMetrics(9, **policies)
        for part in parts:
            if by_state:
                merged.add_state(part.state())
            else:
                merged.merge(part)
        received = merged.result()
    assert received["num_videos"] == whole["num_videos"]
    np.testing.assert_equal(received["hit_at_one"], whole["hit_at_one"])
    np.testing.assert_allclose(received["perr"], whole["perr"], rtol=1e-12)
    for name in ("gap", "map", "aps"):
        if most == 1000:
            np.testing.assert_array_equal(received[name], whole[name], err_msg=name)
        np.testing.assert_allclose(received[name], whole[name], rtol=1e-12, err_msg=name)


def test_what_cannot_be_merged():
    metrics = EvaluationMetrics(6, ties="pessimistic")
    with pytest.raises(ValueError, match="must have num_classes = 6; received 7"):
        metrics.merge(EvaluationMetrics(7, ties="pessimistic"))
    with pytest.raises(ValueError, match="must have ties = pessimistic; received stable"):
        metrics.merge(EvaluationMetrics(6))
    with pytest.raises(ValueError, match="with others; received the same"):
        metrics.merge(metrics)


@pytest.mark.parametrize("dtype", [bool, np.int64, np.float32])
@pytest.mark.parametrize("score_dtype", [np.float16, np.float32, np.float64])
def test_dtypes(dtype, score_dtype):
    predictions, labels, _ = _videos(10, 8, seed=3)
    predictions = predictions.astype(score_dtype)
    result = metrics.gap(predictions, labels.astype(dtype), 3)
    assert result == metrics.gap(predictions.astype(np.float64), labels, 3)


def test_float64_scores_closer_than_float32_are_told_apart():
    predictions, labels = np.array([[0.5, 0], [0.5 + 1e-12, 0]]), np.array([[0, 1], [1, 0]])
    # Top 1, pooled: the second video's is right (1/1), the first one's wrong; two positives.
    assert metrics.gap(predictions, labels, 1) == 1 / 2


def test_leaves_its_inputs_alone():
    arrays = _videos(10, 8, seed=4, weighted=True)
    copies = [array.copy() for array in arrays]
    EvaluationMetrics(8).update(*arrays)
    for array, copy in zip(arrays, copies, strict=True):
        np.testing.assert_array_equal(array, copy)


@pytest.mark.parametrize(
    ("predictions", "labels", "weights", "message"),
    [
        (
            np.ones((2, 3)),
            np.ones((2, 4)),
            None,
            r"labels must have the shape .*\(2, 3\).*\(2, 4\)",
        ),
        (np.ones((2, 3)), np.ones((3, 3)), None, "labels must have the shape"),
        (np.ones((2, 3)), np.ones((2, 3)), np.ones(2), "label_weights must have the shape"),
        (np.ones(3), np.ones(3), None, r"\(batch, num_classes\); received \(3,\)"),
        (np.ones((2, 0)), np.ones((2, 0)), None, r"received \(2, 0\)"),
        (np.ones((2, 4)), np.ones((2, 4)), None, "num_classes = 3 columns; received 4"),
        (np.array([[0, 0, 0], [0, np.nan, 0]]), np.ones((2, 3)), None, "NaN in row 1, class 1"),
    ],
)
def test_refuses_bad_input(predictions, labels, weights, message):
    streaming = EvaluationMetrics(3)
    with pytest.raises(ValueError, match=message):
        streaming.update(predictions, labels, weights)
    assert streaming.result()["num_videos"] == 0


@pytest.mark.parametrize("label", [0, 239, 240, 3839, 3840, 3861])
def test_finds_a_single_nan_among_many_classes(label):
    predictions = np.random.default_rng(label).random((5, 3862), np.float32)
    labels = predictions > 0.999
    predictions[3, label] = np.nan
    with pytest.raises(ValueError, match=f"received NaN in row 3, class {label}"):
        metrics.gap(predictions, labels)


def test_leaves_out_predictions_that_are_not_rated_whatever_they_are():
    predictions, labels, weights = _videos(10, 500, seed=5, weighted=True)
    spoilt = np.where(weights > 0, predictions, np.nan)
    for k in (3, 20):
        expected = metrics.gap(predictions, labels, k, weights)
        assert metrics.gap(spoilt, labels, k, weights) == expected


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"num_classes": 0}, "num_classes must be at least 1; received 0"),
        ({"num_classes": 3, "top_k": 0}, "top_k must be at least 1; received 0"),
        ({"num_classes": 3, "top_n": 0}, "top_n must be at least 1; received 0"),
        ({"num_classes": 3, "empty": "drop"}, "empty must be one of zero, skip; received 'drop'"),
        ({"num_classes": 3, "empty_classes": "x"}, "empty_classes must be one of skip, zero"),
        ({"num_classes": 3, "ties": "x"}, "ties must be one of stable, pessimistic"),
    ],
)
def test_refuses_bad_arguments(arguments, message):
    with pytest.raises(ValueError, match=message):
        EvaluationMetrics(**arguments)
