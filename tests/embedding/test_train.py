"""Training of an embedding: exact resuming, the best checkpoint, the projector, what is refused."""

import csv
import dataclasses
import json
import os
import re
import signal
import subprocess
import sys
from importlib.util import find_spec

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.record_index import index_records
from yt8m_models.data.video_ids import VideoIds
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.embedder import Embedder
from yt8m_models.embedding.loading import load_embedding_model
from yt8m_models.embedding.model_record import ModelRecord
from yt8m_models.embedding.training.batches import TripletBatches
from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.embedding.training.trainer import Trainer, train
from yt8m_models.features.feature_table import FeatureTable
from yt8m_models.features.frame_table import FrameTable
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.graph.triplet_sampler import TripletSampler
from yt8m_models.program.interruption import Interruption
from yt8m_models.training.history import read_history
from yt8m_models.training.train_dir import checkpoint_paths, step_of

NUM_VIDEOS, NAMES, SIZES = 120, ("mean_rgb", "mean_audio"), (8, 4)
IDS = np.array([b"video%03d" % row for row in range(NUM_VIDEOS)])
MODEL = EmbeddingConfig(hidden_size=(16,), embedding_size=8, hidden_activation="tanh")
FRAMES = EmbeddingConfig(
    fusion="frames", hidden_size=(), embedding_size=8, num_clusters=2, num_clusters_audio=2,
    sample_frames=3,
)  # fmt: skip


def latent():
    return np.random.default_rng(0).normal(size=(NUM_VIDEOS, 4))


def content():
    """Features that tell the latent place of a video, and as much noise."""
    rng = np.random.default_rng(1)
    noisy = np.hstack([latent(), rng.normal(size=(NUM_VIDEOS, 4))])
    values = noisy @ rng.normal(size=(8, sum(SIZES)))
    return values / np.abs(values).max() * 1.9


def graph():
    """Each video is joined with the four that are nearest to it."""
    places = latent()
    distances = np.square(places[:, None] - places).sum(axis=2) + 1e9 * np.eye(NUM_VIDEOS)
    nearest = np.argsort(distances, axis=1)[:, :4]
    pairs = np.stack([np.repeat(np.arange(NUM_VIDEOS), 4), nearest.ravel()], axis=1)
    edges = np.unique(np.sort(pairs, axis=1), axis=0)
    is_eval = np.random.default_rng(2).random(NUM_VIDEOS) < 0.3
    return CoWatchGraph.from_edges(VideoIds(IDS), edges, np.ones(len(edges), int), is_eval)


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    directory = tmp_path_factory.mktemp("world")
    graph().save(directory / "graph")
    FeatureTable.write(directory / "features", IDS, [content()], NAMES, SIZES)
    return directory


@pytest.fixture
def run(world, tmp_path):
    """Trains in a directory of a name and gives the result."""

    def run(name="train", model=MODEL, **flags):
        return train(config(world, train_dir=str(tmp_path / name), **flags), model)

    return run


def config(world, **flags):
    defaults = {
        "train_dir": "train",
        "graph_dir": str(world / "graph"),
        "features_dir": str(world / "features"),
        "batch_size": 32,
        "max_steps": 8,
        "export_model_steps": 100,
        "log_steps": 2,
        "base_learning_rate": 0.01,
        "jit_compile": False,
        "validation_fraction": 0.0,
        "projector_videos": 0,
    }
    return EmbeddingTrainConfig(**{**defaults, **flags})


def tensors(path):
    """All that a checkpoint holds, by name."""
    reader = tf.train.load_checkpoint(path)
    names = reader.get_variable_to_shape_map()
    return {name: reader.get_tensor(name) for name in names if "OBJECT_GRAPH" not in name}


def assert_equal_checkpoints(one, other):
    one, other = tensors(one), tensors(other)
    assert sorted(one) == sorted(other)
    for name, value in one.items():
        np.testing.assert_array_equal(value, other[name], err_msg=name)


