"""Programs on a cluster of a master and two workers, some of which are killed at work."""

import dataclasses
import threading
import time
import wave
from functools import partial
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pyspark", reason="needs the extra `spark`")

from tests.engines.dying import DyingReader, Finishes, WaitsForDeath
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.record_reader import read_records
from yt8m_models.data.records import frame_record, video_record, write_records
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.create import create_embedding_model
from yt8m_models.embedding.embed import embedding
from yt8m_models.embedding.embed.config import EmbedConfig
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.embedding.model_record import ModelRecord
from yt8m_models.engines.spread import spread
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.extraction.extract import extraction
from yt8m_models.extraction.extract.config import ExtractConfig
from yt8m_models.extraction.extractor import Extractor
from yt8m_models.extraction.label import labelling
from yt8m_models.extraction.label.config import LabelConfig
from yt8m_models.features.build_features import building
from yt8m_models.features.build_features.config import BuildFeaturesConfig
from yt8m_models.features.feature_table import FeatureTable
from yt8m_models.graph.build_graph import spark_co_watches
from yt8m_models.graph.build_graph.building import build_graph
from yt8m_models.graph.build_graph.config import BuildGraphConfig
from yt8m_models.models import create_model
from yt8m_models.prediction import inference, spread_inference
from yt8m_models.prediction.config import InferenceConfig, ModelSource
from yt8m_models.recommendation.glmix import prediction
from yt8m_models.recommendation.mixed_effects import evaluation, fitting, spread_users
from yt8m_models.recommendation.mixed_effects.config import GLMixConfig
from yt8m_models.recommendation.mixed_effects.glmix import GLMix
from yt8m_models.recommendation.recommend import recommending
from yt8m_models.recommendation.recommend.config import RecommendConfig
from yt8m_models.retrieval.index import Index
from yt8m_models.training.checkpoints import Checkpoints
from yt8m_models.training.train_dir import record_model_flags

NAMES, SIZES = ("mean_rgb", "mean_audio"), (6, 4)


def contents(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir()}


def test_rows_that_a_dead_worker_had_read_count_once(cluster, tmp_path, monkeypatch):
    rng = np.random.default_rng(1)
    for part in range(3):
        rows = [f"u{rng.integers(9)},v{rng.integers(12)},{60 * row}" for row in range(300)]
        text = "\n".join(["user_id,video_id,timestamp", *rows, ""])
        (tmp_path / f"{part}.csv").write_text(text)
    monkeypatch.chdir(tmp_path)  # workers are in directories of their own
    config = {"watch_log": "*.csv", "edge_weights": "events"}
    build_graph(BuildGraphConfig(output_dir="duckdb", **config))
    monkeypatch.setattr(
        spark_co_watches,
        "LogReader",
        lambda config, paths, *rest: DyingReader(config, [str(tmp_path / p) for p in paths], *rest),
    )
    build_graph(BuildGraphConfig(output_dir="spark", **config), spark=cluster.spark)
    assert (tmp_path / "died").exists()
    assert contents(tmp_path / "spark") == contents(tmp_path / "duckdb")


def test_embeddings_of_a_cluster_are_those_of_one_process(cluster, tmp_path, monkeypatch, capsys):
    import tensorflow as tf

    ids = [b"v%02d" % row for row in range(11)]
    values = np.random.default_rng(0).uniform(-1.9, 1.9, (len(ids), sum(SIZES)))
    FeatureTable.write(tmp_path / "features", ids, [values], NAMES, SIZES)
    model_config = EmbeddingConfig(hidden_size=(5,), embedding_size=3)
    ModelRecord(model_config, NAMES, SIZES).write(str(tmp_path / "train"))
    model = create_embedding_model(model_config, NAMES, SIZES)
    step = tf.Variable(7, dtype=tf.int64)
    Checkpoints(str(tmp_path / "train"), 1, model=model, step=step).save(7)
    monkeypatch.chdir(tmp_path)
    config = partial(EmbedConfig, train_dir="train", features_dir="features", shard_size=3)
    embedding.embed(config(output_dir="local"))

    def dying(spark, work, items):
        assert items == [0, 1, 2, 3]
        return spread(spark, Finishes(work, str(tmp_path), dies_at=2), items)

    monkeypatch.setattr(embedding, "spread", dying)
    embeddings = embedding.embed(config(output_dir="spark"), spark=cluster.spark)
    assert (tmp_path / "died").exists()
    assert contents(tmp_path / "spark") == contents(tmp_path / "local")
    assert embeddings.ids.to_array().tolist() == ids
    assert capsys.readouterr().out.count("Model: ") == 2


