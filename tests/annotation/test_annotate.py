"""Tests of yt8m_models.annotation.annotate: small trainings, what they leave, and interruptions."""

import dataclasses
import json
import shutil
import subprocess
import sys
import time
from pathlib import Path

import keras
import numpy as np
import pandas as pd
import pytest
import tensorflow as tf

import losses
from eval.program.config import EvalConfig
from eval.program.evaluation import evaluate_training
from yt8m_models.annotation.annotate import annotating
from yt8m_models.annotation.annotate.annotating import annotate
from yt8m_models.annotation.annotate.config import AnnotateConfig, VideoDataConfig
from yt8m_models.annotation.annotate.fine_tuning import FullBatch
from yt8m_models.annotation.annotate.report import draw_training
from yt8m_models.annotation.annotate.runs import plan
from yt8m_models.config import DataConfig
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.data.records import video_record, write_records
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.models.annotation_model import AnnotationModel
from yt8m_models.prediction.config import InferenceConfig, ModelSource
from yt8m_models.prediction.inference import infer

ROOT = Path(__file__).resolve().parents[2]
NUM_CLASSES = 4
DATA = VideoDataConfig(("mean_rgb", "mean_audio"), (6, 3), num_classes=NUM_CLASSES)


def videos(count, seed):
    """Features around a prototype of the label (and noise in audio), and what shows it clearly."""
    prototypes = np.random.default_rng(1).normal(size=(NUM_CLASSES, 6))
    rng = np.random.default_rng(seed)
    for video in range(count):
        label = int(rng.integers(NUM_CLASSES))
        rgb = prototypes[label] + rng.normal(0, 1.5, 6)
        yield f"{seed}v{video:03}".encode(), label, rgb, rng.normal(size=3)


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """`train0.tfrecord`, `train1.tfrecord`, 40 videos each; `val.tfrecord`; `embeddings`."""
    directory = tmp_path_factory.mktemp("annotate")
    ids, vectors = [], []
    for seed, name in enumerate(("train0", "train1", "val")):
        written = []
        for video_id, label, rgb, audio in videos(40, seed):
            written.append(video_record(video_id, [label], {"mean_rgb": rgb, "mean_audio": audio}))
            ids.append(video_id)
            vectors.append(np.eye(5)[label])
        write_records(directory / f"{name}.tfrecord", written)
    noise = np.random.default_rng(3).normal(0, 0.2, (len(ids), 5))
    # The last video has no embedding.
    Embeddings.write(directory / "embeddings", ids[:-1], (vectors + noise)[:-1], "of labels")
    return directory


@pytest.fixture(scope="module")
def trained(records, tmp_path_factory):
    """Two epochs of 3 batches, then two phases of 3 full-batch steps, trained to the end."""
    config = AnnotateConfig(
        train_data_pattern=str(records / "train*.tfrecord"),
        eval_data_pattern=str(records / "val.tfrecord"),
        output_dir=str(tmp_path_factory.mktemp("trained") / "out"),
        num_mixtures=(2,),
        pca_components=(4, 2),
        batch_size=32,
        base_learning_rate=0.05,
        num_epochs=2,
        phases=("pca", "moe"),
        rprop_steps=3,
        rprop_first_step=1e-3,
        log_steps=1,
        top_k=3,
        jit_compile=False,
    )
    assert annotate(config, DATA) is None
    return config


@pytest.fixture
def config(trained, tmp_path):
    """The same, not trained yet."""
    return dataclasses.replace(trained, output_dir=str(tmp_path / "out"))


def curves(config, run="mean_rgb+mean_audio/mixtures2"):
    return pd.read_csv(Path(config.output_dir, "runs", run, "training.csv"))


def saved_model(config, run="mean_rgb+mean_audio/mixtures2"):
    return keras.models.load_model(Path(config.output_dir, "runs", run, "model.keras"))