@pytest.mark.parametrize(
    ("model", "flags"),
    [
        (MODEL, {"mining": "random"}),
        (MODEL, {"loss": "log", "validation_fraction": 0.1}),
        pytest.param(MODEL, {"jit_compile": True, "batch_size": 256}, marks=pytest.mark.slow),
        (MODEL, {"mining": "hardest", "loss": "exponential", "optimizer": "Adagrad"}),
    ],
)
def test_training_in_two_runs_is_training_in_one_to_the_last_bit(run, model, flags):
    whole = run("whole", model, **flags)
    first = run("parts", model, **flags, max_steps=4)
    assert first["step"] == 4
    second = run("parts", model, **flags)
    assert second["step"] == 8
    assert second["loss"] == whole["loss"]
    assert_equal_checkpoints(whole["checkpoint"], second["checkpoint"])


def test_training_on_frames_resumes_too(world, tmp_path):
    rng = np.random.default_rng(3)
    path = str(tmp_path / "train0.tfrecord")
    steps = np.clip((content() + 1.99) / 4 * 255, 20, 235)
    with tf.io.TFRecordWriter(path) as writer:
        for video_id, mean in zip(IDS, steps, strict=True):
            frames = mean + rng.normal(scale=5, size=(rng.integers(1, 6), sum(SIZES)))
            writer.write(sequence_example(video_id, frames.astype(np.uint8)))
    index = index_records([path], Ledger(0))
    data = DataConfig(("rgb", "audio"), SIZES, frame_features=True)
    table = FrameTable(VideoIds(index.ids), [path], index.file_numbers, index.offsets, data)
    table.save(tmp_path / "features")

    def run(name, max_steps):
        paths = {"features_dir": str(tmp_path / "features"), "train_dir": str(tmp_path / name)}
        return train(config(world, **paths, max_steps=max_steps), FRAMES)

    whole = run("whole", 4)
    run("parts", 2)
    assert_equal_checkpoints(whole["checkpoint"], run("parts", 4)["checkpoint"])


def sequence_example(video_id, frames, labels=(0,)):
    example = tf.train.SequenceExample()
    example.context.feature["id"].bytes_list.value.append(video_id)
    example.context.feature["labels"].int64_list.value.extend(labels)
    for name, part in (("rgb", frames[:, :8]), ("audio", frames[:, 8:])):
        features = example.feature_lists.feature_list[name].feature
        for frame in part:
            features.add().bytes_list.value.append(frame.tobytes())
    return example.SerializeToString()


def test_retrieval_gets_better_and_the_best_checkpoint_is_kept(run, tmp_path):
    flags = {"validation_fraction": 0.2, "batch_size": 128}
    result = run(**flags, max_steps=60, export_model_steps=10)
    validated = read_history(str(tmp_path / "train" / "validation.csv"))
    assert [row["step"] for row in validated] == [10, 20, 30, 40, 50, 60]
    values = [row["ndcg"] for row in validated]
    assert result["best_validation_ndcg"] == np.float32(max(values))
    assert max(values) > values[0] + 0.05
    model, best = load_embedding_model(str(tmp_path / "train"))
    assert best.step == validated[int(np.argmax(values))]["step"]
    assert model.feature_names == NAMES
    assert model.feature_sizes == SIZES
    assert model.config == MODEL
    assert (tmp_path / "train" / "curves.png").exists() == (find_spec("matplotlib") is not None)
    # the better one stays when a further run starts from it
    again = run(**flags, max_steps=61, base_learning_rate=1e-9)
    assert again["best_validation_ndcg"] >= result["best_validation_ndcg"]


def test_the_history_goes_on_and_nothing_is_done_twice(run, tmp_path, capsys):
    run(max_steps=4, validation_fraction=0.1)
    run(max_steps=8, validation_fraction=0.1)
    rows = read_history(str(tmp_path / "train" / "training.csv"))
    assert [row["step"] for row in rows] == [2, 4, 6, 8]
    assert all(row["loss"] > 0 for row in rows)
    assert [row["learning_rate"] for row in rows] == pytest.approx([0.01] * 4)
    before = (tmp_path / "train" / "validation.csv").read_text()
    result = run(max_steps=8, validation_fraction=0.1)
    assert "Nothing to do" in capsys.readouterr().out
    assert result["step"] == 8
    assert result["checkpoint"].endswith("model.ckpt-8")
    assert result["loss"] is None
    assert (tmp_path / "train" / "validation.csv").read_text() == before