@pytest.fixture(scope="module")
def classifier(tmp_path_factory):
    """A video-level model, and records of eleven videos in three files; one id comes twice."""
    import tensorflow as tf

    directory = tmp_path_factory.mktemp("classifier")
    data = DataConfig(("mean_rgb",), (6,), num_classes=5)
    model_config = ModelConfig("LogisticModel")
    record_model_flags(str(directory / "model"), model_config, data, "CrossEntropyLoss")
    step = tf.Variable(3, dtype=tf.int64)
    created = create_model(model_config, data)
    Checkpoints(str(directory / "model"), keep=1, model=created, step=step).save(3)
    rng = np.random.default_rng(0)
    ids = [b"v%02d" % row for row in range(9)] + [b"a,b", b"v00"]
    records = [video_record(i, [1], {"mean_rgb": rng.uniform(-2, 2, 6)}) for i in ids]
    for part, place in enumerate(range(0, 11, 4)):
        write_records(directory / f"{part}.tfrecord", records[place : place + 4])
    return directory


def test_a_submission_of_a_cluster_is_that_of_one_process(
    cluster, classifier, monkeypatch, tmp_path
):
    monkeypatch.chdir(classifier)
    source = ModelSource(train_dir="model")
    config = partial(InferenceConfig, input_data_pattern="*.tfrecord", num_readers=1, top_k=3)
    local = inference.infer(source, config(output_file="local.csv"))

    def dying(spark, work, items):
        return spread(spark, Finishes(work, str(tmp_path), dies_at=items[1]), items)

    monkeypatch.setattr(spread_inference, "spread", dying)
    expected = {"feature_names": ("mean_rgb",)}
    found = inference.infer(source, config(output_file="spark.csv"), expected, cluster.spark)
    assert (tmp_path / "died").exists()
    assert found.num_videos == local.num_videos == 11
    assert found.problems == local.problems
    assert "1 ids came more than once, such as 'v00'" in found.problems
    lines, ours = (
        [line.replace(",", " ").split() for line in path.read_text().splitlines()]
        for path in (classifier / "local.csv", classifier / "spark.csv")
    )
    assert [line[0::2] for line in lines] == [line[0::2] for line in ours]
    for line, our in zip(lines[1:], ours[1:], strict=True):
        np.testing.assert_allclose(np.array(our[-5::2], float), np.array(line[-5::2], float), 1e-5)
    assert not list(classifier.glob(".*"))


def test_bad_records_of_all_workers_count_together(cluster, classifier, tmp_path):
    for part, record in enumerate([b"no record", b"no record, again"]):
        write_records(tmp_path / f"{part}.tfrecord", [record])
    pattern = f"{classifier}/0.tfrecord,{tmp_path}/*.tfrecord"
    config = partial(InferenceConfig, pattern, str(tmp_path / "out.csv"))
    source = ModelSource(train_dir=str(classifier / "model"))
    with pytest.raises(ValueError, match=r"max_bad_records=1 bad records: .*0\.tfrecord: skipped"):
        inference.infer(source, config(max_bad_records=1), spark=cluster.spark)
    nothing = dataclasses.replace(config(max_bad_records=2), input_data_pattern=f"{tmp_path}/*d")
    with pytest.raises(ValueError, match=r"^no video in 2 files\n.*0\.tfrecord: skipped 1 bad"):
        inference.infer(source, nothing, spark=cluster.spark)
    assert not (tmp_path / "out.csv").exists()
    summary = inference.infer(source, config(max_bad_records=2), spark=cluster.spark)
    assert summary.num_videos == 4
    assert summary.problems.count("skipped 1 bad record") == 2
    with pytest.raises(ValueError, match=r"--segment_labels goes with --engine=local"):
        inference.infer(source, config(segment_labels=True), spark=cluster.spark)
    assert {path.name for path in tmp_path.iterdir()} == {"0.tfrecord", "1.tfrecord", "out.csv"}