def checkpoint(config, name):
    """The weights of a checkpoint of the run, by the part of the model."""
    path = Path(config.output_dir, "runs", "mean_rgb+mean_audio", "mixtures2", name)
    model = AnnotationModel((6, 3), (4, 2), NUM_CLASSES, num_mixtures=2)
    model.build()
    status = tf.train.Checkpoint(model=model).read(str(path))
    status.assert_existing_objects_matched().expect_partial()
    return {"pca": model.block_pca.get_weights(), "moe": model.classifier.get_weights()}


def whole(files):
    (batch,) = Pipeline(files, DataConfig(**vars(DATA)), PipelineOptions(1000))
    return batch


def test_a_training_leaves_its_files(trained):
    out = Path(trained.output_dir)
    rows = json.loads((out / "results.json").read_text())
    assert [row["stage"] for row in rows] == ["Adam", "RPROP"]
    assert pd.read_csv(out / "results.csv").to_dict("records") == rows
    results, table = (out / "results.md").read_text().split("\n## Table 6. ")
    assert results.count("\n") == 4
    lines = table.splitlines()[2:]
    assert lines[2] == "| 1 WILLOW (paper) | – | – | 0.8300 | 0.8469 |"
    assert lines[13] == "| Video + Audio + CDML (paper) | 0.8430 | – | – | – |"
    best = max(rows, key=lambda row: row["gap"])
    name = f"mean_rgb+mean_audio, 2 mixtures, after {best['stage']}"
    assert lines[14:] == [f"| {name} | {best['gap']:.4f} | – | – | – |"]
    assert (out / "results.png").stat().st_size > 1000
    # PCA means 9, projections 6 · 4 + 3 · 2; gates 6 · 3 · 4, experts 6 · 2 · 4 + 2 · 4
    assert rows[0]["num_parameters"] == 9 + 30 + 72 + 56
    assert (out / "training.png").stat().st_size > 1000
    run = out / "runs" / "mean_rgb+mean_audio" / "mixtures2"
    validation = pd.read_csv(run / "validation.csv")
    # 80 videos: batches of 32, 32, 16 in each epoch; then 3 steps in each of two phases.
    assert validation["step"].tolist() == [3, 6, 9, 12]
    assert validation["epoch"].tolist() == [1, 2, 5, 8]
    assert rows[0]["gap"] == pytest.approx(validation["gap"][1])
    assert rows[1]["map"] == pytest.approx(validation["map"][3])
    assert rows[1]["step"] == 12
    history = curves(trained)
    assert history["step"].tolist() == [1, 2, 3, 4, 5, 6, 6, 7, 8, 9, 10, 11, 12]
    assert history["phase"].tolist() == [0] * 6 + [1] * 4 + [2] * 3
    assert json.loads((run / "result.json").read_text()) == rows


def test_figure_6_has_the_metrics_of_each_validation(trained):
    pytest.importorskip("matplotlib", reason="matplotlib is an extra")
    runs = plan(trained, DATA, (4, 2))
    figure = draw_training(runs)
    validation = pd.read_csv(Path(runs[0].directory, "validation.csv"))
    for axes, metric in zip(figure.axes, ("gap", "video_map", "map"), strict=True):
        (line,) = axes.get_lines()
        assert line.get_label() == "mean_rgb+mean_audio, 2 mixtures"
        assert list(line.get_xdata()) == [1, 2, 5, 8]
        np.testing.assert_allclose(line.get_ydata(), validation[metric])


