"""Tests of `yt8m extract`: records, manifest, failures, resuming, thumbnails."""

import contextlib
import dataclasses
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.backbones.audio_models import audio_model
from yt8m_models.config import DataConfig
from yt8m_models.data.inspect.file_report import inspect_files
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.extraction import extractor
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.extraction.extract.config import ExtractConfig
from yt8m_models.extraction.extract.extraction import extract
from yt8m_models.extraction.quantization import quantize
from yt8m_models.extraction.video_list import read_videos
from yt8m_models.media.clip import Clip
from yt8m_models.program.interruption import Terminated
from yt8m_models.storage.file_names import file_name_of_id

ROOT = Path(__file__).resolve().parents[3]
CONFIG = ExtractionConfig(rgb_model="mean_colour", batch_size=3)


def run(clips, output_dir, extraction=CONFIG, **flags):
    config = ExtractConfig(**{"videos": clips.pattern, "output_dir": str(output_dir), **flags})
    return extract(config, extraction)


def manifest(output_dir):
    return json.loads((Path(output_dir) / "manifest.json").read_text())


def contents(directory):
    """The bytes of every file in a directory, by its path there."""
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(Path(directory).rglob("*"))
        if path.is_file()
    }


def examples(output_dir, kind=tf.train.SequenceExample):
    files = sorted(str(path) for path in Path(output_dir).glob("*.tfrecord"))
    return [kind.FromString(record.numpy()) for record in tf.data.TFRecordDataset(files)]


def colour_values(colours):
    """What `MeanColour` makes of colours."""
    values = np.asarray(colours) / 127.5 - 1
    return np.concatenate([values, np.zeros((len(values), 1))], axis=1)


def sound_values(path):
    patches = np.stack([patch for _, patch in Clip(path, Fraction(1), Fraction(1), pictures=False)])
    return audio_model("log_mel")(patches)


def test_records_have_the_exact_format_and_values(clips, mean_colour, tmp_path):
    summary = run(clips, tmp_path)
    assert (summary.num_videos, summary.num_frames, summary.num_shards) == (3, 13, 1)
    assert summary.data_flags == (
        "--feature_names=rgb,audio --feature_sizes=4,128 --frame_features"
    )
    for example, (name, colours) in zip(examples(tmp_path), clips.colours.items(), strict=True):
        context = example.context.feature
        assert set(context) == {"id", "labels"}
        assert list(context["id"].bytes_list.value) == [name.encode()]
        assert list(context["labels"].int64_list.value) == []
        lists = example.feature_lists.feature_list
        assert set(lists) == {"rgb", "audio"}
        steps = np.round((colour_values(colours) + 2) * 255 / 4)
        rgb = [list(frame.bytes_list.value[0]) for frame in lists["rgb"].feature]
        assert rgb == steps.astype(int).tolist()
        audio = [frame.bytes_list.value[0] for frame in lists["audio"].feature]
        assert len(audio) == len(rgb)
        if name != "b":
            expected = quantize(sound_values(f"{clips.directory}/{name}.mkv"))
            assert audio[0] == expected[0].tobytes()
    (report,) = inspect_files(f"{tmp_path}/*.tfrecord")
    assert report.level == "frame"
    assert not report.corrupt
    assert {name: set(sizes) for name, sizes in report.features.items()} == {
        "rgb": {4},
        "audio": {128},
    }


@pytest.mark.parametrize(("batch_size", "num_threads"), [(1, 1), (2, 3), (100, 2)])
def test_records_depend_on_neither_batches_nor_threads(
    clips, mean_colour, tmp_path, batch_size, num_threads
):
    run(clips, tmp_path / "one")
    config = dataclasses.replace(CONFIG, batch_size=batch_size, num_threads=num_threads)
    run(clips, tmp_path / "other", config)
    assert contents(tmp_path / "one") == contents(tmp_path / "other")