@pytest.mark.parametrize("flags", [{}, {"dtype": "float16", "max_bad_records": 1}])
def test_features_of_a_cluster_are_those_of_one_process(
    cluster, classifier, monkeypatch, tmp_path, flags
):
    """Ten videos in three files; with flags also a file without a good record."""
    files = map(str, sorted(classifier.glob("*.tfrecord")))
    records = [record for file in files for _, record in read_records(file)]
    for part, place in enumerate(range(0, 10, 4)):
        write_records(tmp_path / f"{part}.tfrecord", records[place : min(place + 4, 10)])
    if flags:
        write_records(tmp_path / "9.tfrecord", [b"no record"])
    monkeypatch.chdir(tmp_path)
    data = DataConfig(("mean_rgb",), (6,), num_classes=5)
    config = partial(BuildFeaturesConfig, data_pattern="*.tfrecord", num_readers=1, **flags)
    local = building.build_features(config(output_dir="local"), data)

    def dying(spark, work, items):
        return spread(spark, Finishes(work, str(tmp_path), dies_at=items[1]), items)

    monkeypatch.setattr(building, "spread", dying)
    found = building.build_features(config(output_dir="spark"), data, spark=cluster.spark)
    assert (tmp_path / "died").exists()
    assert (found.num_videos, found.num_bytes) == (10, local.num_bytes)
    assert found.num_clipped == local.num_clipped
    assert contents(tmp_path / "spark") == contents(tmp_path / "local")
    assert ("skipped 1 bad record" in (found.problems or "")) == bool(flags)
    write_records(tmp_path / "10.tfrecord", records[:1])
    with pytest.raises(ValueError, match=r"'v00' is there twice: 0\.tfrecord.*10\.tfrecord"):
        building.build_features(config(output_dir="twice"), data, spark=cluster.spark)


def test_a_table_of_files_of_a_cluster_is_that_of_one_process(cluster, monkeypatch, tmp_path):
    duckdb = pytest.importorskip("duckdb")
    monkeypatch.chdir(tmp_path)
    for part in range(3):
        rows = (
            f"select 'v' || i as id, [i, i / 10] as rgb from range({9 * part}, {9 * part + 9}) r(i)"
        )
        duckdb.sql(f"copy ({rows}) to '{part}, [1].parquet' (format parquet)")
    data = DataConfig(("rgb",), (2,), num_classes=5)
    config = partial(BuildFeaturesConfig, table="*.parquet")
    local = building.build_features(config(output_dir="local"), data)

    def dying(spark, work, items):
        assert len(items) == 3
        return spread(spark, Finishes(work, str(tmp_path), dies_at=items[1]), items)

    monkeypatch.setattr(building, "spread", dying)
    found = building.build_features(config(output_dir="spark"), data, spark=cluster.spark)
    assert (tmp_path / "died").exists()
    assert found.num_videos == local.num_videos == 27
    assert contents(tmp_path / "spark") == contents(tmp_path / "local")