def test_the_last_loss_and_metrics_are_those_of_the_saved_model(trained, records):
    model = saved_model(trained)
    train = whole([str(records / f"train{shard}.tfrecord") for shard in range(2)])
    loss = losses.CrossEntropyLoss()(train["labels"], model(train))
    expected = float(loss + tf.add_n(model.losses))
    assert curves(trained)["loss"].iloc[-1] == pytest.approx(expected, rel=1e-5)
    validation = whole([str(records / "val.tfrecord")])
    loss = float(losses.CrossEntropyLoss()(validation["labels"], model(validation)))
    results = pd.read_csv(Path(trained.output_dir, "results.csv"))
    assert results["loss"].iloc[-1] == pytest.approx(loss, rel=1e-4)
    # Each video has one label: its average precision is 1 / the label's rank among all classes.
    scores, labels = model(validation).numpy(), validation["labels"].numpy()
    ranks = (scores >= scores[labels][:, None]).sum(axis=1)
    assert results["video_map"].iloc[-1] == pytest.approx((1 / ranks).mean(), rel=1e-5)


def test_a_run_is_a_model_for_inference_and_eval(trained, records, tmp_path, monkeypatch, capsys):
    """Of a video-level model: the best two classes of each video, and the metrics of the run."""
    directory = str(Path(trained.output_dir, "runs/mean_rgb+mean_audio/mixtures2"))
    monkeypatch.setattr(time, "sleep", None)  # eval would wait for checkpoints
    pattern = str(records / "val.tfrecord")
    config = InferenceConfig(pattern, str(tmp_path / "submission.csv"), top_k=2)
    assert infer(ModelSource(directory), config).num_videos == 40
    assert "Model: 2 mixtures on mean_rgb+mean_audio: " in capsys.readouterr().out
    validation = whole([pattern])
    predictions = saved_model(trained)(validation).numpy()
    expected = {
        video_id.decode(): [(c, pytest.approx(p[c], rel=1e-4)) for c in np.argsort(-p)[:2]]
        for video_id, p in zip(validation["video_ids"].numpy(), predictions, strict=True)
    }
    lines = (line.split(",") for line in Path(config.output_file).read_text().splitlines()[1:])
    pairs = {video: np.reshape(text.split(), (2, 2)).astype(float) for video, text in lines}
    assert {video: [(int(c), p) for c, p in found] for video, found in pairs.items()} == expected
    metrics = evaluate_training(
        EvalConfig(train_dir=directory, eval_data_pattern=pattern, top_k=3)
    ).metrics
    results = pd.read_csv(Path(trained.output_dir, "results.csv"))
    assert metrics["gap"] == pytest.approx(results["gap"].iloc[-1], rel=1e-5)
    assert metrics["loss"] == pytest.approx(results["loss"].iloc[-1], rel=1e-5)


def test_what_a_run_is_not_is_refused(trained, records, tmp_path):
    directory = str(Path(trained.output_dir, "runs/mean_rgb+mean_audio/mixtures2"))
    config = InferenceConfig(str(records / "val.tfrecord"), str(tmp_path / "submission.csv"))
    with pytest.raises(ValueError, match="--checkpoint must be auto for a run of yt8m annotate"):
        infer(ModelSource(directory, "best"), config)
    with pytest.raises(ValueError, match="--output_model_tgz packs models of yt8m train"):
        infer(ModelSource(directory, output_model_tgz=str(tmp_path / "m.tgz")), config)
    with pytest.raises(ValueError, match="--num_classes: 4 there, 5 now"):
        infer(ModelSource(directory), config, {"num_classes": 5})
    segments = dataclasses.replace(config, segment_labels=True)
    with pytest.raises(ValueError, match="is the video-level AnnotationModel"):
        infer(ModelSource(directory), segments)


def test_the_pca_is_that_of_the_records_and_adam_leaves_it(trained, records):
    train = whole([str(records / f"train{shard}.tfrecord") for shard in range(2)])
    rgb = train["video_matrix"].numpy()[:, :6].astype(np.float64)
    fitted = np.load(Path(trained.output_dir, "pca.npz"))
    np.testing.assert_allclose(fitted["mean_rgb/mean"], rgb.mean(axis=0), atol=1e-9)
    _, vectors = np.linalg.eigh(np.cov(rgb.T, bias=True))
    cosines = np.abs(fitted["mean_rgb/projection"] @ vectors[:, ::-1][:, :4])
    np.testing.assert_allclose(cosines, np.eye(4), atol=1e-6)
    after_adam = checkpoint(trained, "adam/model.ckpt-6")
    np.testing.assert_array_equal(
        after_adam["pca"][2], fitted["mean_rgb/projection"].astype(np.float32)
    )