def test_the_learning_rate_falls_by_steps(run, tmp_path):
    run(learning_rate_decay=0.5, learning_rate_decay_steps=3, log_steps=1)
    rows = read_history(str(tmp_path / "train" / "training.csv"))
    rates = [0.01] * 3 + [0.005] * 3 + [0.0025] * 2
    np.testing.assert_allclose([row["learning_rate"] for row in rows], rates, rtol=1e-6)


def test_a_signal_saves_and_the_next_run_goes_on(run, monkeypatch):
    whole = run("whole")
    batch = TripletBatches.batch

    def signalled(self, step):
        if step == 5:  # made while step 4 is trained on
            os.kill(os.getpid(), signal.SIGTERM)
        return batch(self, step)

    monkeypatch.setattr(TripletBatches, "batch", signalled)
    stopped = run("parts")
    assert stopped["signal"] == signal.SIGTERM
    assert 0 < stopped["step"] < 8
    assert stopped["checkpoint"].endswith(f"-{stopped['step']}")
    monkeypatch.setattr(TripletBatches, "batch", batch)
    resumed = run("parts")
    assert resumed["signal"] is None
    assert_equal_checkpoints(whole["checkpoint"], resumed["checkpoint"])


def test_what_becomes_infinite_is_noticed_and_the_last_checkpoint_stays(run, tmp_path):
    run(max_steps=2)
    with pytest.raises(
        ValueError, match=r"at step [3-8] \(learning rate 1e\+38\).*is .*model\.ckpt-2\. Try a low"
    ):
        run(base_learning_rate=1e38, clip_gradient_norm=0, optimizer="AdamOptimizer")
    assert load_embedding_model(str(tmp_path / "train"), "latest")[1].step == 2