@pytest.mark.parametrize("max_bad_records", [0, 1])
def test_an_index_of_frames_of_a_cluster_is_that_of_one_process(
    cluster, monkeypatch, tmp_path, max_bad_records
):
    monkeypatch.chdir(tmp_path)
    frames = np.random.default_rng(0).integers(256, size=(7, 3, 4), dtype=np.uint8)
    records = [frame_record(f"v{n}".encode(), [1], {"rgb": rows}) for n, rows in enumerate(frames)]
    write_records("0.tfrecord", records[:3])
    write_records("1.tfrecord", [*records[3:], *[b"no record"] * max_bad_records])
    data = DataConfig(("rgb",), (4,), frame_features=True, num_classes=5)
    config = partial(
        BuildFeaturesConfig, data_pattern="*.tfrecord", max_bad_records=max_bad_records
    )
    local = building.build_features(config(output_dir="local"), data)
    found = building.build_features(config(output_dir="spark"), data, spark=cluster.spark)
    assert found.num_videos == local.num_videos == 7
    assert contents(tmp_path / "spark") == contents(tmp_path / "local")
    assert (found.problems is None) == (local.problems is None) == (not max_bad_records)


@pytest.fixture
def sounds(monkeypatch, tmp_path):
    """The directory of four sounds and of a file that is none, which becomes the current one."""
    pytest.importorskip("av", reason="needs the extra `video`")
    monkeypatch.chdir(tmp_path)
    for number in range(4):
        with wave.open(f"{number}.wav", "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", ""))
            tone = np.sin(np.arange(40_000) * (0.1 + 0.1 * number)) * 9_000
            file.writeframes(tone.astype("<i2").tobytes())
    Path("4.wav").write_text("no sound")
    return tmp_path


def test_labels_of_a_cluster_are_those_of_one_process(cluster, sounds, monkeypatch, capsys):
    import tensorflow as tf

    features = ExtractionConfig(rgb_model="none")
    sizes = Extractor(features).sizes
    data = DataConfig(tuple(sizes), tuple(sizes.values()), frame_features=True, num_classes=5)
    model_config = ModelConfig("FrameLevelLogisticModel")
    record_model_flags("model", model_config, data, "CrossEntropyLoss")
    step = tf.Variable(3, dtype=tf.int64)
    Checkpoints("model", keep=1, model=create_model(model_config, data), step=step).save(3)
    Path("vocabulary.csv").write_text("Index,Name\n0,zero\n1,one\n")
    config = partial(
        LabelConfig, train_dir="model", videos="*.wav", vocabulary="vocabulary.csv", top_k=3
    )
    local = labelling.label(config(output_file="local.csv"), features)
    printed = capsys.readouterr()

    def dying(spark, work, items):
        assert len(items) == 5
        return spread(spark, Finishes(work, str(sounds), dies_at=items[1]), items)

    monkeypatch.setattr(labelling, "spread", dying)
    found = labelling.label(config(output_file="spark.csv"), features, (), cluster.spark)
    assert (sounds / "died").exists()
    assert found.num_failures == local.num_failures == 1
    assert len(found.labelled) == 4
    for ours, theirs in zip(found.labelled, local.labelled, strict=True):
        assert ours.video == theirs.video
        assert [label[:2] for label in ours.labels] == [label[:2] for label in theirs.labels]
        scores = [label.score for label in theirs.labels]
        np.testing.assert_allclose([label.score for label in ours.labels], scores, atol=1e-5)
    assert {label.name for label in found.labelled[0].labels} & {"zero", "one", ""}
    again = capsys.readouterr()
    assert again.out == printed.out
    assert "4.wav" in again.err
    assert str(sounds) not in again.err


def test_an_extraction_of_a_cluster_is_that_of_one_process(cluster, sounds, monkeypatch):
    tmp_path = sounds
    features = ExtractionConfig(rgb_model="none")
    config = partial(ExtractConfig, videos="*.wav", videos_per_shard=2)
    local = extraction.extract(config(output_dir="local"), features)

    def dying(spark, work, items):
        return spread(spark, Finishes(work, str(tmp_path), dies_at=items[0]), items)

    monkeypatch.setattr(extraction, "spread", dying)
    found = extraction.extract(config(output_dir="spark"), features, spark=cluster.spark)
    assert (tmp_path / "died").exists()
    assert found == local
    assert (found.num_videos, found.num_shards) == (4, 2)
    assert "4.wav" in found.problems
    assert str(tmp_path) not in found.problems
    assert contents(tmp_path / "spark") == contents(tmp_path / "local")
    strict = config(output_dir="none", max_bad_videos=0)
    with pytest.raises(ValueError, match=r"more than --max_bad_videos=0 videos cannot be read"):
        extraction.extract(strict, features, spark=cluster.spark)