def test_a_phase_trains_its_part_alone_and_the_loss_falls(trained):
    names = ("adam/model.ckpt-6", "rprop/model.ckpt-9", "rprop/model.ckpt-12")
    stages = [checkpoint(trained, name) for name in names]
    for before, after, expected in (
        (*stages[:2], {"pca": True, "moe": False}),
        (*stages[1:], {"pca": False, "moe": True}),
    ):
        for part, is_trained in expected.items():
            for old, new in zip(before[part], after[part], strict=True):
                assert np.array_equal(old, new) != is_trained
    full_batch = curves(trained).query("phase > 0")["loss"]
    assert (np.diff(full_batch) < 0).all()


def test_table_7_is_of_the_genomes_tags(config, records, tmp_path):
    """The tags say what the embeddings do; of the 120 videos 117 are trailers of its movies."""
    scores, trailers = ["movieId,tagId,relevance"], ["title,youtubeId,movieId"]
    movies = [(video_id, label) for seed in range(3) for video_id, label, _, _ in videos(40, seed)]
    for movie, (video_id, label) in enumerate(movies[:117]):
        trailers.append(f"M,{video_id.decode()},{movie}")
        scores += [f"{movie},{tag},{0.9 if tag == 5 + label else 0.2}" for tag in (5, 6, 7, 8)]
    (tmp_path / "genome-scores.csv").write_text("\n".join(scores))
    (tmp_path / "genome-tags.csv").write_text("tagId,tag\n5,bleak\n6,noir\n7,cult\n8,slow\n")
    (tmp_path / "ml-youtube.csv").write_text("\n".join(trailers))
    config = dataclasses.replace(
        config,
        genome_dir=str(tmp_path),
        trailers=str(tmp_path / "ml-youtube.csv"),
        genome_min_movies=5,
        genome_relevance=0.5,
        cdml_dir=str(records / "embeddings"),
        num_epochs=2,
        phases=(),
    )
    assert annotate(config, VideoDataConfig(("mean_rgb", "mean_audio"), (6, 3))) is None
    out = Path(config.output_dir)
    copied = whole([str(path) for path in (out / "records" / "train").glob("*.tfrecord")])
    labels = dict(movies)
    assert [np.flatnonzero(row).tolist() for row in copied["labels"].numpy()[:, :5]] == [
        [labels[video_id]] for video_id in copied["video_ids"].numpy()
    ]
    assert (out / "vocabulary.csv").read_text() == "Index,Name\n0,bleak\n1,noir\n2,cult\n3,slow\n"
    results = pd.read_csv(out / "results.csv")
    names = ["mean_rgb", "mean_audio", "mean_rgb+mean_audio", "mean_rgb+mean_audio+cdml"]
    assert results["features"].tolist() == names
    assert results["num_videos"].tolist() == [37] * 4
    gap = results.set_index("features")["gap"]
    assert gap[names[3]] > gap[names[2]] > gap["mean_audio"]
    lines = (out / "results.md").read_text().split("\n## Table 7. ")[1].splitlines()[4:]
    paper = ["Video only", "Audio only", "Video + Audio", "Video + Audio + CDML"]
    figures = ["0.2717", "0.2429", "0.2972", "0.3115"]
    assert lines == [
        *(f"| {row} (paper) | {value} |" for row, value in zip(paper, figures, strict=True)),
        *(f"| {name}, 2 mixtures, after Adam | {gap[name]:.4f} |" for name in names),
    ]


