"""Embedding of a table of features: resuming, order, frames, raw features, and what is refused."""

import hashlib
import json
import os
import subprocess
import sys

import keras
import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.quantization import dequantize
from yt8m_models.data.record_index import index_records
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.create import create_embedding_model
from yt8m_models.embedding.embed.config import EmbedConfig
from yt8m_models.embedding.embed.embedding import embed
from yt8m_models.embedding.embedder import Embedder
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.embedding.loading import load_embedding_model, model_identity
from yt8m_models.embedding.model_record import ModelRecord
from yt8m_models.features.feature_table import FeatureTable
from yt8m_models.features.frame_table import FrameTable
from yt8m_models.training.checkpoints import Checkpoints

NAMES, SIZES = ("mean_rgb", "mean_audio"), (6, 4)
IDS = np.array([b"v%02d" % row for row in range(11)])[::-1]
LATE = EmbeddingConfig(hidden_size=(5,), embedding_size=3, hidden_activation="tanh")
FRAMES = EmbeddingConfig(
    fusion="frames", hidden_size=(5,), embedding_size=3, num_clusters=2, num_clusters_audio=2
)


@pytest.fixture(autouse=True)
def _seeded():
    keras.utils.set_random_seed(0)


def features(seed=0):
    return np.random.default_rng(seed).uniform(-1.9, 1.9, (len(IDS), sum(SIZES)))


@pytest.fixture
def table(tmp_path):
    return FeatureTable.write(tmp_path / "features", IDS, [features()], NAMES, SIZES)


def trained(train_dir, config=LATE, names=NAMES, sizes=SIZES, best=None):
    """A training directory with fresh weights, and others in `best`; the latest model."""
    ModelRecord(config, names, sizes).write(str(train_dir))
    for directory, step in ((train_dir, 7), (train_dir / "best", best)):
        if step is not None:
            model = create_embedding_model(config, names, sizes)
            variable = tf.Variable(step, dtype=tf.int64)
            Checkpoints(str(directory), 1, model=model, step=variable).save(step)
    return load_embedding_model(str(train_dir), "latest")[0]


def run(tmp_path, output="out", **flags):
    paths = {"features_dir": str(tmp_path / "features"), "output_dir": str(tmp_path / output)}
    return embed(EmbedConfig(**{**paths, **flags}))


def run_model(tmp_path, output="out", **flags):
    return run(tmp_path, output, train_dir=str(tmp_path / "train"), **flags)


def test_embeddings_are_the_models_in_the_tables_order(tmp_path, table):
    model = trained(tmp_path / "train")
    embeddings = run_model(tmp_path, batch_size=4, shard_size=6)
    assert embeddings.ids.to_array().tolist() == IDS.tolist()
    assert embeddings.model == model_identity(model)
    expected = model({"video_matrix": table.take(np.arange(len(IDS)))}).numpy()
    np.testing.assert_allclose(embeddings.vectors(), expected, atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(embeddings.vectors(), axis=1), 1, rtol=1e-6)


def test_an_interrupted_run_goes_on_and_gives_the_same(tmp_path, table, monkeypatch):
    trained(tmp_path / "train")
    whole = run_model(tmp_path, "whole", batch_size=2, shard_size=4)
    batches = Embedder.batches

    def killed(self, rows):
        """Ends in the middle of the second shard."""
        for number, batch in enumerate(batches(self, rows)):
            if rows[0] == 4 and number == 1:
                raise KeyboardInterrupt
            yield batch

    monkeypatch.setattr(Embedder, "batches", killed)
    with pytest.raises(KeyboardInterrupt):
        run_model(tmp_path, "cut", batch_size=2, shard_size=4)
    with pytest.raises(ValueError, match="not complete"):
        Embeddings.load(tmp_path / "cut")
    first = tmp_path / "cut" / "embeddings-00000.npy"
    written_at = first.stat().st_mtime_ns

    embedded = []

    def counting(self, rows):
        embedded.extend(rows.tolist())
        return batches(self, rows)

    monkeypatch.setattr(Embedder, "batches", counting)
    resumed = run_model(tmp_path, "cut", batch_size=2, shard_size=4)
    assert embedded == list(range(4, 11))
    assert first.stat().st_mtime_ns == written_at
    np.testing.assert_array_equal(resumed.vectors(), whole.vectors())
    assert run_model(tmp_path, "cut", batch_size=2, shard_size=4).model == whole.model
    assert embedded == list(range(4, 11))  # a finished directory is left as it is