def test_a_batch_has_each_video_once(world):
    table = FeatureTable.load(world / "features")
    # a table in another order than the graph
    order = np.random.default_rng(5).permutation(NUM_VIDEOS)
    feature_rows = np.argsort(order)
    shuffled = FeatureTable(VideoIds(IDS[order]), table.inputs(order)["video_matrix"], NAMES, SIZES)
    sampler = TripletSampler(graph(), np.ones(NUM_VIDEOS, bool), seed=4)
    (batch,) = TripletBatches(sampler, shuffled, feature_rows, 64, 0, seed=4).batch(7)
    triplets = sampler.batch(7, 64)
    # 3 · 64 / 16 = 12: the number of videos is rounded up to a multiple of it
    videos = np.unique(np.concatenate(triplets))
    assert len(batch["video_matrix"]) == -(-len(videos) // 12) * 12
    assert batch["video_matrix"].dtype == np.uint8
    for name, rows in triplets._asdict().items():
        assert batch[name].dtype == np.int32
        expected = table.inputs(rows)["video_matrix"]
        np.testing.assert_array_equal(batch["video_matrix"][batch[name]], expected)
    expected = graph().relevance(triplets.anchors, triplets.negatives) > 0
    expected |= triplets.anchors[:, None] == triplets.negatives
    np.testing.assert_array_equal(batch["excluded"], expected)


@pytest.mark.parametrize("graded", [0.0, 0.5])
def test_graded_negatives_are_in_the_batches_and_the_record(world, tmp_path, graded):
    """The flag reaches what draws them, and the record says it."""
    flags = {"graded_negatives": graded, "train_dir": str(tmp_path / "train"), "max_steps": 1}
    trainer = Trainer(config(world, **flags), MODEL, Interruption())
    assert trainer.batches.sampler.graded == graded
    trainer.train()
    assert ModelRecord.read(flags["train_dir"]).training["graded_negatives"] == graded


def test_videos_without_features_are_counted_and_left_out(world, tmp_path, capsys):
    known = np.arange(NUM_VIDEOS) % 10 > 0
    ids = np.concatenate([IDS[known], [b"elsewhere"]])
    values = np.concatenate([content()[known], np.zeros((1, 12))])
    FeatureTable.write(tmp_path / "features", ids, [values], NAMES, SIZES)
    seen: list[int] = []
    original = TripletSampler.batch

    def batch(self, step, batch_size):
        seen.extend(np.concatenate(original(self, step, batch_size)))
        return original(self, step, batch_size)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(TripletSampler, "batch", batch)
        paths = {name: str(tmp_path / name.split("_")[0]) for name in ("features_dir", "train_dir")}
        train(config(world, **paths, max_steps=4), MODEL)
    out = capsys.readouterr().out
    assert "120 videos in the graph, 109 with features." in out
    assert "12 videos of the graph have no features." in out
    assert "1 videos with features are not in the graph." in out
    assert known[seen].all()


def test_without_validation_nothing_is_kept_out(run, tmp_path, capsys):
    result = run()
    assert result["best_validation_ndcg"] is None
    assert not (tmp_path / "train" / "best").exists()
    assert "kept out" not in capsys.readouterr().out
    assert load_embedding_model(str(tmp_path / "train"))[1].step == 8


def test_some_features_are_chosen_by_name(run, tmp_path):
    run(feature_names=("mean_audio",), max_steps=2)
    model = load_embedding_model(str(tmp_path / "train"))[0]
    assert (model.feature_names, model.feature_sizes) == (("mean_audio",), (4,))


def test_the_projector_shows_ids_and_classes(world, run, tmp_path):
    labels = {row: [row % 3, 7] for row in range(0, NUM_VIDEOS, 2)}
    path = str(tmp_path / "labels.tfrecord")
    with tf.io.TFRecordWriter(path) as writer:
        for row, classes in labels.items():
            writer.write(sequence_example(IDS[row], np.zeros((1, 12), np.uint8), classes))
    vocabulary = tmp_path / "vocabulary.csv"
    vocabulary.write_text("Index,Name,Other\n0,Dog,x\n1,Cat\tand mouse,y\n2,,z\n")
    run(max_steps=2, projector_videos=50, projector_records=path, vocabulary=str(vocabulary))
    directory = tmp_path / "train" / "train"
    with (directory / "metadata.tsv").open() as file:
        lines = list(csv.DictReader(file, delimiter="\t"))
    assert len(lines) == 50
    names = {0: "Dog", 1: "Cat and mouse", 2: "class 2", 7: "class 7"}
    for shown in lines:
        row = IDS.tolist().index(shown["id"].encode())
        assert shown["classes"] == ", ".join(names[label] for label in labels.get(row, []))
    tensors = np.loadtxt(directory / "tensors.tsv", delimiter="\t")
    rows = VideoIds(IDS).rows([line["id"] for line in lines])
    table = FeatureTable.load(world / "features")
    model, _ = load_embedding_model(str(tmp_path / "train"))
    np.testing.assert_allclose(tensors, Embedder(model, table)(rows), atol=1e-5)
    text = (directory / "projector_config.pbtxt").read_text()
    for line in ("tensor_shape: 50", "tensor_shape: 8", '"tensors.tsv"', '"metadata.tsv"'):
        assert line in text
    with pytest.raises(ValueError, match="--vocabulary: cannot read"):
        run(projector_videos=5, projector_records=path, vocabulary=path)


def test_a_new_model_takes_the_directory_only_when_told(run, tmp_path):
    run(max_steps=2, projector_videos=5)
    with pytest.raises(ValueError, match=r"another training:\n  --embedding_size: 8 there, 4 now"):
        run(model=EmbeddingConfig(hidden_size=(16,), embedding_size=4, hidden_activation="tanh"))
    with pytest.raises(ValueError, match="--seed: 0 there, 1 now"):
        run(seed=1)
    with pytest.raises(ValueError, match=r"--validation: None there, \w{16} now"):
        run(validation_fraction=0.2)
    (tmp_path / "train" / "notes.txt").write_text("mine")
    with pytest.raises(ValueError, match=r"nothing was removed: notes\.txt"):
        run(start_new_model=True)
    (tmp_path / "train" / "notes.txt").unlink()
    assert run(margin=0.5, max_steps=3, start_new_model=True)["step"] == 3
    record = json.loads((tmp_path / "train" / "embedding_model.json").read_text())
    assert record["training"]["margin"] == 0.5
    assert not list((tmp_path / "train").glob("model.ckpt-2*"))


def test_a_training_goes_on_with_another_loss_and_says_so(run, tmp_path, capsys):
    run(max_steps=2)
    changes = {"loss": "log", "margin": 0.5, "mining": "random"}
    assert run(max_steps=3, **changes)["step"] == 3
    output = capsys.readouterr().out
    olds = ("hinge", 0.2, "semi_hard")
    for old, (name, new) in zip(olds, changes.items(), strict=True):
        assert f"  --{name}: {old} there, {new} now" in output
    record = json.loads((tmp_path / "train" / "embedding_model.json").read_text())
    assert record["training"].items() >= changes.items()


def test_a_training_starts_from_the_weights_of_another(run, tmp_path, capsys):
    """Of one hidden layer more: by steps too small to change what was taken."""
    run(name="first", max_steps=4)
    config = dataclasses.replace(MODEL, hidden_size=(16, 12))
    flags = {"init_from": str(tmp_path / "first"), "base_learning_rate": 1e-12}
    assert run(model=config, max_steps=1, **flags)["step"] == 1
    first, second = (load_embedding_model(str(tmp_path / name))[0] for name in ("first", "train"))
    for one, other in zip(first.towers, second.towers, strict=True):
        np.testing.assert_allclose(other.hidden_0.kernel, one.hidden_0.kernel, atol=1e-6)
    assert "\n    tower_0/hidden_1/_kernel (16, 12), not there\n" in capsys.readouterr().out
    run(model=config, max_steps=2, **flags)
    assert "Weights start from" not in capsys.readouterr().out


def test_a_checkpoint_of_another_optimizer_is_refused(run):
    run(max_steps=2)
    with pytest.raises(ValueError, match="is of another model or --optimizer"):
        run(max_steps=4, optimizer="RMSprop")


def test_features_that_are_not_there_are_refused(run):
    with pytest.raises(ValueError, match="features must be some of mean_rgb, mean_audio"):
        run(feature_names=("mean_rgb", "motion"))
    with pytest.raises(ValueError, match="--fusion=frames takes features of frame level"):
        run(model=FRAMES)
    with pytest.raises(ValueError, match=r"holds no features\.json"):
        run(features_dir="nowhere")
    with pytest.raises(ValueError, match=r"holds no co_watch_graph\.json"):
        run(graph_dir="nowhere")


def test_a_graph_without_a_usable_edge_is_refused(world, tmp_path):
    FeatureTable.write(tmp_path / "others", [b"other"], [np.ones((1, 12))], NAMES, SIZES)
    with pytest.raises(ValueError, match=r"others have no id in common: .* and 'other'"):
        train(config(world, features_dir=str(tmp_path / "others")), MODEL)
    one = CoWatchGraph.load(f"{world}/graph").ids[:1]
    FeatureTable.write(tmp_path / "features", one, [np.ones((1, 12))], NAMES, SIZES)
    features_dir = str(tmp_path / "features")
    with pytest.raises(ValueError, match="no triplet can be drawn"):
        train(config(world, features_dir=features_dir), MODEL)
    with pytest.raises(ValueError, match="none of the 0 videos that are kept out"):
        train(config(world, features_dir=features_dir, validation_fraction=0.1), MODEL)


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"train_dir": ""}, "--train_dir must be given"),
        ({"graph_dir": " "}, "--graph_dir must be given"),
        ({"loss": "quadratic"}, "--loss=quadratic: must be one of hinge, log, exponential"),
        ({"mining": "easy"}, "--mining=easy: must be one of"),
        ({"negatives": "none"}, "--negatives=none: must be one of uniform, shown"),
        ({"margin": -0.1}, "--margin must be at least 0; received -0.1"),
        ({"batch_size": 0}, "--batch_size must be at least 1"),
        ({"base_learning_rate": float("nan")}, "--base_learning_rate must be a finite number"),
        ({"validation_fraction": 1.0}, "--validation_fraction must be at least 0 and below 1"),
        (
            {"graded_negatives": 0.5, "negatives": "shown"},
            "--graded_negatives needs --negatives=uniform: .*; received --negatives=shown",
        ),
        ({"vocabulary": "v.csv"}, "--vocabulary needs --projector_records"),
    ],
)
def test_wrong_flags_are_named(world, flags, message):
    with pytest.raises(ValueError, match=message):
        config(world, **flags)


