"""GLMix: the fit against a direct solve, saving, predicting, AUC and what is refused."""

import csv
import dataclasses
import json

import numpy as np
import pytest
from scipy.optimize import minimize
from sklearn.metrics import roc_auc_score

from yt8m_models.data.video_ids import UNKNOWN, VideoIds
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.program.command import UsageError
from yt8m_models.recommendation.glmix import prediction
from yt8m_models.recommendation.glmix.__main__ import PROGRAM
from yt8m_models.recommendation.glmix.prediction import predict
from yt8m_models.recommendation.mixed_effects import evaluation, spread_users, user_newton
from yt8m_models.recommendation.mixed_effects.config import GLMixConfig
from yt8m_models.recommendation.mixed_effects.evaluation import evaluate
from yt8m_models.recommendation.mixed_effects.fitting import fit, train
from yt8m_models.recommendation.mixed_effects.glmix import GLMix
from yt8m_models.recommendation.mixed_effects.user_batches import UserBatches, groups_of_like_size


def _sigmoid(logits):
    return 1 / (1 + np.exp(-logits))


def _events(counts, num_videos=40, size=5, seed=0):
    """Vectors, offsets, video rows and labels of users with these numbers of events."""
    rng = np.random.default_rng(seed)
    vectors = rng.normal(size=(num_videos, size)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    offsets = np.concatenate([[0], np.cumsum(counts)])
    rows = rng.integers(num_videos, size=offsets[-1])
    users = np.repeat(np.arange(len(counts)), counts)
    parts = 3 * rng.normal(size=(len(counts), size))
    logits = -0.5 + vectors[rows] @ (2 * rng.normal(size=size))
    logits += rng.normal(size=len(counts))[users] + np.sum(vectors[rows] * parts[users], axis=1)
    labels = (rng.random(len(rows)) < _sigmoid(logits)).astype(float)
    return vectors, offsets, rows, labels


def _direct(vectors, offsets, rows, labels, fixed_l2, user_l2, has_w=True):
    """Minimises the same objective over all coefficients at once, with a stacked design matrix."""
    num_users, width = len(offsets) - 1, 1 + vectors.shape[1]
    features = np.concatenate([np.ones((len(vectors), 1)), vectors], axis=1)[rows]
    design = np.zeros((len(labels), (1 + num_users) * width))
    design[:, : width if has_w else 1] = features[:, : width if has_w else 1]
    for user in range(num_users):
        own = slice(offsets[user], offsets[user + 1])
        design[own, (1 + user) * width : (2 + user) * width] = features[own]
    prior = np.full(design.shape[1], user_l2, float)
    prior[:width] = fixed_l2
    prior[0] = 0

    def value_and_gradient(x):
        logits = design @ x
        value = np.sum(np.logaddexp(0, logits) - labels * logits) + np.sum(prior * x**2) / 2
        return value, design.T @ (_sigmoid(logits) - labels) + prior * x

    def hessian(x):
        p = _sigmoid(design @ x)
        return design.T @ (design * (p * (1 - p))[:, None]) + np.diag(prior)

    solved = minimize(
        value_and_gradient,
        np.zeros(design.shape[1]),
        jac=True,
        hess=hessian,
        method="trust-exact",
        options={"gtol": 1e-10},
    )
    return solved.fun, solved.x[:width], solved.x[width:].reshape(num_users, width)


@pytest.mark.parametrize(("fixed_l2", "user_l2"), [(1.0, 1.0), (0.1, 0.02), (0.01, 20.0)])
@pytest.mark.parametrize("max_elements", [1, 300, 1 << 19])
def test_equals_a_direct_solve(fixed_l2, user_l2, max_elements):
    counts = [1, 30, 2, 4, 5, 6, 7, 1, 12, 9, 3, 5, 5, 6]  # fewer and more than 6 coefficients
    data = _events(counts)
    value, fixed, users = _direct(*data, fixed_l2, user_l2)
    fitted = fit(UserBatches(*data, max_elements), fixed_l2, user_l2, tolerance=1e-9)
    assert fitted.values[-1] == pytest.approx(value, abs=1e-8)
    np.testing.assert_allclose(fitted.fixed, fixed, atol=1e-5)
    np.testing.assert_allclose(fitted.users, users, atol=1e-5)
    assert fitted.gradient_norm <= 1e-9
    assert all(np.diff(fitted.values) <= 1e-9)


@pytest.mark.parametrize("user_l2", [0.1, 1.0])
def test_without_global_coefficients_it_is_equation_18(user_l2):
    """b + a_u + c_u·e_v, against a direct solve without w, whose prior keeps it at 0."""
    data = _events([1, 30, 2, 4, 12, 9, 3, 5])
    value, fixed, users = _direct(*data, 1.0, user_l2, has_w=False)
    batches = UserBatches(*data)
    fitted = fit(batches, 1.0, user_l2, tolerance=1e-9, global_coefficients=False)
    assert fitted.values[-1] == pytest.approx(value, abs=1e-8)
    assert fitted.values[-1] > fit(batches, 1.0, user_l2).values[-1] + 0.01
    np.testing.assert_array_equal(fitted.fixed[1:], np.zeros(5))
    np.testing.assert_allclose(fitted.fixed, fixed, atol=1e-5)
    np.testing.assert_allclose(fitted.users, users, atol=1e-5)
    assert fitted.gradient_norm <= 1e-9


def test_intercepts_alone_equal_a_direct_solve():
    """b + a_u: features of width 0."""
    vectors, *data = _events([1, 30, 2, 4, 12])
    vectors = vectors[:, :0]
    value, fixed, users = _direct(vectors, *data, 1.0, 0.5)
    fitted = fit(UserBatches(vectors, *data), 1.0, 0.5, tolerance=1e-9)
    assert fitted.values[-1] == pytest.approx(value, abs=1e-8)
    np.testing.assert_allclose(fitted.fixed, fixed, atol=1e-5)
    np.testing.assert_allclose(fitted.users, users, atol=1e-5)


def test_derivatives_of_the_fixed_effect():
    """Against differences of the objective, in both spaces: 4 events and 12, 6 coefficients."""
    for count in (4, 12):
        batch = UserBatches(*_events([count] * 3))[0]
        fixed = np.random.default_rng(1).normal(size=6)

        def solve(fixed, batch=batch):
            return user_newton.solve_users(batch, fixed, np.zeros((3, 6)), 0.3, 1e-12)

        solved, step = solve(fixed), 1e-5
        for i, unit in enumerate(np.eye(6)):
            up, down = solve(fixed + step * unit), solve(fixed - step * unit)
            np.testing.assert_allclose((up.value - down.value) / 2 / step, solved.gradient[i], 1e-6)
            difference = (up.gradient - down.gradient) / 2 / step
            np.testing.assert_allclose(difference, solved.curvature[i], atol=1e-6)


def test_one_user_by_hand():
    """Two events of one video with e = 0, labels 1 and 0, and a fixed intercept of 0.

    The gradient by a is 2 (1/2 - 1/2) + a = 0 at a = 0: the objective is 2 log 2.
    """
    data = np.zeros((1, 2), np.float32), np.array([0, 2]), np.array([0, 0]), np.array([1.0, 0.0])
    fitted = fit(UserBatches(*data), 1.0, 1.0)
    np.testing.assert_array_equal(fitted.users, np.zeros((1, 3)))
    np.testing.assert_allclose(fitted.values, [2 * np.log(2)])


def test_separable_and_extreme_users_converge():
    """Users who like everything or nothing, with hardly any prior."""
    vectors, offsets, rows, labels = _events([20] * 30)
    labels[:200], labels[200:400] = 1, 0
    fitted = fit(UserBatches(vectors, offsets, rows, labels), 1e-3, 1e-4)
    assert np.isfinite(fitted.users).all()
    assert fitted.gradient_norm <= 1e-6


def test_does_not_converge():
    with pytest.raises(ValueError, match="not converged after --max_rounds=1"):
        fit(UserBatches(*_events([5] * 9)), 1.0, 1.0, max_rounds=1)
    with pytest.raises(ValueError, match=r"problem of user \d did not converge in 100 steps"):
        fit(UserBatches(*_events([5] * 9)), 1.0, 1.0, tolerance=1e-30)


def test_refused_arrays():
    vectors, offsets, rows, labels = _events([5] * 9)
    with pytest.raises(ValueError, match=r"must be labels of 0 and of 1; the mean of all is 1"):
        fit(UserBatches(vectors, offsets, rows, np.ones(45)), 1.0, 1.0)
    with pytest.raises(ValueError, match=r"labels must be 0 or 1; received \[0\.  0\.5 1\. \]"):
        UserBatches(vectors, offsets, rows, np.append(labels[1:], 0.5))
    with pytest.raises(ValueError, match="user 1 has no event"):
        UserBatches(vectors, np.array([0, 5, 5, 45]), rows, labels)
    vectors[3, 1] = np.inf
    with pytest.raises(ValueError, match="that of row 3 is not"):
        UserBatches(vectors, offsets, rows, labels)


def test_groups_of_like_size():
    counts = np.random.default_rng(0).integers(1, 60, size=200)
    groups = list(groups_of_like_size(counts, 100))
    np.testing.assert_array_equal(np.sort(np.concatenate(groups)), np.arange(200))
    for users in groups:
        assert counts[users].max() <= 1.25 * counts[users].min()
        assert len(users) == 1 or len(users) * counts[users].max() <= 100


def test_padding_is_left_out():
    batch = UserBatches(*_events([4, 5]))[0]
    assert batch.designs.shape == (2, 5, 6)
    np.testing.assert_array_equal(batch.is_event, [[1, 1, 1, 1, 0], [1, 1, 1, 1, 1]])
    np.testing.assert_array_equal(batch.designs[0, 4], np.zeros(6))
    np.testing.assert_array_equal(batch.designs[..., 0], batch.is_event)


def _glmix():
    fixed = np.array([-1.0, 2.0, 0.0])
    coefficients = np.array([[0.5, 0.0, 1.0], [0.0, -2.0, 0.0]], np.float32)
    return GLMix("m1", fixed, VideoIds(["al", "bo"]), coefficients, VideoIds(["v1", "v2"]))


def test_predictions_by_hand():
    vectors = np.array([[0.6, 0.8], [0.6, 0.8], [0.6, 0.8]], np.float32)
    # al: -1 + 1.2 + 0.5 + 0.8 = 1.5; bo: -1 + 1.2 - 1.2 = -1; a new user: -1 + 1.2 = 0.2
    rows = _glmix().users.rows(["al", "bo", "new"])
    np.testing.assert_allclose(_glmix().logits(rows, vectors), [1.5, -1, 0.2], atol=1e-6)
    expected = _sigmoid(np.array([1.5, -1, 0.2]))
    np.testing.assert_allclose(_glmix().predict(rows, vectors), expected, atol=1e-6)


def test_wrong_arguments():
    glmix = _glmix()
    with pytest.raises(ValueError, match=r"\(n, 2\); received \(1,\) and \(1, 3\)"):
        glmix.predict(np.array([0]), np.zeros((1, 3)))
    with pytest.raises(ValueError, match="user_rows must be -1 to 1; received 2 to 2"):
        glmix.predict(np.array([2]), np.zeros((1, 2)))
    with pytest.raises(ValueError, match=r"received \(3,\) and \(1, 3\)"):
        GLMix("m", np.zeros(3), glmix.users, np.zeros((1, 3)), glmix.trained_videos)
    with pytest.raises(ValueError, match="finite"):
        GLMix("m", np.array([0, np.nan, 0]), glmix.users, np.zeros((2, 3)), glmix.trained_videos)


def test_saved_and_loaded(tmp_path):
    glmix = _glmix()
    glmix.save(tmp_path / "a")
    loaded = GLMix.load(tmp_path / "a")
    assert loaded.model == "m1"
    assert loaded.size == 2
    np.testing.assert_array_equal(loaded.fixed, glmix.fixed)
    np.testing.assert_array_equal(loaded.coefficients, glmix.coefficients)
    assert list(loaded.users) == [b"al", b"bo"]
    assert list(loaded.trained_videos) == [b"v1", b"v2"]
    with pytest.raises(ValueError, match="already holds a GLMix"):
        glmix.save(tmp_path / "a")
    with pytest.raises(ValueError, match=r"holds no glmix.json"):
        GLMix.load(tmp_path)
    (tmp_path / "a" / "fixed.npy").unlink()
    with pytest.raises(
        ValueError, match=r"fixed\.npy is not what yt8m glmix wrote there: it is missing"
    ):
        GLMix.load(tmp_path / "a")
    (tmp_path / "a" / "glmix.json").write_text('{"kind": "index"}')
    with pytest.raises(ValueError, match="not the record of a GLMix"):
        GLMix.load(tmp_path / "a")


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """Embeddings of 60 videos, and events of 40 users: in training 45 of the videos, later all."""
    directory = tmp_path_factory.mktemp("glmix")
    vectors, _, rows, labels = _events([30] * 40, num_videos=60, seed=4)
    Embeddings.write(directory / "embeddings", [f"v{row}" for row in range(60)], vectors, "m1")
    users = np.repeat(np.arange(40), 30)
    is_later = np.tile(np.arange(30) >= 20, 40) | (rows >= 45)
    for name, kept in (("train", ~is_later), ("test", is_later)):
        with open(directory / f"{name}.csv", "w") as file:
            file.write("user_id,video_id,label\n")
            for user, row, label in zip(users[kept], rows[kept], labels[kept], strict=True):
                file.write(f"u{user},v{row},{label:.0f}\n")
            file.write("u0,gone,1\nu77,lost,0\n")
            file.write("u99,v1,1\n" if name == "test" else "")
    return directory


def _config(world, mode, directory, **options):
    events = world / ("train.csv" if mode == "train" else "test.csv")
    return GLMixConfig(
        **{
            "mode": mode,
            "watch_log": str(events),
            "embeddings_dir": str(world / "embeddings"),
            "glmix_dir": str(directory),
            **options,
        }
    )


@pytest.fixture(scope="module")
def trained(world):
    train(_config(world, "train", world / "glmix"))
    return world / "glmix"


def test_programs(world, trained, tmp_path):
    text, left_out = predict(
        _config(world, "predict", trained, output=str(tmp_path / "scores.csv"))
    )
    with open(world / "test.csv") as file:
        events = [row for row in csv.DictReader(file) if row["video_id"] not in ("gone", "lost")]
    with open(tmp_path / "scores.csv") as file:
        scores = list(csv.DictReader(file))
    assert [(row["user_id"], row["video_id"]) for row in scores] == [
        (row["user_id"], row["video_id"]) for row in events
    ]
    glmix, embeddings = GLMix.load(trained), Embeddings.load(world / "embeddings")
    users = glmix.users.rows([row["user_id"] for row in scores])
    videos = embeddings.ids.rows([row["video_id"] for row in scores])
    expected = glmix.predict(users, embeddings.take(videos))
    received = np.array([float(row["score"]) for row in scores])
    np.testing.assert_allclose(received, expected, rtol=1e-5)
    assert left_out == "left out 2 pairs: their videos have no embedding, e.g. 'gone'"
    assert text.startswith(f"{len(events):,} predictions in {tmp_path}/scores.csv, 1 of them for")
    assert users[-1] == UNKNOWN

    found = evaluate(_config(world, "evaluate", trained, output=str(tmp_path / "auc.json")))
    labels = np.array([float(row["label"]) for row in events])
    assert found.auc == pytest.approx(roc_auc_score(labels, expected))
    is_cold = videos >= 45
    assert found.num_cold_events == is_cold.sum() > 100
    assert found.cold_auc == pytest.approx(roc_auc_score(labels[is_cold], expected[is_cold]))
    of_users = [
        roc_auc_score(labels[users == user], expected[users == user])
        for user in range(40)
        if 0 < labels[users == user].mean() < 1
    ]
    assert found.num_users == len(of_users)
    assert found.user_auc == pytest.approx(np.mean(of_users))
    assert found.auc > found.fixed_auc + 0.05
    assert "left out 2 of" in found.left_out
    assert json.loads((tmp_path / "auc.json").read_text())["auc"] == found.auc


def _labels_and_pairs(path, known=None):
    with open(path) as file:
        rows = list(csv.DictReader(file))
    rows = [row for row in rows if known is None or row["video_id"] in known]
    return np.array([float(row["label"]) for row in rows]), [row["user_id"] for row in rows]


@pytest.mark.parametrize("embeddings_dir", [None, ""])
def test_a_model_without_video_features(world, tmp_path, embeddings_dir):
    """The AUC is that of the users' intercepts; with embeddings, on the events of their videos."""
    given = {} if embeddings_dir is None else {"embeddings_dir": embeddings_dir}
    train(_config(world, "train", tmp_path / "glmix", video_features=False, **given))
    glmix = GLMix.load(tmp_path / "glmix")
    assert (glmix.size, glmix.model, glmix.coefficients.shape[1]) == (0, "", 1)
    found = evaluate(_config(world, "evaluate", tmp_path / "glmix", **given))
    known = None if given else {f"v{row}" for row in range(60)}
    labels, users = _labels_and_pairs(world / "test.csv", known)
    intercepts = dict(zip(glmix.users, glmix.coefficients[:, 0], strict=True))
    scores = np.array([intercepts.get(user.encode(), 0.0) for user in users])
    assert found.num_events == len(labels)
    assert found.auc == pytest.approx(roc_auc_score(labels, scores))
    assert (found.left_out is None) == bool(given)
    output = str(tmp_path / "scores.csv")
    predict(_config(world, "predict", tmp_path / "glmix", output=output, **given))
    with open(output) as file:
        received = [float(row["score"]) for row in csv.DictReader(file)]
    np.testing.assert_allclose(received, _sigmoid(glmix.fixed[0] + scores), rtol=1e-5)


def test_the_programs_flags_reach_the_fit(world, trained, tmp_path):
    train(_config(world, "train", tmp_path / "glmix", global_coefficients=False))
    glmix = GLMix.load(tmp_path / "glmix")
    assert glmix.size == 5
    np.testing.assert_array_equal(glmix.fixed[1:], np.zeros(5))
    assert np.abs(GLMix.load(trained).fixed[1:]).max() > 0.1
    assert np.abs(glmix.coefficients[:, 1:]).max() > 0.1


def test_labels_by_the_time_watched(world, trained, tmp_path):
    """More than 10 seconds are a 1; 10 are not, nor is an impression, whatever it has."""
    lines = (world / "train.csv").read_text().splitlines()[1:]
    rows = [line.split(",") for line in lines]
    log = tmp_path / "log.csv"
    seconds = {"1": "10.5,0", "0": "10,0"}
    text = [f"{user},{video},{seconds[label]}" for user, video, label in rows]
    zeros = [index for index, row in enumerate(rows) if row[2] == "0"]
    text[zeros[0]] = text[zeros[0]].replace("10,0", "99,1")
    log.write_text("\n".join(["user_id,video_id,watched_seconds,impression", *text]) + "\n")
    options = {"watch_log": str(log), "min_watched_seconds": 10.0}
    train(_config(world, "train", tmp_path / "glmix", **options))
    received, expected = GLMix.load(tmp_path / "glmix"), GLMix.load(trained)
    np.testing.assert_allclose(received.fixed, expected.fixed)
    np.testing.assert_allclose(received.coefficients, expected.coefficients)
    with pytest.raises(ValueError, match=r"column.*watched_seconds|watched_seconds.*column"):
        train(_config(world, "train", tmp_path / "other", min_watched_seconds=10.0))


def test_a_model_of_embeddings_needs_them(world, trained):
    with pytest.raises(ValueError, match=r"--embeddings_dir must be given: .* 5 dimensions"):
        evaluate(_config(world, "evaluate", trained, embeddings_dir=""))


def test_a_watch_log_gives_labels_by_impressions(world, trained, tmp_path):
    text = (world / "train.csv").read_text().replace("label", "impression", 1)
    rows = [line.split(",") for line in text.splitlines()]
    flipped = [[*row[:2], str(1 - int(row[2]))] for row in rows[1:]]
    events = tmp_path / "log.csv"
    events.write_text("\n".join(",".join(row) for row in [rows[0], *flipped]) + "\n")
    train(_config(world, "train", tmp_path / "glmix", watch_log=str(events)))
    received, expected = GLMix.load(tmp_path / "glmix"), GLMix.load(trained)
    np.testing.assert_allclose(received.fixed, expected.fixed)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("user_id,video_id,label\n", "there are no events in"),
        ("user_id,video_id\nu,v1\n", "must all have a column label, or all impression"),
        ("user_id,video_id,label\nu,v1,0.5\n", "row 1: label must be 0 or 1; received '0.5'"),
        ("user_id,video_id,label\nu,v1,nan\n", "row 1: label must be 0 or 1; received 'nan'"),
        ("user_id,video_id,label\nu,v1,1\nu,v2,1\n", "both labels .* all 2 .* label 1"),
        ("user_id,video_id,label\nu,x1,1\nu,x2,0\n", "no id in common: .* 'x1' and 'v0'"),
    ],
)
def test_refused_events(world, tmp_path, text, message):
    (tmp_path / "bad.csv").write_text(text)
    config = _config(world, "train", tmp_path / "glmix", watch_log=str(tmp_path / "bad.csv"))
    with pytest.raises(ValueError, match=message):
        train(config)
    assert not (tmp_path / "glmix").exists()


