"""The split program: disjoint, complete, byte for byte, and resumable."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.data import video_hash
from yt8m_models.data.record_identity import RecordIdentity, identify
from yt8m_models.data.record_reader import record_size
from yt8m_models.data.records import video_record, write_records
from yt8m_models.data.split import splitting
from yt8m_models.data.split.__main__ import PROGRAM, main
from yt8m_models.data.split.config import SplitConfig
from yt8m_models.data.split.splitting import split
from yt8m_models.data.video_hash import are_test, is_test
from yt8m_models.program.command import UsageError
from yt8m_models.samples.synthetic.config import SyntheticConfig
from yt8m_models.samples.synthetic.generator import write_synthetic

PARTS = ("validation", "test")


def records_of(path):
    """The records of a file as they are in it, with lengths and checksums."""
    framed, content = [], Path(path).read_bytes()
    while content:
        size = record_size(int.from_bytes(content[:8], "little"))
        framed.append(content[:size])
        content = content[size:]
    return framed


def id_of(framed):
    return identify(framed[12:-4]).video_id


def snapshot(directory):
    return {
        str(path.relative_to(directory)): path.read_bytes()
        for path in sorted(directory.rglob("*"))
        if path.is_file()
    }


@pytest.fixture(params=["frame", "video", "segment"])
def shards(tmp_path, request):
    """Three shards of 40 videos in all, at each level."""
    config = SyntheticConfig(
        str(tmp_path / "data"),
        level=request.param,
        num_videos=40,
        num_shards=3,
        num_classes=9,
        feature_sizes=(8, 2),
        min_frames=5,
        max_frames=12,
        prefix="validate",
    )
    return write_synthetic(config)


@pytest.mark.parametrize("fraction", [0.3, 0.5])
def test_parts_are_disjoint_complete_and_unchanged(tmp_path, shards, fraction):
    output = tmp_path / "new" / "out"
    pattern = f"{tmp_path}/data/validate*.tfrecord"
    summary = split(SplitConfig(pattern, str(output), fraction=fraction))
    counts = dict.fromkeys(PARTS, 0)
    for shard in shards:
        expected = {part: [] for part in PARTS}
        for framed in records_of(shard):
            digest = hashlib.sha256(b"0:" + id_of(framed)).digest()
            share = int.from_bytes(digest[:8], "big") / 2**64
            expected["test" if share < fraction else "validation"].append(framed)
        for part in PARTS:
            counts[part] += len(expected[part])
            assert (output / part / Path(shard).name).read_bytes() == b"".join(expected[part])
    assert min(counts.values()) > 5
    assert (summary.num_validation, summary.num_test) == tuple(counts.values())
    assert (summary.num_files, summary.problems) == (3, None)
    names = [f"{part}/validate000{n}.tfrecord" for part in PARTS for n in range(3)]
    assert sorted(snapshot(output)) == sorted([*names, "split.json"])


def test_the_hash_does_not_change():
    """`printf 0:abcd | sha256sum` begins with bf6421eb2e19746c."""
    share = 0xBF6421EB2E19746C / 2**64  # 0.7476
    assert not is_test(b"abcd", share - 1e-9)
    assert is_test(b"abcd", share + 1e-9)


def test_many_ids_are_hashed_as_each_is(monkeypatch):
    """By the formula of one id, in Python's whole numbers, also at and beside each bound."""
    monkeypatch.setattr(video_hash, "_BLOCK", 100)
    videos = [b"", b"abcd", "ü:0".encode(), *(b"v%d" % n for n in range(500))]
    for seed in (0, 12):
        digests = [hashlib.sha256(b"%d:%b" % (seed, video)).digest() for video in videos]
        numbers = [int.from_bytes(digest[:8], "big") for digest in digests]
        shares = [number / 2**64 for number in numbers[:20]]
        for share in (-0.1, 0, 1e-300, 0.3, 1 - 2**-53, 1, 2, *shares, np.nextafter(shares[1], 1)):
            expected = [number < share * 2**64 for number in numbers]
            assert are_test(iter(videos), share, seed).tolist() == expected
    assert are_test([], 0.5).shape == (0,)