def test_the_best_checkpoint_is_taken_where_there_is_one(tmp_path, table, capsys):
    trained(tmp_path / "train", best=3)
    models = {
        checkpoint: load_embedding_model(str(tmp_path / "train"), checkpoint)[1]
        for checkpoint in ("auto", "best", "latest", str(tmp_path / "train" / "model.ckpt-7"))
    }
    auto, best, latest, path = models.values()
    assert auto == best
    assert (auto.step, latest.step) == (3, 7)
    assert latest == path
    assert auto.model != latest.model
    assert run_model(tmp_path, "auto").model == auto.model
    path = tmp_path / "train" / "best" / "model.ckpt-3"
    said = f"Model: {auto.model} of step 3, the best by validation NDCG: {path}\n"
    assert capsys.readouterr().out == said
    with pytest.raises(ValueError, match=r"late-5-3:.* there, late-5-3:.* now"):
        run_model(tmp_path, "auto", checkpoint="latest")


def test_without_validation_the_latest_checkpoint_is_taken(tmp_path):
    trained(tmp_path / "train")
    assert load_embedding_model(str(tmp_path / "train"))[1].step == 7
    with pytest.raises(ValueError, match=r"no checkpoint in .*best"):
        load_embedding_model(str(tmp_path / "train"), "best")


def test_identity_is_of_weights_and_configuration():
    model = create_embedding_model(LATE, NAMES, SIZES)
    same = create_embedding_model(LATE, NAMES, SIZES)
    same.set_weights(model.get_weights())
    assert model_identity(model) == model_identity(same)
    assert model_identity(model).startswith("late-5-3:")
    same.weights[-1].assign(same.weights[-1] + 1e-6)
    assert model_identity(model) != model_identity(same)
    elu = create_embedding_model(
        EmbeddingConfig(hidden_size=(5,), embedding_size=3, hidden_activation="elu"), NAMES, SIZES
    )
    elu.set_weights(model.get_weights())
    assert model_identity(model) != model_identity(elu)


def test_identity_is_that_before_there_were_moving_weights():
    """Which embed nothing, so that embeddings and what was made of them stay of use."""
    config = EmbeddingConfig(fusion="frames", hidden_size=(5,), embedding_size=3, num_clusters=2)
    model = create_embedding_model(config, NAMES, SIZES)
    for number, weight in enumerate(model.weights):
        if weight.name != "moving_weight":
            weight.assign(np.full(weight.shape, number % 7, weight.dtype))
    before = model_identity(model)
    model.input_batch_norm.moving_weight.assign(0.5)
    assert model_identity(model) == before
    kept = [weight.numpy() for weight in model.weights if weight.name != "moving_weight"]
    description = [config.record(), list(NAMES), list(SIZES)]
    digest = hashlib.sha256(json.dumps(description, sort_keys=True).encode())
    digest.update(b"".join(weight.tobytes() for weight in kept))
    assert before == f"frames-5-3:{digest.hexdigest()[:16]}"