def test_frames_of_several_videos_fill_a_batch_within_a_shard(clips, mean_colour, tmp_path):
    config = dataclasses.replace(CONFIG, batch_size=8)
    run(clips, tmp_path / "one", config)
    assert mean_colour[-1].calls == [8, 5]
    run(clips, tmp_path / "two", config, videos_per_shard=2)
    assert mean_colour[-1].calls == [8, 1, 4]
    assert [video["shard"] for video in manifest(tmp_path / "two")["videos"]] == [
        "videos0000.tfrecord",
        "videos0000.tfrecord",
        "videos0001.tfrecord",
    ]


def test_a_network_of_runs_gets_those_of_one_video(clips, mean_colour, tmp_path, monkeypatch):
    make = extractor.image_model

    def runs_of_four(name, weights=""):
        model = make(name, weights)
        model.run_length = 4
        return model

    monkeypatch.setattr(extractor, "image_model", runs_of_four)
    run(clips, tmp_path, dataclasses.replace(CONFIG, batch_size=3))
    assert mean_colour[-1].calls == [4, 3, 2, 4]


def test_video_level_records_have_the_means(clips, mean_colour, tmp_path):
    run(clips, tmp_path, dataclasses.replace(CONFIG, level="video"))
    for example, (name, colours) in zip(
        examples(tmp_path, tf.train.Example), clips.colours.items(), strict=True
    ):
        feature = example.features.feature
        assert set(feature) == {"id", "labels", "mean_rgb", "mean_audio"}
        assert feature["id"].bytes_list.value[0] == name.encode()
        mean = colour_values(colours).mean(axis=0)
        np.testing.assert_allclose(feature["mean_rgb"].float_list.value, mean, atol=1e-6)
        assert len(feature["mean_audio"].float_list.value) == 128
    assert manifest(tmp_path)["settings"]["quantize"] == "none"


def test_frames_a_second_and_max_frames(clips, mean_colour, tmp_path):
    run(clips, tmp_path, dataclasses.replace(CONFIG, frames_per_second="1/3", max_frames=2))
    assert [video["num_frames"] for video in manifest(tmp_path)["videos"]] == [2, 1, 2]
    first = examples(tmp_path)[0].feature_lists.feature_list["rgb"].feature
    steps = np.round((colour_values(clips.colours["a"][[0, 3]]) + 2) * 255 / 4)
    assert [list(frame.bytes_list.value[0]) for frame in first] == steps.astype(int).tolist()
    assert manifest(tmp_path)["settings"]["frames_per_second"] == "1/3"


def test_one_of_the_features_alone(clips, mean_colour, tmp_path):
    run(clips, tmp_path / "rgb", dataclasses.replace(CONFIG, audio_model="none"))
    assert set(examples(tmp_path / "rgb")[0].feature_lists.feature_list) == {"rgb"}
    assert [video["has_sound"] for video in manifest(tmp_path / "rgb")["videos"]] == [None] * 3
    run(clips, tmp_path / "audio", dataclasses.replace(CONFIG, rgb_model="none"))
    first = examples(tmp_path / "audio")[0].feature_lists.feature_list
    assert set(first) == {"audio"}
    expected = quantize(sound_values(f"{clips.directory}/a.mkv"))
    audio = [frame.bytes_list.value[0] for frame in first["audio"].feature]
    assert audio == [row.tobytes() for row in expected]


def test_a_pca_is_applied_and_its_hash_kept(clips, mean_colour, tmp_path):
    np.savez(
        tmp_path / "pca.npz",
        pca_eigen_vectors=np.array([[0, 1, 0, 0], [5, 0, 0, 0]], np.float32),
        pca_means=np.array([0, 0.5, 0, 0], np.float32)[:, None],
    )
    config = dataclasses.replace(CONFIG, rgb_pca=str(tmp_path / "pca.npz"))
    summary = run(clips, tmp_path / "out", config)
    values = colour_values(clips.colours["a"])
    reduced = np.stack([values[:, 1] - 0.5, 5 * values[:, 0]], axis=1)
    rgb = examples(tmp_path / "out")[0].feature_lists.feature_list["rgb"].feature
    steps = np.round((np.clip(reduced, -2, 2) + 2) * 255 / 4).astype(int)
    assert [list(frame.bytes_list.value[0]) for frame in rgb] == steps.tolist()
    assert len(manifest(tmp_path / "out")["settings"]["rgb_pca"]["sha256"]) == 64
    share = manifest(tmp_path / "out")["videos"][0]["clipped"]["rgb"]
    assert share == pytest.approx(np.mean(np.abs(reduced) > 2), abs=1e-6)
    assert share > 0
    of_all = [np.abs(5 * colour_values(colours)[:, 0]) > 2 for colours in clips.colours.values()]
    percent = f"{np.concatenate(of_all).sum() / (2 * 13):.2%}"
    line = f"WARNING: {percent} of the values of rgb lay outside of -2 to 2, and were clipped"
    assert f"{line}: --quantize=none keeps them" in summary.problems.splitlines()