def test_experts_have_no_bias_where_asked(trained, config):
    config = dataclasses.replace(config, expert_bias=False, num_epochs=1, phases=())
    assert annotate(config, DATA) is None
    model = saved_model(config)
    assert [weight.name for weight in model.classifier.weights] == [
        *("gates_kernel", "experts_kernel")
    ]
    assert len(saved_model(trained).classifier.weights) == 3
    with pytest.raises(ValueError, match="--expert_bias: false there, true now"):
        annotate(dataclasses.replace(config, expert_bias=True), DATA)


def test_results_of_earlier_versions_are_taken_up(trained, config):
    """They had no flag of the bias, and no MAP of videos."""
    out = Path(config.output_dir)
    shutil.copytree(trained.output_dir, out)
    settings = json.loads((out / "settings.json").read_text())
    del settings["expert_bias"]
    (out / "settings.json").write_text(json.dumps(settings))
    path = out / "runs" / "mean_rgb+mean_audio" / "mixtures2" / "result.json"
    rows = json.loads(path.read_text())
    path.write_text(json.dumps([{k: row[k] for k in row if k != "video_map"} for row in rows]))
    assert annotate(config, DATA) is None
    results = pd.read_csv(out / "results.csv")
    assert results["gap"].tolist() == [row["gap"] for row in rows]
    assert results["video_map"].isna().all()


def test_adam_trains_the_pca_where_asked(config):
    config = dataclasses.replace(config, phases=(), adam_trains_pca=True, num_epochs=1)
    annotate(config, DATA)
    fitted = np.load(Path(config.output_dir, "pca.npz"))
    learnt = saved_model(config).block_pca.projections[0].numpy()
    assert np.abs(learnt - fitted["mean_rgb/projection"]).max() > 1e-3
    results = pd.read_csv(Path(config.output_dir, "results.csv"))
    assert results["stage"].tolist() == ["Adam"]


@pytest.mark.parametrize("jit_compile", [False, True])
def test_full_batches_are_the_sum_of_all_batches(jit_compile):
    """The gradient that RPROP sees is that of all videos, though the last batch is short."""
    keras.utils.set_random_seed(0)
    model = AnnotationModel((5,), (3,), num_classes=4, num_mixtures=2, l2=0.1)
    model.build()
    rng = np.random.default_rng(0)
    features = rng.normal(size=(10, 5)).astype(np.float32)
    labels = rng.random((10, 4)) < 0.3
    loss = losses.CrossEntropyLoss()
    with tf.GradientTape() as tape:
        value = loss(labels, model({"video_matrix": features})) + tf.add_n(model.losses)
    variables = model.trainable_variables
    expected = tape.gradient(value, [variable.value for variable in variables])

    optimizer = keras.optimizers.SGD(1.0)
    optimizer.build(variables)
    sums = FullBatch(model, variables, optimizer, loss, 10, jit_compile)
    batches = [
        {
            "video_matrix": tf.constant(features[first : first + 4]),
            "labels": tf.constant(labels[first : first + 4]),
        }
        for first in (0, 4, 8)
    ]
    for _ in range(2):  # a second pass begins anew
        assert sums.sum(batches) == pytest.approx(float(value), rel=1e-6)
    before = [variable.numpy() for variable in variables]
    sums.apply()
    for variable, old, gradient in zip(variables, before, expected, strict=True):
        np.testing.assert_allclose(old - variable.numpy(), gradient, rtol=1e-4, atol=1e-6)


def test_more_mixtures_are_added_without_training_the_others_again(trained, config):
    shutil.copytree(trained.output_dir, config.output_dir)
    result = Path(config.output_dir, "runs/mean_rgb+mean_audio/mixtures2/result.json")
    modified = result.stat().st_mtime_ns
    annotate(dataclasses.replace(config, num_mixtures=(2, 3)), DATA)
    assert result.stat().st_mtime_ns == modified
    results = pd.read_csv(Path(config.output_dir, "results.csv"))
    assert results["num_mixtures"].tolist() == [2, 2, 3, 3]