def write_frames(tmp_path):
    """A frame table of videos with 0 to 4 frames; their frames."""
    rng = np.random.default_rng(1)
    videos = [rng.integers(0, 256, (row % 5, sum(SIZES)), dtype=np.uint8) for row in range(11)]
    path = str(tmp_path / "train0.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for video_id, frames in zip(IDS, videos, strict=True):
            writer.write(sequence_example(video_id, frames))
    data = DataConfig(("rgb", "audio"), SIZES, frame_features=True)
    index = index_records([path], Ledger(0))
    table = FrameTable(VideoIds(index.ids), [path], index.file_numbers, index.offsets, data)
    table.save(tmp_path / "features")
    return videos


def sequence_example(video_id, frames):
    example = tf.train.SequenceExample()
    example.context.feature["id"].bytes_list.value.append(video_id)
    example.context.feature["labels"].int64_list.value.append(0)
    for name, part in (("rgb", frames[:, :6]), ("audio", frames[:, 6:])):
        features = example.feature_lists.feature_list[name].feature
        for frame in part:
            features.add().bytes_list.value.append(frame.tobytes())
    return example.SerializeToString()


def test_frames_are_embedded_all_of_them(tmp_path):
    videos = write_frames(tmp_path)
    model = trained(tmp_path / "train", FRAMES, ("rgb", "audio"))
    embeddings = run_model(tmp_path, batch_size=4, shard_size=6)
    for row, frames in enumerate(videos):
        one = {"video_matrix": frames[None], "num_frames": np.array([len(frames)], np.int32)}
        if len(frames):
            expected = model(one, training=False).numpy()[0]
            np.testing.assert_allclose(embeddings.take([row])[0], expected, atol=1e-5)


def test_raw_features_are_side_by_side_and_of_length_one(tmp_path, table):
    embeddings = run(tmp_path, raw=True, batch_size=4, shard_size=6)
    taken = table.take(np.arange(len(IDS)))
    parts = [part / np.linalg.norm(part, axis=1)[:, None] for part in np.split(taken, [6], axis=1)]
    # two parts of length 1 have together the length √2
    np.testing.assert_allclose(embeddings.vectors(), np.hstack(parts) / np.sqrt(2), rtol=1e-5)
    assert embeddings.model == "raw:mean_rgb=6,mean_audio=4"
    together = run(tmp_path, "together", raw=True, per_feature_l2_norm=False)
    expected = taken / np.linalg.norm(taken, axis=1)[:, None]
    np.testing.assert_allclose(together.vectors(), expected, rtol=1e-5)
    assert together.model == "raw-together:mean_rgb=6,mean_audio=4"
    audio = run(tmp_path, "audio", raw=True, feature_names=("mean_audio",))
    np.testing.assert_allclose(audio.vectors(), parts[1], rtol=1e-5)
    assert audio.model == "raw:mean_audio=4"


def test_raw_frames_are_their_mean(tmp_path):
    videos = write_frames(tmp_path)
    embeddings = run(tmp_path, raw=True, per_feature_l2_norm=False, batch_size=4)
    for row, frames in enumerate(videos):
        mean = dequantize(frames).mean(axis=0) if len(frames) else np.zeros(10)
        expected = mean / np.linalg.norm(mean) if len(frames) else mean
        np.testing.assert_allclose(embeddings.take([row])[0], expected, atol=1e-6)


def test_features_of_another_model_are_refused(tmp_path, table):
    trained(tmp_path / "train", names=("mean_rgb", "motion"))
    with pytest.raises(ValueError, match="mean_rgb, motion"):
        run_model(tmp_path)


def test_features_of_other_sizes_are_refused(tmp_path, table):
    trained(tmp_path / "train", sizes=(6, 5))
    with pytest.raises(
        ValueError, match="mean_rgb of 6, mean_audio of 4; the model takes mean_rgb of 6, mean_audi"
    ):
        run_model(tmp_path)


def test_frames_for_a_model_of_videos_are_refused(tmp_path):
    write_frames(tmp_path)
    trained(tmp_path / "train", names=("rgb", "audio"))
    with pytest.raises(ValueError, match="--fusion=late takes features of video level"):
        run_model(tmp_path)


def test_an_embedding_that_is_not_finite_is_refused_by_the_video(tmp_path, forget_contents):
    FeatureTable.write(tmp_path / "features", IDS, [features()], NAMES, SIZES, "float32")
    damaged = np.load(tmp_path / "features" / "features.npy")
    damaged[7, 2] = np.nan
    np.save(tmp_path / "features" / "features.npy", damaged)
    forget_contents(tmp_path / "features")
    trained(tmp_path / "train")
    for flags in ({"train_dir": str(tmp_path / "train")}, {"raw": True}):
        with pytest.raises(ValueError, match=f"embedding of video '{IDS[7].decode()}' is not"):
            run(tmp_path, f"out{len(flags)}{'raw' in flags}", **flags)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"features_dir": ""}, "--features_dir must be given"),
        ({"output_dir": ""}, "--output_dir must be given"),
        ({"raw": True}, "give --train_dir or --raw"),
        ({"train_dir": ""}, "give --train_dir or --raw"),
        ({"feature_names": ("rgb",)}, "--feature_names is for --raw"),
        ({"batch_size": 0}, "--batch_size must be at least 1; received 0"),
    ],
)
def test_wrong_flags_are_named(flags, message):
    with pytest.raises(ValueError, match=message):
        EmbedConfig(**{"features_dir": "f", "output_dir": "o", "train_dir": "t", **flags})


def test_a_directory_without_a_training_is_refused(tmp_path, table):
    with pytest.raises(ValueError, match=r"no embedding_model\.json in --train_dir"):
        run_model(tmp_path)


@pytest.mark.slow
def test_the_program_writes_embeddings(tmp_path, table):
    trained(tmp_path / "train")
    command = [
        *(sys.executable, "-m", "yt8m_models.embedding.embed"),
        f"--train_dir={tmp_path / 'train'}",
        f"--features_dir={tmp_path / 'features'}",
        f"--output_dir={tmp_path / 'out'}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, env=os.environ, check=True)
    assert "11 embeddings of width 3" in done.stdout
    assert "embedding 11/11 videos" in done.stderr
    assert len(Embeddings.load(tmp_path / "out")) == 11