@pytest.mark.parametrize(("mode", "run"), [("predict", predict), ("evaluate", evaluate)])
def test_events_of_no_known_video_are_refused(world, trained, tmp_path, mode, run):
    (tmp_path / "bad.csv").write_text("user_id,video_id,label\nu,1,1\nu,2,0\n")
    options = {"watch_log": str(tmp_path / "bad.csv"), "output": str(tmp_path / "out")}
    with pytest.raises(ValueError, match=r"bad\.csv and .*embeddings have no id in common: .* '1'"):
        run(_config(world, mode, trained, **options))
    assert not (tmp_path / "out").exists()


def test_refused_embeddings(world, trained, tmp_path):
    vectors = Embeddings.load(world / "embeddings").vectors()
    ids = [f"v{row}" for row in range(60)]
    Embeddings.write(tmp_path / "other", ids, vectors, "m2")
    Embeddings.write(tmp_path / "narrow", ids, vectors[:, :3], "m1")
    for name in ("other", "narrow"):
        for mode, run in (("predict", predict), ("evaluate", evaluate)):
            options = {"embeddings_dir": str(tmp_path / name), "output": str(tmp_path / "out")}
            with pytest.raises(ValueError, match=r"is for the 5 dimensions of .* 'm1'; received"):
                run(_config(world, mode, trained, **options))
    with pytest.raises(ValueError, match="already holds a GLMix"):
        train(_config(world, "train", trained))


