"""What the benchmark beside the original programs runs, and what it makes of the seconds."""

from pathlib import Path

import pytest
import tensorflow as tf

from benchmarks.comparison import ROOT
from benchmarks.peers import (
    PEERS,
    PeersConfig,
    Side,
    commands,
    compare,
    seconds_of_command,
    write_shards,
)

SIDES = (Side("python2", Path("/its")), Side("python3", ROOT, ("-m", "eval"), is_ours=True))


def test_speeds_are_of_what_the_long_run_has_more():
    """Each command starts in 10 s; the peer takes 0.1 s a video and we take 0.02 s, ±50 %."""
    started = []

    def seconds(command, directory):
        started.append((command[0], directory))
        flags = dict(flag.split("=") for flag in command if flag.startswith("--"))
        if "--num_epochs" in flags:
            videos = 800 * int(flags["--num_epochs"])
        else:
            pattern = flags.get("--eval_data_pattern") or flags["--input_data_pattern"]
            videos = 200 if "[0-1]" in pattern else 8 * 800
        noise = (0.5, 1.0, 1.5)[(len(started) - 1) // 12]
        return 10 + noise * videos * (0.1 if directory == Path("/its") else 0.02)

    figures = compare("willow", SIDES, Path("/data"), 800, 3, seconds)
    assert [figure.value for figure in figures] == pytest.approx([5.0, 5.0, 5.0])
    assert figures[0].detail == pytest.approx(
        {"its_videos_per_second": 10, "our_videos_per_second": 50}
    )
    assert figures[0].name == "training over that of willow (gated NetVLAD, K = 256)"
    assert started == [*6 * [("python2", Path("/its"))], *6 * [("python3", ROOT)]] * 3


@pytest.mark.parametrize("name", PEERS)
def test_both_sides_get_the_same_command_lines(name):
    its, ours = (commands(name, side, Path("/data"), 0) for side in SIDES)
    for task, runs in its.items():
        for theirs, own in zip(runs, ours[task], strict=True):
            flags = [flag.replace("/data/its0", "/data/ours0") for flag in theirs if "--" in flag]
            assert [flag for flag in own if "--" in flag and flag not in PEERS[name].ours] == flags
    assert ours["evaluation"][0][:3] == ["python3", "-m", "eval"]
    assert its["inference"][1][:2] == ["python2", "inference.py"]


@pytest.mark.parametrize("name", PEERS)
def test_records_are_what_the_peer_reads(name, tmp_path):
    write_shards(PEERS[name], 16, tmp_path)
    assert len(list(tmp_path.glob("*train*.tfrecord"))) == 64
    records = tf.data.TFRecordDataset(sorted(map(str, tmp_path.glob("train*.tfrecord"))))
    examples = [tf.train.SequenceExample.FromString(record.numpy()) for record in records]
    assert len(examples) == 16
    for example in examples:
        assert set(example.context.feature) == {PEERS[name].id_name, "labels"}
        assert len(example.feature_lists.feature_list["rgb"].feature) >= 120


def test_a_checkout_must_be_one(tmp_path):
    with pytest.raises(ValueError, match="--starter or --willow, a directory each, must be given"):
        PeersConfig()
    with pytest.raises(ValueError, match=r"has no train\.py"):
        PeersConfig(willow=str(tmp_path))


def test_a_program_that_fails_is_named_with_its_last_words(tmp_path):
    script = tmp_path / "train.py"
    script.write_text("import sys; sys.exit('no TensorFlow 1 here')")
    side = Side("python3", tmp_path)
    with pytest.raises(ValueError, match=r"train.py .* ended with an error:\nno TensorFlow 1 here"):
        compare("starter", (side, side), tmp_path, 16, 1, seconds_of_command)
