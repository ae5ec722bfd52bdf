"""Tests of `yt8m label`, and of the settings of features on their way into a training."""

import csv
import dataclasses
import json
import shutil

import numpy as np
import pytest

from eval.program.config import EvalConfig
from eval.program.evaluation import evaluate_training
from yt8m_models.annotation.annotate.annotating import annotate
from yt8m_models.annotation.annotate.config import AnnotateConfig, VideoDataConfig
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.extraction_record import extraction_of
from yt8m_models.data.split.config import SplitConfig
from yt8m_models.data.split.splitting import split
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.extraction.extract.config import ExtractConfig
from yt8m_models.extraction.extract.extraction import extract
from yt8m_models.extraction.label import labelling
from yt8m_models.extraction.label.config import LabelConfig
from yt8m_models.extraction.label.labelling import label
from yt8m_models.prediction.config import InferenceConfig, ModelSource
from yt8m_models.prediction.inference import infer
from yt8m_models.training.config import TrainConfig
from yt8m_models.training.trainer import train

CONFIG = ExtractionConfig(rgb_model="mean_colour")
CLASSES = {
    "red": ((220, 30, 30), 300),
    "green": ((30, 200, 60), 900),
    "blue": ((20, 40, 220), 4000),
}
DATA = DataConfig(("rgb", "audio"), (4, 128), frame_features=True, num_classes=3)


@pytest.fixture(scope="module")
def classes(make_clip, tmp_path_factory):
    """Clips of three classes to train on (`train/`) and held out (`held/`), and a vocabulary."""
    directory = tmp_path_factory.mktemp("classes")
    rng = np.random.default_rng(5)
    rows = ["video_id,labels"]
    for part, count in [("train", 4), ("held", 1)]:
        (directory / part).mkdir()
        for name, (colour, tone) in CLASSES.items():
            for number in range(count):
                seconds = int(rng.integers(3, 8))
                colours = np.clip(colour + rng.integers(-20, 21, (seconds, 3)), 0, 255)
                path = directory / part / f"{name}{number}.mkv"
                make_clip(path, colours, tone + 20 * number)
                rows += [f"{path.stem},{name}"] if part == "train" else []
    colours = [CLASSES["red"][0]] * 5 + [CLASSES["blue"][0]] * 5
    make_clip(directory / "both.mkv", colours, "if(lt(t,5),300,4000)")
    (directory / "labels.csv").write_text("\n".join(rows) + "\n")
    names = [f"{index},{name}" for index, name in enumerate(CLASSES)]
    (directory / "vocabulary.csv").write_text("\n".join(["Index,Name", *names]) + "\n")
    return directory


def extracted(classes, output_dir, config=CONFIG):
    """The pattern of the records of the training's clips."""
    flags = ExtractConfig(
        videos=f"{classes}/train/*.mkv",
        labels=f"{classes}/labels.csv",
        vocabulary=f"{classes}/vocabulary.csv",
        output_dir=str(output_dir),
        videos_per_shard=6,
    )
    extract(flags, config)
    return f"{output_dir}/*.tfrecord"


def trained(pattern, train_dir, data=DATA, **flags):
    model = "FrameLevelLogisticModel" if data.frame_features else "LogisticModel"
    config = TrainConfig(
        **{
            **{"train_data_pattern": pattern, "train_dir": str(train_dir), "batch_size": 6},
            **{"num_epochs": 15, "base_learning_rate": 0.2, "export_model_steps": 1000},
            **flags,
        }
    )
    return train(config, data, ModelConfig(model, iterations=0 if data.frame_features else None))


@pytest.fixture(scope="module")
def once(classes, mean_colour, tmp_path_factory):
    """A directory with `records/` of the clips, a training on them, `model/`, and `other/`.

    The latter are the records of the same clips by other weights.
    """
    directory = tmp_path_factory.mktemp("once")
    trained(extracted(classes, directory / "records"), directory / "model")
    config = dataclasses.replace(CONFIG, rgb_weights="w2")
    extracted(classes, directory / "other", config)
    return directory


@pytest.fixture
def training(once, tmp_path):
    """A copy of the training; `records/` and `other/` are beside it."""
    shutil.copytree(once, tmp_path, dirs_exist_ok=True)
    return tmp_path / "model"