def test_a_hinge_that_costs_nothing_is_refused(world):
    """A semi-hard negative is further than the positive, so that without a margin it is enough."""
    with pytest.raises(ValueError, match=r"needs a --margin above 0: .*received --margin=0\. With"):
        config(world, margin=0.0)
    for flags in ({"mining": "hardest"}, {"loss": "log"}, {"margin": 0.01}):
        assert config(world, **{"margin": 0.0, **flags}).loss


def test_a_collapse_is_said_once_with_what_to_do(run, world, tmp_path, warned):
    """All videos have the same features here, so that all embeddings are one."""
    FeatureTable.write(tmp_path / "features", IDS, [np.ones((NUM_VIDEOS, 12))], NAMES, SIZES)
    run(features_dir=str(tmp_path / "features"), log_steps=1)
    (message,) = warned()
    assert message.startswith("the embeddings have collapsed: squared distances are 0.0e+00 to pos")
    assert "the loss stays at 0.2000" in message
    assert "a lower --base_learning_rate" in message
    assert "--mining" not in message
    run("other", features_dir=str(tmp_path / "features"), log_steps=1, mining="hardest")
    assert "--base_learning_rate or --mining=semi_hard" in warned()[0]


def test_healthy_embeddings_are_not_said_to_have_collapsed(run, warned):
    run(log_steps=1, validation_fraction=0.1, export_model_steps=2)
    assert warned() == []