def test_fractions_and_seeds():
    videos = [b"v%d" % n for n in range(20_000)]
    small, large = ({v for v in videos if is_test(v, share)} for share in (0.2, 0.5))
    assert small < large
    # The deviation of a share of 20,000 is at most sqrt(0.25 / 20000) = 0.0035.
    assert len(small) / 20_000 == pytest.approx(0.2, abs=0.015)
    assert len(large) / 20_000 == pytest.approx(0.5, abs=0.015)
    other = {v for v in videos if is_test(v, 0.5, seed=1)}
    assert len(other & large) / 20_000 == pytest.approx(0.25, abs=0.015)


def video(name):
    return video_record(name.encode(), [1], {"mean_rgb": np.zeros(2)})


def test_a_part_without_records_has_no_file(tmp_path):
    chosen = [name for name in map(str, range(100)) if is_test(name.encode(), 0.5)]
    write_records(tmp_path / "a.tfrecord", map(video, chosen))
    summary = split(SplitConfig(f"{tmp_path}/a.tfrecord", f"{tmp_path}/out"))
    assert (summary.num_validation, summary.num_test) == (0, len(chosen))
    assert sorted(snapshot(tmp_path / "out")) == ["split.json", "test/a.tfrecord"]


def test_an_interrupted_run_goes_on(tmp_path, shards, monkeypatch):
    pattern = f"{tmp_path}/data/*"
    split(SplitConfig(pattern, f"{tmp_path}/whole"))
    config = SplitConfig(pattern, f"{tmp_path}/out")
    opened = []

    def interrupted(file, ledger, count=2):
        opened.append(Path(file).name)
        for n, entry in enumerate(identified_records(file, ledger)):
            if len(opened) == count and n == 9:
                raise KeyboardInterrupt
            yield entry

    identified_records = splitting.identified_records
    monkeypatch.setattr(splitting, "identified_records", interrupted)
    with pytest.raises(KeyboardInterrupt):
        split(config)
    assert sorted(snapshot(tmp_path / "out")) == [
        "split.json",
        "test/validate0000.tfrecord",
        "validation/validate0000.tfrecord",
    ]
    opened.append("interrupted")
    summary = split(config)
    assert opened[3:] == ["validate0001.tfrecord", "validate0002.tfrecord"]
    assert summary.num_validation + summary.num_test == 40
    assert snapshot(tmp_path / "out") == snapshot(tmp_path / "whole")
    split(config)
    assert len(opened) == 5
    assert snapshot(tmp_path / "out") == snapshot(tmp_path / "whole")


def test_other_settings_files_and_inputs_are_refused(tmp_path):
    path = tmp_path / "a.tfrecord"
    write_records(path, map(video, "abcdefgh"))
    output = tmp_path / "out"
    split(SplitConfig(str(path), str(output)))
    before = snapshot(output)
    with pytest.raises(ValueError, match=r"split\.json is of a split with seed 0, not 1"):
        split(SplitConfig(str(path), str(output), seed=1))
    with pytest.raises(ValueError, match=r"validation/a\.tfrecord has .* when it was copied"):
        split(SplitConfig(str(output / "validation" / "a.tfrecord"), str(output)))
    (output / "split.json").write_text("[]")
    with pytest.raises(ValueError, match=r"split\.json is not the record of a split"):
        split(SplitConfig(str(path), str(output)))
    (output / "split.json").unlink()
    with pytest.raises(ValueError, match=r"already has .*out/\w+/a\.tfrecord, and no split\.json"):
        split(SplitConfig(str(path), str(output)))
    del before["split.json"]
    assert snapshot(output) == before


def test_two_files_of_one_name_are_refused(tmp_path):
    for directory in ("x", "y"):
        (tmp_path / directory).mkdir()
        write_records(tmp_path / directory / "a.tfrecord", [video("a")])
    with pytest.raises(ValueError, match=r"x/a\.tfrecord and .*y/a\.tfrecord would have one name"):
        split(SplitConfig(f"{tmp_path}/*/a.tfrecord", f"{tmp_path}/out"))
    assert not (tmp_path / "out").exists()