def labelled(training, videos, given=(), config=CONFIG, **flags):
    flags = {"train_dir": str(training), "videos": videos, **flags}
    # as on the command line, where flags that are not given have their defaults
    defaults = dataclasses.replace(ExtractionConfig(), **{k: getattr(config, k) for k in given})
    return label(LabelConfig(**flags), defaults, frozenset(given))


def test_held_out_clips_get_their_labels(classes, training, tmp_path, capsys):
    summary = labelled(
        training,
        f"{classes}/held/*.mkv",
        vocabulary=f"{classes}/vocabulary.csv",
        output_file=str(tmp_path / "labels.json"),
        top_k=2,
    )
    best = {each.video.id: each.labels[0] for each in summary.labelled}
    assert {video: found.name for video, found in best.items()} == {
        f"{name}0": name for name in CLASSES
    }
    assert all(found.score > 0.5 for found in best.values())
    printed = capsys.readouterr().out.splitlines()
    (head,) = [line for line in printed if line.startswith("Model: ")]
    assert head.endswith(f"{training}/model.ckpt-30")
    table = printed[printed.index(head) + 1 :]
    assert [line.split() for line in table[:2]] == [
        ["video", "class", "score"],
        ["blue0", "blue", f"{best['blue0'].score:.3f}"],
    ]
    assert len(table) == 1 + 3 * 2
    found = json.loads((tmp_path / "labels.json").read_text())
    assert [entry["id"] for entry in found] == ["blue0", "green0", "red0"]
    assert found[0]["labels"][0] == {"class": 2, "name": "blue", "score": best["blue0"].score}
    assert len(found[0]["labels"]) == 2


def test_workers_give_the_same_labels(classes, training, monkeypatch, spread_here, capsys):
    monkeypatch.chdir(training.parent)
    (training.parent / "broken.mkv").write_text("no video")
    session = spread_here(labelling)
    videos = f"{classes}/held/*.mkv,broken.mkv"
    flags = {"train_dir": "model", "vocabulary": f"{classes}/vocabulary.csv", "segments": True}
    local, spread = (
        label(LabelConfig(videos=videos, **flags), ExtractionConfig(), (), spark)
        for spark in (None, session)
    )
    assert len(spread.labelled) == 3
    assert spread.num_failures == local.num_failures == 1
    for ours, theirs in zip(spread.labelled, local.labelled, strict=True):
        assert ours.video == theirs.video
        parts = [(ours.labels, theirs.labels)]
        parts += [(ours.segments[times], labels) for times, labels in theirs.segments.items()]
        assert len(parts) > 1
        for found, expected in parts:
            assert [each.name for each in found] == [each.name for each in expected]
            scores = [each.score for each in expected]
            np.testing.assert_allclose([each.score for each in found], scores, atol=1e-5)
    assert capsys.readouterr().err.count("left out: broken.mkv: ") == 2


def test_segments_and_csv(classes, training, tmp_path):
    path = tmp_path / "labels.csv"
    labelled(
        training,
        f"{classes}/both.mkv",
        segments=True,
        output_file=str(path),
        top_k=1,
        vocabulary=f"{classes}/vocabulary.csv",
    )
    rows = list(csv.DictReader(path.read_text().splitlines()))
    assert [(row["start"], row["end"], row["name"]) for row in rows[1:]] == [
        ("0.0", "5.0", "red"),
        ("5.0", "10.0", "blue"),
    ]
    assert (rows[0]["video_id"], rows[0]["start"], rows[0]["end"]) == ("both", "", "")


def test_scores_are_those_of_inference(classes, training, tmp_path):
    records = tmp_path / "held"
    flags = ExtractConfig(videos=f"{classes}/held/*.mkv", output_dir=str(records))
    extract(flags, CONFIG)
    output = tmp_path / "submission.csv"
    config = InferenceConfig(f"{records}/*.tfrecord", str(output), top_k=3)
    infer(ModelSource(train_dir=str(training)), config)
    expected = {}
    for line in output.read_text().splitlines()[1:]:
        video, pairs = line.split(",")
        values = pairs.split()
        expected[video] = dict(zip(map(int, values[::2]), map(float, values[1::2]), strict=True))
    for each in labelled(training, f"{classes}/held/*.mkv").labelled:
        found = {label.number: label.score for label in each.labels}
        assert found == pytest.approx(expected[each.video.id], abs=1e-5)