def test_predicting_nothing_leaves_no_file(world, trained, tmp_path):
    (tmp_path / "empty.csv").write_text("user_id,video_id\n")
    config = _config(
        world,
        "predict",
        trained,
        watch_log=str(tmp_path / "empty.csv"),
        output=str(tmp_path / "scores.csv"),
    )
    with pytest.raises(ValueError, match="there are no pairs"):
        predict(config)
    assert [path.name for path in tmp_path.iterdir()] == ["empty.csv"]


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--mode=trian"], "did you mean train"),
        (["--watch_log="], "--watch_log must be given"),
        (["--embeddings_dir="], "--embeddings_dir must be given, or --novideo_features"),
        (["--min_watched_seconds=-1"], "--min_watched_seconds must be at least 0; received -1.0"),
        (["--user_l2=0"], "--user_l2 must be above 0; received 0.0"),
        (["--tolerance=-1"], "--tolerance must be above 0"),
        (["--max_rounds=0"], "--max_rounds must be at least 1; received 0"),
        (["--output=x"], "--mode=train has no --output"),
        (["--mode=predict"], "--output must be given with --mode=predict"),
    ],
)
def test_refused_flags(flags, message):
    given = ["--watch_log=a.csv", "--embeddings_dir=b", "--glmix_dir=c"]
    with pytest.raises(UsageError, match=message):
        PROGRAM.parse(given + flags)