def command(world, train_dir, **flags):
    values = {
        "train_dir": train_dir,
        "graph_dir": world / "graph",
        "features_dir": world / "features",
        "batch_size": 32,
        "hidden_size": 16,
        "embedding_size": 8,
        "log_steps": 1,
        **flags,
    }
    return [
        *(sys.executable, "-m", "yt8m_models.embedding.train", "--nojit_compile"),
        *(f"--{name}={value}" for name, value in values.items()),
    ]


@pytest.mark.slow
def test_the_program_trains_and_a_signal_ends_it(world, tmp_path):
    argv = command(world, tmp_path / "train", max_steps=10**6)
    with subprocess.Popen(argv, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr or ():
            if line.startswith("training"):
                process.terminate()
                break
        process.communicate()
    assert process.returncode == 128 + signal.SIGTERM
    assert load_embedding_model(str(tmp_path / "train"))[1].step > 0


@pytest.mark.slow
@pytest.mark.parametrize("num_workers", [2, 4])
def test_workers_do_what_one_does_and_resume_without_each_other(
    world, tmp_path, run, start_workers, wait_for_checkpoint, num_workers
):
    """Also the validation, of which each does a part; one is killed, and the others end.

    One that hears of it late may only see that another has ended.
    """
    flags = {
        "validation_fraction": 0.2,
        "base_learning_rate": 0.01,
        "hidden_activation": "tanh",
        "projector_videos": 5,
    }
    train_dir = tmp_path / "both"
    argv = command(world, train_dir, **flags, strategy="multi_worker", export_model_steps=2)
    workers, addresses = start_workers(*[[*argv, "--max_steps=1000000"]] * num_workers)
    wait_for_checkpoint(workers[0], train_dir)
    workers[1].kill()
    del workers[1]
    messages = []
    for worker in workers:
        _, errors = worker.communicate(timeout=300)
        assert worker.returncode == 1
        assert "Traceback" not in errors
        prefix = "yt8m train-embedding: "
        (message,) = [line for line in errors.splitlines() if line.startswith(prefix)]
        messages.append(message)
    latest = checkpoint_paths(str(train_dir))[-1]
    assert any(f"worker 1 ({addresses[1]}) is gone" in message for message in messages)
    for message in messages:
        assert re.search(r": worker \d \(127\.0\.0\.1:\d+\) is gone", message)
    assert f"{latest}; the same command on every worker resumes there" in messages[0]
    end = step_of(latest) + 4
    workers, _ = start_workers(*[[*argv, f"--max_steps={end}"]] * num_workers)
    outputs = [worker.communicate(timeout=300)[0] for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * num_workers
    assert all(f"Resuming from {latest}" in output for output in outputs)

    del flags["hidden_activation"]
    one = run("one", **flags, max_steps=end, export_model_steps=2, log_steps=1)
    assert one["step"] == end
    for name, tolerance in (("training.csv", 1e-3), ("validation.csv", 1e-2)):
        expected, received = (
            read_history(str(tmp_path / directory / name))[-1] for directory in ("one", "both")
        )
        for column in set(expected) - {"triplets_per_second"}:
            assert received[column] == pytest.approx(expected[column], rel=tolerance)
    assert (train_dir / "train" / "tensors.tsv").exists()
    assert len(list((train_dir / "train").glob("events*"))) == 2  # of the two runs of the chief