def test_min_score_leaves_classes_out(classes, training, capsys):
    summary = labelled(training, f"{classes}/held/red0.mkv", min_score=0.5)
    assert [label.number for label in summary.labelled[0].labels] == [0]
    labelled(training, f"{classes}/held/red0.mkv", min_score=1.0)
    assert capsys.readouterr().out.splitlines()[-1].split() == ["red0", "-"]


def test_videos_that_cannot_be_read_are_left_out_and_named(classes, training, tmp_path, capsys):
    (tmp_path / "broken.mkv").write_text("no video")
    videos = f"{tmp_path}/broken.mkv,{classes}/held/red0.mkv"
    summary = labelled(training, videos)
    assert [each.video.id for each in summary.labelled] == ["red0"]
    assert summary.num_failures == 1
    assert f"left out: {tmp_path}/broken.mkv: " in capsys.readouterr().err
    with pytest.raises(ValueError, match="more than --max_bad_videos=0"):
        labelled(training, videos, max_bad_videos=0)
    with pytest.raises(ValueError, match="no video could be read"):
        labelled(training, f"{tmp_path}/broken.mkv")


@pytest.mark.parametrize(
    ("quantize", "level"),
    [pytest.param("none", "frame", marks=pytest.mark.slow), ("yt8m", "video")],
)
def test_floats_and_video_level_are_labelled_too(classes, mean_colour, tmp_path, quantize, level):
    config = dataclasses.replace(CONFIG, quantize=quantize, level=level)
    pattern = extracted(classes, tmp_path / "records", config)
    data = dataclasses.replace(DATA, float_frames=level == "frame")
    if level == "video":
        data = DataConfig(("mean_rgb", "mean_audio"), (4, 128), num_classes=3)
    trained(pattern, tmp_path / "model", data)
    summary = labelled(tmp_path / "model", f"{classes}/held/*.mkv")
    expected = {"float_frames": data.float_frames}
    config = EvalConfig(train_dir=str(tmp_path / "model"), eval_data_pattern=pattern, run_once=True)
    assert evaluate_training(config, expected).metrics["hit_at_one"] == 1
    best = {each.video.id: each.labels[0].number for each in summary.labelled}
    assert best == {"red0": 0, "green0": 1, "blue0": 2}


def test_an_annotation_model_labels_too(classes, mean_colour, tmp_path, capsys, spread_here):
    """It keeps how its features were made, as a training does."""
    pattern = extracted(classes, tmp_path / "records", dataclasses.replace(CONFIG, level="video"))
    config = AnnotateConfig(
        train_data_pattern=pattern,
        eval_data_pattern=pattern,
        output_dir=str(tmp_path / "out"),
        num_mixtures=(2,),
        pca_components=(3, 8),
        batch_size=6,
        base_learning_rate=0.2,
        num_epochs=15,
        phases=(),
        jit_compile=False,
    )
    annotate(config, VideoDataConfig(("mean_rgb", "mean_audio"), (4, 128), num_classes=3))
    run = tmp_path / "out" / "runs" / "mean_rgb+mean_audio" / "mixtures2"
    for spark in (None, spread_here(labelling)):
        flags = LabelConfig(train_dir=str(run), videos=f"{classes}/held/*.mkv")
        summary = label(flags, ExtractionConfig(), (), spark)
        best = {each.video.id: each.labels[0].number for each in summary.labelled}
        assert best == {"red0": 0, "green0": 1, "blue0": 2}
    printed = capsys.readouterr().out
    assert "Model: 2 mixtures on mean_rgb+mean_audio: " in printed
    assert "does not say how its features were made" not in printed


def test_a_training_keeps_how_its_features_were_made(classes, training, tmp_path):
    found = json.loads((training / "extraction.json").read_text())
    there = json.loads((tmp_path / "records" / "manifest.json").read_text())
    assert found == {name: there[name] for name in ("kind", "settings", "flags")}
    assert found["settings"]["rgb_model"] == {"name": "mean_colour", "weights": ""}


@pytest.fixture
def other(training, tmp_path):
    """The pattern of the same clips' records by other weights."""
    return f"{tmp_path}/other/*.tfrecord"