@pytest.fixture(scope="module")
def watched(tmp_path_factory):
    """A log of 40 users with labels and impressions, embeddings of 30 videos, and their index."""
    directory = tmp_path_factory.mktemp("watched")
    rng = np.random.default_rng(2)
    vectors = rng.normal(size=(30, 5)).astype(np.float32)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    ids = [f"v{row}" for row in range(len(vectors))]
    Index.build(Embeddings.write(directory / "embeddings", ids, vectors, "m1")).save(
        directory / "index"
    )
    users, videos = rng.integers(40, size=900), rng.integers(33, size=900)
    tastes = rng.normal(size=(40, 5))
    likes = np.einsum("nd,nd->n", vectors[videos % 30], tastes[users]) + rng.normal(size=900)
    text = "".join(
        f"u{user},v{video},{int(rng.random() < 0.1)},{int(like > 0)}\n"
        for user, video, like in zip(users, videos, likes, strict=True)
    )
    (directory / "log.csv").write_text(f"user_id,video_id,impression,label\n{text}new,v32,0,1\n")
    return directory


def test_recommendations_of_a_cluster_are_those_of_one_process(
    cluster, watched, monkeypatch, tmp_path
):
    monkeypatch.chdir(watched)
    config = partial(RecommendConfig, watch_log="log.csv", index_dir="index", top_k=4)
    chosen = {"users": ("u3", "u5", "new", "nobody"), "aggregation": "max", "last_videos": 2}
    died = []

    def dying(spark, work, items):
        died.append(tmp_path / f"died-{len(died)}")
        died[-1].mkdir()
        return spread(spark, Finishes(work, str(died[-1]), dies_at=items[1]), items)

    monkeypatch.setattr(recommending, "spread", dying)
    for number, flags in enumerate(({}, chosen, {"embeddings_dir": "embeddings"})):
        local = recommending.recommend(config(output=f"local{number}.csv", **flags))
        spark = config(output=f"spark{number}.csv", **flags)
        assert recommending.recommend(spark, spark=cluster.spark) == local
        assert local.num_lines > 7
        ours = (watched / f"spark{number}.csv").read_text()
        assert ours == (watched / f"local{number}.csv").read_text()
    assert all((directory / "died").exists() for directory in died)
    assert len(died) == 3
    assert not list(watched.glob(".*"))
    with pytest.raises(ValueError, match="--output must be given with --engine=spark"):
        recommending.recommend(config(), spark=cluster.spark)


def test_a_glmix_of_a_cluster_is_that_of_one_process(cluster, watched, monkeypatch, tmp_path):
    monkeypatch.chdir(watched)
    config = partial(GLMixConfig, watch_log="log.csv", embeddings_dir="embeddings")
    local = fitting.train(config(glmix_dir="local"))
    rounds = []

    def dying(spark, work, items):
        rounds.append(items)
        dies_at = items[1] if len(rounds) == 2 else None
        return spread(spark, Finishes(work, str(tmp_path), dies_at), items)

    monkeypatch.setattr(spread_users, "spread", dying)
    text, left_out = fitting.train(config(glmix_dir="spark"), spark=cluster.spark)
    assert (tmp_path / "died").exists()
    assert len(rounds) > 2
    assert len(rounds[0]) > 4
    assert left_out == local[1]
    assert text.partition(", objective")[0] == local[0].partition(", objective")[0]
    expected, found = GLMix.load(watched / "local"), GLMix.load(watched / "spark")
    np.testing.assert_allclose(found.fixed, expected.fixed, atol=1e-9)
    np.testing.assert_allclose(found.coefficients, expected.coefficients, atol=1e-6)
    assert np.abs(expected.coefficients).max() > 0.1
    exact = ("users", "users_ends", "trained_videos", "trained_videos_ends")
    for name in exact:
        ours = (watched / "spark" / f"{name}.npy").read_bytes()
        assert ours == (watched / "local" / f"{name}.npy").read_bytes()
    assert not list(watched.glob(".*"))