class _Stop:
    """An interruption after so many looks."""

    def __init__(self, looks):
        self.looks = looks

    @property
    def signal(self):
        self.looks -= 1
        return 15 if self.looks < 0 else None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        pass


def test_an_interrupted_run_goes_on_as_if_nothing_had_happened(trained, config, monkeypatch):
    # In the PCA; at Adam's fifth batch (3 looks in the PCA, 2 at each batch); in the third pass of
    # RPROP (after Adam's sixth batch, and 3 in each pass); in the third pass from there.
    for looks in (2, 3 + 8, 2 + 6 + 1, 6 + 1):
        with monkeypatch.context() as patch:
            patch.setattr(annotating, "Interruption", lambda looks=looks: _Stop(looks))
            assert annotate(config, DATA) == 15
    assert annotate(config, DATA) is None
    for name in ("training.csv", "validation.csv"):
        received, expected = (
            pd.read_csv(Path(of.output_dir, "runs/mean_rgb+mean_audio/mixtures2", name))
            for of in (config, trained)
        )
        pd.testing.assert_frame_equal(received, expected, check_dtype=False, check_exact=True)
    weights = (saved_model(of).get_weights() for of in (config, trained))
    for received, expected in zip(*weights, strict=True):
        np.testing.assert_array_equal(received, expected)


def test_cdml_embeddings_are_joined_and_compared(config, records, capsys):
    config = dataclasses.replace(
        config,
        cdml_dir=str(records / "embeddings"),
        cdml_components=4,
        num_epochs=4,
        base_learning_rate=0.2,
        phases=(),
    )
    annotate(config, DATA)
    results = pd.read_csv(Path(config.output_dir, "results.csv"))
    plain, joined = "mean_rgb+mean_audio", "mean_rgb+mean_audio+cdml"
    assert results["features"].tolist() == [plain, joined]
    assert results["gap"][1] > results["gap"][0] + 0.05  # the embeddings show the labels
    assert saved_model(config, f"{joined}/mixtures2").components == (4, 2, 4)
    assert "40 videos in" in (output := capsys.readouterr().out)
    assert "1 of them have no embedding, zeros stand in its place" in output
    table = Path(config.output_dir, "results.md").read_text().splitlines()
    assert table[0].count(f"{joined}: GAP") == 1
    # The joined records serve every other program too.
    records_dir = Path(config.output_dir, "records", "validation")
    data = DataConfig(("cdml", "mean_rgb"), (5, 6), num_classes=NUM_CLASSES)
    (batch,) = Pipeline([str(records_dir / "val.tfrecord")], data, PipelineOptions(100))
    assert batch["video_matrix"].shape == (40, 11)


def test_records_with_embeddings_are_compared_with_and_without_them(config):
    config = dataclasses.replace(config, compare_without="cdml", num_mixtures=(5, 10))
    data = DataConfig(("mean_rgb", "cdml", "mean_audio"), (6, 5, 3), num_classes=NUM_CLASSES)
    runs = plan(config, data, (4, 3, 2))
    assert [(run.features, run.num_mixtures, run.components) for run in runs] == [
        ("mean_rgb+mean_audio", 5, (4, 2)),
        ("mean_rgb+cdml+mean_audio", 5, (4, 3, 2)),
        ("mean_rgb+mean_audio", 10, (4, 2)),
        ("mean_rgb+cdml+mean_audio", 10, (4, 3, 2)),
    ]
    assert runs[0].data.feature_sizes == (6, 3)


def test_a_directory_of_other_flags_is_refused(trained):
    with pytest.raises(ValueError, match="belongs to other flags") as error:
        annotate(dataclasses.replace(trained, rprop_steps=5), DATA)
    assert "--rprop_steps: 3 there, 5 now" in str(error.value)
    annotate(trained, dataclasses.replace(DATA, unequal_frames="error"))  # there are no frames