NAMED = r"--rgb_model: mean_colour \(weights \) there, mean_colour \(weights w2\) now"


def test_other_features_are_refused_by_every_program(classes, training, other, tmp_path):
    config = InferenceConfig(other, str(tmp_path / "submission.csv"))
    with pytest.raises(ValueError, match=NAMED):
        infer(ModelSource(train_dir=str(training)), config)
    with pytest.raises(ValueError, match=NAMED):
        evaluate_training(
            EvalConfig(train_dir=str(training), eval_data_pattern=other, run_once=True)
        )
    with pytest.raises(ValueError, match=NAMED):
        trained(other, training, num_epochs=50)
    weights = dataclasses.replace(CONFIG, rgb_weights="w2")
    with pytest.raises(ValueError, match=NAMED):
        labelled(training, f"{classes}/held/*.mkv", ["rgb_weights"], weights)


def test_records_of_one_training_have_one_kind_of_features(training, other, tmp_path):
    both = f"{tmp_path}/records/*.tfrecord,{other}"
    with pytest.raises(ValueError, match=NAMED) as refused:
        trained(both, tmp_path / "new")
    assert f"{tmp_path}/records (there) and {tmp_path}/other (now)" in str(refused.value)
    with pytest.raises(ValueError, match=NAMED):
        trained(f"{tmp_path}/records/*.tfrecord", tmp_path / "new", eval_data_pattern=other)


def test_the_parts_of_a_split_keep_how_their_features_were_made(training, tmp_path):
    records = f"{tmp_path}/records/*.tfrecord"
    split(SplitConfig(records, str(tmp_path / "parts"), fraction=0.5))
    found = extraction_of([f"{tmp_path}/parts/test/videos0000.tfrecord"])
    assert found.settings == extraction_of([f"{tmp_path}/records/videos0000.tfrecord"]).settings


def test_a_packed_model_keeps_how_its_features_were_made(training, other, tmp_path):
    packed = str(tmp_path / "model.tgz")
    records = f"{tmp_path}/records/*.tfrecord"
    infer(
        ModelSource(train_dir=str(training), output_model_tgz=packed),
        InferenceConfig(records, str(tmp_path / "one.csv")),
    )
    source = ModelSource(input_model_tgz=packed, untar_model_dir=str(tmp_path / "unpacked"))
    with pytest.raises(ValueError, match=NAMED):
        infer(source, InferenceConfig(other, str(tmp_path / "other.csv")))
    infer(source, InferenceConfig(records, str(tmp_path / "two.csv")))
    assert (tmp_path / "one.csv").read_bytes() == (tmp_path / "two.csv").read_bytes()


def test_a_new_training_in_a_directory_has_its_own_features(training, other):
    trained(other, training, start_new_model=True, num_epochs=1)
    found = json.loads((training / "extraction.json").read_text())
    assert found["settings"]["rgb_model"]["weights"] == "w2"


@pytest.mark.parametrize("content", ["{}", "[1]", "no JSON", '{"kind": "pictures"}'])
def test_a_manifest_of_another_program_is_none(tmp_path, content):
    (tmp_path / "manifest.json").write_text(content)
    assert extraction_of([f"{tmp_path}/train.tfrecord"]) is None


def test_a_training_that_does_not_say_takes_the_flags(classes, training, capsys):
    (training / "extraction.json").unlink()
    summary = labelled(training, f"{classes}/held/red0.mkv", ["rgb_model"])
    assert summary.labelled[0].labels[0].number == 0
    assert "does not say how its features were made" in capsys.readouterr().out
    sound = dataclasses.replace(CONFIG, audio_model="none")
    with pytest.raises(ValueError, match="takes the feature audio of 128 values; the flags make"):
        labelled(training, f"{classes}/held/red0.mkv", ["rgb_model", "audio_model"], sound)


def test_segments_need_frames(classes, mean_colour, tmp_path):
    config = dataclasses.replace(CONFIG, level="video")
    pattern = extracted(classes, tmp_path / "records", config)
    data = DataConfig(("mean_rgb", "mean_audio"), (4, 128), num_classes=3)
    trained(pattern, tmp_path / "model", data, num_epochs=1)
    with pytest.raises(ValueError, match="--segments needs a frame-level model"):
        labelled(tmp_path / "model", f"{classes}/held/*.mkv", segments=True)