def test_an_evaluation_of_a_glmix_of_a_cluster_is_that_of_one_process(
    cluster, watched, monkeypatch, tmp_path
):
    monkeypatch.chdir(watched)
    config = partial(
        GLMixConfig, watch_log="log.csv", embeddings_dir="embeddings", glmix_dir="of-evaluation"
    )
    fitting.train(config())
    local = evaluation.evaluate(config(mode="evaluate"))

    def dying(spark, work, items):
        assert len(items) > 4
        return spread(spark, Finishes(work, str(tmp_path), dies_at=items[1]), items)

    monkeypatch.setattr(evaluation, "spread", dying)
    found = evaluation.evaluate(config(mode="evaluate"), spark=cluster.spark)
    assert (tmp_path / "died").exists()
    assert dataclasses.asdict(found) == pytest.approx(dataclasses.asdict(local), abs=1e-12)
    assert found.fixed_auc < found.auc < 1
    assert not list(watched.glob(".*"))


def test_predictions_of_a_glmix_of_a_cluster(cluster, watched, monkeypatch, tmp_path):
    monkeypatch.chdir(watched)
    (tmp_path / "empty.csv").write_text("user_id,video_id\n")
    (tmp_path / "more, [1].csv").write_text("user_id,video_id\nu1,v2\nnobody,v3\nu1,gone\n")
    (tmp_path / "unknown.csv").write_text("user_id,video_id\nu1,gone\n")
    config = partial(GLMixConfig, embeddings_dir="embeddings", glmix_dir="of-predictions")
    fitting.train(config(watch_log="log.csv"))
    predicts = partial(config, mode="predict", watch_log=f"log.csv,{tmp_path}/*.csv")
    local = prediction.predict(predicts(output="local-scores.csv"))

    def dying(spark, work, items):
        assert len(items) == 4
        return spread(spark, Finishes(work, str(tmp_path), dies_at=items[2]), items)

    monkeypatch.setattr(prediction, "spread", dying)
    text, left_out = prediction.predict(predicts(output="scores.csv"), spark=cluster.spark)
    assert (tmp_path / "died").exists()
    assert text == local[0].replace("local-scores.csv", "scores.csv")
    assert left_out == local[1]
    ours = (watched / "scores.csv").read_text()
    assert ours == (watched / "local-scores.csv").read_text()
    assert ours.splitlines()[-1].startswith("nobody,v3,0.")
    monkeypatch.setattr(prediction, "spread", spread)
    for name, message in (
        ("empty", "there are no pairs"),
        ("unknown", "no id in common: .*'gone'"),
    ):
        pairs = predicts(watch_log=f"{tmp_path}/{name}.csv", output="none.csv")
        with pytest.raises(ValueError, match=message):
            prediction.predict(pairs, spark=cluster.spark)
    with pytest.raises(ValueError, match=r"gs://b/scores\.csv must be local with --engine=spark"):
        prediction.predict(predicts(output="gs://b/scores.csv"), spark=cluster.spark)
    assert not list(watched.glob(".*"))
    assert not (watched / "none.csv").exists()


def test_the_others_do_what_a_lost_worker_had_to_do(cluster, tmp_path):
    """The last test of this module: one worker is gone afterwards."""

    def kill():
        place = tmp_path / "place"
        while not (place.exists() and place.read_text().endswith("\n")):
            time.sleep(0.05)
        cluster.kill(Path(place.read_text().strip()))

    killer = threading.Thread(target=kill, daemon=True)
    killer.start()
    items = list(range(6))
    assert spread(cluster.spark, WaitsForDeath(str(tmp_path)), items) == items
    killer.join()
    assert {path.name for path in tmp_path.glob("*.txt")} == {f"{item}.txt" for item in items}
    assert sum(worker.poll() is not None for worker in cluster.workers.values()) == 1