def test_the_manifest_names_what_could_not_be_read(clips, mean_colour, tmp_path, capsys):
    summary = run(clips, tmp_path, videos=f"{clips.directory}/*.mkv")
    found = manifest(tmp_path)
    assert found["is_finished"]
    assert [video["id"] for video in found["videos"]] == ["a", "b", "c"]
    assert [video["has_sound"] for video in found["videos"]] == [True, False, True]
    assert [video["damaged_packets"] for video in found["videos"]] == [0, 0, 0]
    (failure,) = found["failures"]
    assert failure["id"] == "broken"
    assert failure["path"] == f"{clips.directory}/broken.mkv"
    assert failure["reason"].startswith(f"{clips.directory}/broken.mkv: ")
    assert summary.problems.splitlines()[0].startswith("1 video could not be read")
    assert "1 video without sound: the sound features are of silence" in summary.problems


def test_too_many_bad_videos_end_the_run(clips, mean_colour, tmp_path):
    with pytest.raises(ValueError, match=r"more than --max_bad_videos=0 .*broken\.mkv: "):
        run(clips, tmp_path, videos=f"{clips.directory}/*.mkv", max_bad_videos=0)
    assert not list(tmp_path.glob("*.tfrecord"))
    with pytest.raises(ValueError, match=r"more than --max_bad_videos=0 .*broken\.mkv: "):
        run(clips, tmp_path, videos=f"{clips.directory}/*.mkv", max_bad_videos=0)


def test_no_video_that_can_be_read_is_an_error(clips, mean_colour, tmp_path):
    with pytest.raises(ValueError, match=r"no video could be read: .*broken\.mkv: "):
        run(clips, tmp_path, videos=f"{clips.directory}/broken.mkv")
    assert not list(tmp_path.glob("*.tfrecord"))


def test_a_finished_extraction_is_left_as_it_is(clips, mean_colour, tmp_path):
    summary = run(clips, tmp_path)
    before = {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()}
    assert run(clips, tmp_path) == summary
    assert {path: path.stat().st_mtime_ns for path in tmp_path.iterdir()} == before
    assert mean_colour[-1].calls == []


@pytest.mark.parametrize(
    ("changed", "there", "now"),
    [
        ({"quantize": "none"}, "--quantize: yt8m there", "none now"),
        ({"frames_per_second": "2"}, "--frames_per_second: 1 there", "2 now"),
        ({"rgb_weights": "w2"}, "--rgb_model: mean_colour (weights ) there", "(weights w2) now"),
        ({"max_frames": 0}, "--max_frames: 300 there", "0 now"),
    ],
)
def test_other_settings_in_a_directory_are_refused(
    clips, mean_colour, tmp_path, changed, there, now
):
    run(clips, tmp_path)
    with pytest.raises(ValueError, match="was begun with other settings") as refused:
        run(clips, tmp_path, dataclasses.replace(CONFIG, **changed))
    assert there in str(refused.value)
    assert now in str(refused.value)


def test_other_videos_in_a_directory_are_refused(clips, mean_colour, tmp_path):
    run(clips, tmp_path, videos=f"{clips.directory}/[ab].mkv")
    with pytest.raises(ValueError, match=r"--videos: 2 \(\w+\) there, 3 \(\w+\) now"):
        run(clips, tmp_path)