@pytest.mark.parametrize("options", [{}, {"global_coefficients": False, "user_l2": 0.1}])
def test_workers_solve_ranges_of_users(world, tmp_path, spread_here, options):
    """The same steps, so that what differs is the rounding of sums alone."""
    train(_config(world, "train", tmp_path / "local", **options))
    session = spread_here(spread_users)
    config = _config(world, "train", tmp_path / "spread", **options)
    text, left_out = train(config, spark=session)
    expected, found = GLMix.load(tmp_path / "local"), GLMix.load(tmp_path / "spread")
    np.testing.assert_allclose(found.fixed, expected.fixed, atol=1e-9)
    np.testing.assert_allclose(found.coefficients, expected.coefficients, atol=1e-6)
    assert list(found.users) == list(expected.users)
    assert list(found.trained_videos) == list(expected.trained_videos)
    assert "40 users" in text
    assert "left out 2 of" in left_out
    assert {path.name for path in tmp_path.iterdir()} == {"local", "spread"}
    one_label = tmp_path / "one.csv"
    one_label.write_text("user_id,video_id,label\nu,v1,1\n")
    with pytest.raises(ValueError, match="both labels"):
        train(_config(world, "train", tmp_path / "no", watch_log=str(one_label)), spark=session)


def test_workers_predict_files(world, trained, tmp_path, spread_here):
    (tmp_path / "more.csv").write_text("user_id,video_id\nu1,v2\nu1,gone\nnobody,v3\n")
    pairs = {"watch_log": f"{world}/test.csv,{tmp_path}/more.csv"}
    local = predict(_config(world, "predict", trained, output=f"{tmp_path}/local.csv", **pairs))
    config = _config(world, "predict", trained, output=f"{tmp_path}/spread.csv", **pairs)
    text, left_out = predict(config, spark=spread_here(prediction))
    assert (tmp_path / "spread.csv").read_bytes() == (tmp_path / "local.csv").read_bytes()
    assert text.replace("spread.csv", "local.csv") == local[0]
    assert left_out == local[1]


def test_workers_find_the_logits_of_ranges_of_users(world, trained, tmp_path, spread_here):
    """AUC goes by the order of events, each with its own label: a range out of place changes it."""
    local = evaluate(_config(world, "evaluate", trained))
    config = _config(world, "evaluate", trained, output=str(tmp_path / "auc.json"))
    found = evaluate(config, spark=spread_here(evaluation))
    assert dataclasses.asdict(found) == pytest.approx(dataclasses.asdict(local), abs=1e-12)
    assert json.loads((tmp_path / "auc.json").read_text()) == dataclasses.asdict(found)
    assert (found.num_new_user_events, found.num_users > 30) == (1, True)
    assert found.fixed_auc < found.auc
    assert not list(world.glob(".*"))