def test_flags_that_do_not_fit_the_features_are_refused(config, records):
    for kept in ((4,), (4, 5), (7, 2), (0, 2)):
        with pytest.raises(ValueError, match="--pca_components must be a number for each"):
            annotate(dataclasses.replace(config, pca_components=kept), DATA)
    with pytest.raises(ValueError, match="--compare_without must be one of several"):
        annotate(dataclasses.replace(config, compare_without="cdml"), DATA)
    cdml = dataclasses.replace(config, cdml_dir=str(records / "embeddings"), cdml_components=6)
    with pytest.raises(ValueError, match="--cdml_components must be at least 1 and at most 5"):
        annotate(cdml, DATA)


def test_records_that_do_not_fit_are_refused(config, tmp_path):
    few = dataclasses.replace(config, train_data_pattern=str(tmp_path / "few.tfrecord"))
    features = {"mean_rgb": np.arange(6.0), "mean_audio": np.ones(3)}
    write_records(tmp_path / "few.tfrecord", [video_record(b"a", [1], features)] * 3)
    with pytest.raises(ValueError, match="mean_rgb has 4 components, which need as many training "):
        annotate(few, DATA)
    features["mean_audio"] = np.array([0.0, np.nan, 1.0])
    write_records(tmp_path / "few.tfrecord", [video_record(b"nan!", [1], features)])
    with pytest.raises(
        ValueError, match=r"record 0 .*'nan!': value 1 of feature 'mean_audio' must be"
    ):
        annotate(few, DATA)
    other = dataclasses.replace(few, output_dir=config.output_dir + "-2")
    data = VideoDataConfig(DATA.feature_names, (6, 4), num_classes=NUM_CLASSES)
    with pytest.raises(ValueError, match=r"few\.tfrecord: record 0 .*mean_audio"):
        annotate(other, data)


def test_a_loss_that_is_no_number_ends_the_training(config):
    with pytest.raises(ValueError, match=r"became infinite or not a number at step 2, .*--base_l"):
        annotate(dataclasses.replace(config, base_learning_rate=1e38, clip_gradient_norm=0), DATA)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"output_dir": ""}, "--output_dir must be given"),
        ({"num_mixtures": (5, 5)}, "--num_mixtures must have entries that differ; received 5,5"),
        ({"phases": ("pca", "adam")}, "--phases=adam: must be one of pca, moe"),
        ({"rprop_first_step": 0.0}, "--rprop_first_step must be above 0; received 0.0"),
        ({"batch_size": 0}, "--batch_size must be at least 1; received 0"),
        ({"missing": "skip"}, "--missing=skip: must be one of zeros, error"),
        ({"cdml_components": 3}, "--cdml_components needs --cdml_dir"),
        ({"cdml_dir": "x", "compare_without": "cdml"}, "--compare_without is for records that"),
    ],
)
def test_wrong_flags_are_refused(options, message):
    flags = {"train_data_pattern": "a", "eval_data_pattern": "b", "output_dir": "c"}
    with pytest.raises(ValueError, match=message):
        AnnotateConfig(**{**flags, **options})


def test_frame_level_records_are_refused():
    with pytest.raises(ValueError, match="--frame_features must be false"):
        VideoDataConfig(("rgb",), (8,), frame_features=True)


@pytest.mark.parametrize("program", ["annotate", "join_embeddings"])
def test_help_needs_no_tensorflow(program):
    code = (
        "import sys, runpy; sys.argv = ['x', '--help']\n"
        f"try: runpy.run_module('yt8m_models.annotation.{program}', run_name='__main__')\n"
        "except SystemExit as end: print(end.code, 'tensorflow' in sys.modules)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT, check=True
    )
    assert result.stdout.splitlines()[-1] == "0 False"