def test_records_of_other_origin_are_not_replaced(clips, mean_colour, tmp_path):
    (tmp_path / "videos0000.tfrecord").write_bytes(b"precious")
    with pytest.raises(ValueError, match=r"already has .*videos0000\.tfrecord"):
        run(clips, tmp_path)
    assert (tmp_path / "videos0000.tfrecord").read_bytes() == b"precious"


def test_batch_size_and_threads_may_change_on_the_way(clips, mean_colour, tmp_path):
    with pytest.raises(ValueError, match="max_bad_videos"):
        run(
            clips,
            tmp_path,
            videos=f"{clips.pattern},{clips.directory}/broken.mkv",
            videos_per_shard=1,
            max_bad_videos=0,
        )
    assert len(list(tmp_path.glob("*.tfrecord"))) == 3
    summary = run(
        clips,
        tmp_path,
        dataclasses.replace(CONFIG, batch_size=1, num_threads=1),
        videos=f"{clips.pattern},{clips.directory}/broken.mkv",
        videos_per_shard=1,
    )
    assert summary.num_videos == 3
    assert mean_colour[-1].calls == []


def test_thumbnails_show_the_middle_of_each_five_seconds(clips, mean_colour, tmp_path):
    run(clips, tmp_path, thumbnails=True)
    directory = tmp_path / "thumbnails"
    found = {str(path.relative_to(directory)) for path in directory.rglob("*.jpg")}
    assert found == {
        *("a.jpg", "b.jpg", "c.jpg", "segments/a/0.jpg", "segments/a/5.jpg"),
        *("segments/b/0.jpg", "segments/c/0.jpg"),
    }
    seconds = {"segments/a/0": 2, "segments/a/5": 6, "segments/b/0": 1, "segments/c/0": 2, "a": 6}
    for name, second in seconds.items():
        image = tf.io.decode_jpeg((directory / f"{name}.jpg").read_bytes()).numpy()
        assert image.shape == (16, 16, 3)
        video = name.split("/")[1] if "/" in name else name
        expected = clips.colours[video][second]
        np.testing.assert_allclose(image.mean(axis=(0, 1)), expected, atol=6)


def test_thumbnails_of_any_id_have_safe_names(clips, mean_colour, tmp_path):
    video_id = '../a/b, "c" 💡..'
    (tmp_path / "list.csv").write_text(
        'path,video_id\n"{}","{}"\n'.format(f"{clips.directory}/a.mkv", video_id.replace('"', '""'))
    )
    run(clips, tmp_path / "out", videos=str(tmp_path / "list.csv"), thumbnails=True)
    assert manifest(tmp_path / "out")["videos"][0]["id"] == video_id
    assert examples(tmp_path / "out")[0].context.feature["id"].bytes_list.value[0] == (
        video_id.encode()
    )
    assert [path.name for path in (tmp_path / "out/thumbnails").glob("*.jpg")] == [
        f"{file_name_of_id(video_id)}.jpg"
    ]
    assert {path.name for path in tmp_path.iterdir()} == {"list.csv", "out"}


def test_labels_reach_the_records_and_the_reader(clips, mean_colour, tmp_path):
    (tmp_path / "labels.csv").write_text("video_id,labels\na,1 0\nc,2\n")
    run(clips, tmp_path / "out", labels=str(tmp_path / "labels.csv"))
    data = DataConfig(("rgb", "audio"), (4, 128), frame_features=True, num_classes=3)
    files = [str(path) for path in (tmp_path / "out").glob("*.tfrecord")]
    (batch,) = Pipeline(files, data, PipelineOptions(batch_size=8))
    assert batch["video_ids"].numpy().tolist() == [b"a", b"b", b"c"]
    assert batch["num_frames"].numpy().tolist() == [7, 2, 4]
    assert batch["labels"].numpy().tolist() == [
        [True, True, False],
        [False, False, False],
        [False, False, True],
    ]