def test_bad_records(tmp_path):
    path = tmp_path / "a.tfrecord"
    good = [video(name) for name in "abcdefgh"]
    write_records(path, [*good[:3], b"no record", *good[3:], video_record(b"", [], {}, "name")])
    content = bytearray(path.read_bytes())
    content[20] ^= 1  # within the content of record 0
    path.write_bytes(content)
    config = SplitConfig(str(path), f"{tmp_path}/out", max_bad_records=2)
    with pytest.raises(
        ValueError, match=r"a\.tfrecord: record 9 .*: it has no id; there are labels"
    ):
        split(config)
    assert sorted(snapshot(tmp_path / "out")) == ["split.json"]
    for _ in range(2):  # The second run does nothing, and says the same.
        summary = split(SplitConfig(str(path), f"{tmp_path}/out", max_bad_records=3))
        assert summary.num_validation + summary.num_test == 7
        assert summary.problems.splitlines() == [
            "skipped 3 bad records",
            f"  {path}: record 0 (counted from 0): its content does not match its checksum",
            f"  {path}: record 3 (counted from 0): neither an Example nor a SequenceExample; it "
            "begins with b'no record'",
            f"  {path}: record 9 (counted from 0): it has no id; there are labels, name",
        ]
    with pytest.raises(ValueError, match=r"more than --max_bad_records=2 bad records"):
        split(config)


def test_a_directory_that_cannot_be_made(tmp_path):
    path = tmp_path / "a.tfrecord"
    write_records(path, [video("a")])
    with pytest.raises(OSError, match="cannot write to --output_dir="):
        split(SplitConfig(str(path), f"{path}/out"))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--input_data_pattern="], "--input_data_pattern must be given"),
        (["--output_dir="], "--output_dir must be given"),
        (["--fraction=0"], "--fraction must be above 0 and below 1; received 0"),
        (["--fraction=1"], "--fraction must be above 0 and below 1; received 1"),
        (["--fraction=nan"], "--fraction must be a finite number; received nan"),
        (["--seed=-1"], "--seed must be at least 0; received -1"),
        (["--max_bad_records=-1"], "--max_bad_records must be at least 0; received -1"),
    ],
)
def test_wrong_flags(flags, message):
    with pytest.raises(UsageError, match=message):
        PROGRAM.parse(["--input_data_pattern=x", "--output_dir=y", *flags])


def test_main(tmp_path, capsys):
    write_records(tmp_path / "a.tfrecord", map(video, "abcdefgh"))
    output = tmp_path / "out"
    main(PROGRAM.parse([f"--input_data_pattern={tmp_path}/a*", f"--output_dir={output}"]))
    shard = json.loads((output / "split.json").read_text())["shards"]["a.tfrecord"]
    captured = capsys.readouterr()
    assert captured.out == (
        f"{shard['validation']} videos in {output}/validation, {shard['test']} in {output}/test, "
        "from 1 files\n"
    )
    assert "splitting" in captured.err


def test_identities():
    assert identify(video("abcd")) == RecordIdentity(b"abcd", [1])
    example = tf.train.Example.FromString(video("abcd"))
    example.features.feature["labels"].float_list.value.append(1.0)
    with pytest.raises(ValueError, match="video 'abcd': labels must be integers"):
        identify(example.SerializeToString())


def test_an_empty_id_is_none():
    example = tf.train.Example.FromString(video(""))
    with pytest.raises(ValueError, match="it has no id; there are id, labels"):
        identify(example.SerializeToString())
    example.features.feature["video_id"].bytes_list.value.append(b"old")
    assert identify(example.SerializeToString()).video_id == b"old"


def test_help_is_light():
    code = (
        "import sys\nfrom yt8m_models.data.split.__main__ import PROGRAM\n"
        "assert '--fraction' in PROGRAM.help()\n"
        "assert not {'tensorflow', 'keras', 'numpy', 'pandas'} & set(sys.modules)\n"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