def yt8m(*arguments):
    return subprocess.Popen(
        [sys.executable, "-m", "yt8m_models", "extract", *arguments],
        cwd=ROOT,
        stderr=subprocess.PIPE,
        text=True,
    )


@pytest.fixture
def many_flags(clips, tmp_path):
    """Flags of an extraction of 30 videos in shards of 2, and of one file that is no video."""
    rows = [f"{clips.directory}/{'abc'[n % 3]}.mkv,v{n}" for n in range(30)]
    rows.insert(7, f"{clips.directory}/broken.mkv,broken")
    (tmp_path / "list.csv").write_text("\n".join(["path,video_id", *rows]) + "\n")
    return [
        *(f"--videos={tmp_path}/list.csv", "--rgb_model=none", "--thumbnails"),
        *("--videos_per_shard=2", "--batch_size=5"),
    ]


def wait_for(process, output_dir, num_files):
    while process.poll() is None and len(list(Path(output_dir).glob("*.tfrecord"))) < num_files:
        time.sleep(0.002)


def test_a_run_that_ends_at_any_file_goes_on_to_the_same_bytes(
    clips, mean_colour, tmp_path, monkeypatch
):
    flags = {"videos": f"{clips.directory}/*.mkv", "videos_per_shard": 1, "thumbnails": True}
    run(clips, tmp_path / "unbroken", **flags)
    replace, left = os.replace, []

    def replace_or_end(source, target):
        if not left:
            raise KeyboardInterrupt
        left.pop()
        replace(source, target)

    monkeypatch.setattr(os, "replace", replace_or_end)
    num_ended = 0
    for num_files in itertools.cycle((2, 1, 5, 3)):
        left[:] = range(num_files)
        try:
            run(clips, tmp_path / "broken", **flags)
            break
        except KeyboardInterrupt:
            num_ended += 1
    assert num_ended >= 5
    assert contents(tmp_path / "broken") == contents(tmp_path / "unbroken")


@pytest.mark.slow
def test_killed_runs_go_on_to_the_same_bytes(many_flags, tmp_path):
    unbroken = yt8m(*many_flags, f"--output_dir={tmp_path}/unbroken")
    assert unbroken.wait() == 0, unbroken.stderr.read()
    rng = np.random.default_rng()
    output = f"--output_dir={tmp_path}/killed"
    num_files = 0
    for _ in range(3):
        process = yt8m(*many_flags, output)
        wait_for(process, tmp_path / "killed", num_files + int(rng.integers(1, 4)))
        time.sleep(rng.uniform(0, 0.03))
        process.kill()
        process.communicate()
        num_files = len(list((tmp_path / "killed").glob("*.tfrecord")))
    last = yt8m(*many_flags, output)
    assert last.wait() == 0, last.stderr.read()
    assert contents(tmp_path / "killed") == contents(tmp_path / "unbroken")


def test_an_interrupted_run_ends_with_its_status_and_leaves_no_partial_files(many_flags, tmp_path):
    process = yt8m(*many_flags, f"--output_dir={tmp_path}/out")
    wait_for(process, tmp_path / "out", 2)
    process.send_signal(signal.SIGINT)
    _, errors = process.communicate()
    assert process.returncode == 130, errors
    assert errors.splitlines()[-1] == "yt8m extract: interrupted"
    assert not [name for name in contents(tmp_path / "out") if name.endswith(".partial")]


@pytest.mark.parametrize(
    ("number", "error"), [(signal.SIGINT, KeyboardInterrupt), (signal.SIGTERM, Terminated)]
)
def test_a_signal_is_heeded_between_frames(clips, mean_colour, number, error):
    handler = signal.getsignal(number)
    videos = [read_videos(clips.pattern)]
    with contextlib.closing(extractor.Extractor(CONFIG).extract(videos)) as results:
        next(results)
        os.kill(os.getpid(), number)
        time.sleep(0)  # where a signal would raise
        with pytest.raises(error):
            list(results)
    assert signal.getsignal(number) is handler
    assert not [t for t in threading.enumerate() if t.name.startswith("decoding")]
