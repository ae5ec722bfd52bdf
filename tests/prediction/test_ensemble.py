"""The ensemble program against a plain loop over dictionaries, and what it refuses."""

import dataclasses
import gzip
import io
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import numpy as np
import pytest

from yt8m_models.prediction.ensemble import ensembling
from yt8m_models.prediction.ensemble.__main__ import PROGRAM, main
from yt8m_models.prediction.ensemble.config import EnsembleConfig
from yt8m_models.prediction.ensemble.ensembling import ensemble
from yt8m_models.prediction.ensemble.score_ranks import ScoreRanks
from yt8m_models.prediction.submission import VideoSubmission
from yt8m_models.prediction.submission_reader import read_submission
from yt8m_models.program.command import UsageError

from .conftest import HEADER, write


def read(path):
    header, *lines = path.read_text().splitlines()
    assert header + "\n" == HEADER
    return {video: pairs for video, pairs in (line.split(",") for line in lines)}


def average(tmp_path, files, progress=False, partition_bytes=ensembling.PARTITION_BYTES, **options):
    """The output for files as `{video: {label: score}}`."""
    paths = [write(tmp_path / f"{n}.csv", lines) for n, lines in enumerate(files)]
    output = tmp_path / "out.csv"
    config = EnsembleConfig(",".join(map(str, paths)), str(output), **options)
    summary = ensemble(config, progress, partition_bytes)
    result = read(output)
    assert summary.num_videos == len(result)
    assert summary.num_files == len(files)
    return result


def by_loops(files, weights, top_k, ranks=False):
    """The slow reference."""
    if ranks:
        files = [by_rank(lines) for lines in files]
    totals = {}
    for lines, weight in zip(files, weights, strict=True):
        for video, pairs in lines.items():
            scores = totals.setdefault(video, defaultdict(float))
            for label, score in pairs.items():
                scores[label] += weight * score
    result = {}
    for video, scores in totals.items():
        means = {label: np.float32(score / sum(weights)) for label, score in scores.items()}
        best = sorted(means, key=lambda label: (-means[label], label))[:top_k]
        result[video] = " ".join(f"{label} {means[label]:g}" for label in best)
    return result


def by_rank(lines):
    """Every score replaced by (number of lower ones + (number of equal ones + 1) / 2) / number."""
    every = [score for pairs in lines.values() for score in pairs.values()]
    return {
        video: {
            label: (sum(s < score for s in every) + (every.count(score) + 1) / 2) / len(every)
            for label, score in pairs.items()
        }
        for video, pairs in lines.items()
    }


def random_files(seed, num_files=4, num_videos=40):
    """Files that have different videos, orders, labels and numbers of labels, and many ties."""
    rng = np.random.default_rng(seed)
    files = []
    for _ in range(num_files):
        videos = rng.choice(num_videos, rng.integers(1, num_videos), replace=False)
        lines = {}
        for video in videos:
            labels = rng.choice(30, rng.integers(0, 12), replace=False).tolist()
            # Sixteenths: their sums are exact in any order, so that ties are.
            lines[f"v{video}"] = {label: int(rng.integers(-4, 17)) / 16 for label in labels}
        files.append(lines)
    return files


def test_hand_computed(tmp_path):
    """Weights 3 and 1: (3 · 0.8 + 0.4) / 4 = 0.7; a missing pair counts 0: 3 · 0.6 / 4 = 0.45."""
    files = [
        {"aaaa": {7: 0.8, 5: 0.6}, "bbbb": {1: 0.5}},
        {"cccc": {2: 0.4}, "aaaa": {7: 0.4, 9: 1.0}},
    ]
    assert average(tmp_path, files, weights=(3, 1)) == {
        "aaaa": "7 0.7 5 0.45 9 0.25",
        "bbbb": "1 0.375",
        "cccc": "2 0.1",
    }


def test_ranks_by_hand(tmp_path):
    """Ranks of the first file: 0.9 → 4/4, 0.5 twice → (1 + 3/2)/4 = 0.625, 0.1 → 1/4.

    Of the second file: 30 → 2/2, 20 → 1/2. aaaa 7: (1 + 0.5)/2; aaaa 5 and bbbb 1: 0.625/2.
    """
    files = [{"aaaa": {7: 0.9, 5: 0.5}, "bbbb": {1: 0.5, 2: 0.1}}, {"aaaa": {7: 20, 9: 30}}]
    assert average(tmp_path, files, rank_average=True) == {
        "aaaa": "7 0.75 9 0.5 5 0.3125",
        "bbbb": "1 0.3125 2 0.125",
    }


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("ranks", [False, True])
@pytest.mark.parametrize("partition_bytes", [100, 1000, ensembling.PARTITION_BYTES])
def test_against_loops(tmp_path, seed, ranks, partition_bytes):
    files = random_files(seed)
    weights = (1.0, 0.0, 2.0, 1.0) if seed % 2 else (1.0, 1.0, 1.0, 1.0)
    options = {"weights": weights, "top_k": 5, "rank_average": ranks}
    result = average(tmp_path, files, partition_bytes=partition_bytes, **options)
    expected = by_loops(files, weights, 5, ranks)
    if ranks:  # Sums of ranks in another order may differ in the last bit, and so break ties.
        assert scores_of(result) == pytest.approx(scores_of(expected), rel=2e-6)
    else:
        assert list(result.items()) == list(expected.items())


def scores_of(result):
    return [float(score) for pairs in result.values() for score in pairs.split(" ")[1::2] if pairs]


def test_the_order_does_not_depend_on_partitions(tmp_path):
    files = random_files(9)
    results = [list(average(tmp_path, files, partition_bytes=size)) for size in (50, 10**6)]
    expected = list(dict.fromkeys(video for lines in files for video in lines))
    assert results == [expected, expected]


def test_blocks_of_a_few_bytes_give_the_same_lines(tmp_path):
    (lines,) = random_files(3, num_files=1)
    path = Path(write(tmp_path / "a.csv", lines))
    for block_bytes in (1, 7, 100, 10**6):
        blocks = list(read_submission(str(path), block_bytes))
        assert [video.decode() for block in blocks for video in block.video_ids] == list(lines)
        labels = [label for pairs in lines.values() for label in pairs]
        assert np.concatenate([block.labels for block in blocks]).tolist() == labels
        assert sum(block.num_bytes for block in blocks) == path.stat().st_size - len(HEADER)
        numbers = np.concatenate([block.lines for block in blocks])
        assert numbers.tolist() == list(range(2, 2 + len(lines)))


def test_one_file_comes_back_byte_for_byte(tmp_path):
    rng = np.random.default_rng(0)
    file = io.BytesIO()
    submission = VideoSubmission(file)
    scores = np.sort(rng.random((50, 20)) * 10.0 ** -rng.integers(0, 9, (50, 20)))[:, ::-1]
    labels = np.array([rng.choice(3862, 20, replace=False) for _ in range(50)])
    ids = np.array([b"id%d" % n for n in range(50)], object)
    submission.add(ids, labels, scores.astype(np.float32))
    (tmp_path / "a.csv").write_bytes(file.getvalue())
    ensemble(EnsembleConfig(str(tmp_path / "a.csv"), str(tmp_path / "out.csv")))
    assert (tmp_path / "out.csv").read_bytes() == file.getvalue()


def test_ties_take_the_lower_label(tmp_path):
    files = [{"a": {9: 0.5, 3: 0.25, 4: 0.5}}, {"a": {3: 0.25}}]
    assert average(tmp_path, files, top_k=2) == {"a": "3 0.25 4 0.25"}


def test_line_ends_of_windows_a_missing_last_one_and_ids_that_are_not_utf8(tmp_path):
    (tmp_path / "a.csv").write_bytes(HEADER.encode()[:-1] + b"\r\nab,1 0.5\r\n\xff\x00,2 .25")
    ensemble(EnsembleConfig(str(tmp_path / "a.csv"), str(tmp_path / "out.csv")))
    expected = HEADER.encode() + b"ab,1 0.5\n\xff\x00,2 0.25\n"
    assert (tmp_path / "out.csv").read_bytes() == expected


def test_files_without_videos(tmp_path):
    for files in ([{}], [{}, {"a": {1: 1.0}}]):
        with pytest.raises(ValueError, match=r"0\.csv has no video$"):
            average(tmp_path, files)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.csv", "1.csv"]


@pytest.mark.parametrize("partition_bytes", [10, ensembling.PARTITION_BYTES])
def test_files_must_have_videos_in_common(tmp_path, partition_bytes):
    files = [{"a": {1: 0.5}, "b": {2: 0.5}}, {"b": {1: 0.5}}, {"c": {1: 0.5}, "d": {1: 0.5}}]
    message = (
        r"2\.csv has no video in common with the other files: 'c' is in .*2\.csv and 'a' is in "
    )
    with pytest.raises(ValueError, match=message):
        average(tmp_path, files, partition_bytes=partition_bytes)
    assert not (tmp_path / "out.csv").exists()
    files[2]["a"] = {1: 0.5}
    assert len(average(tmp_path, files, partition_bytes=partition_bytes)) == 4


def test_videos_that_not_every_file_has_are_counted(tmp_path, capsys):
    write(tmp_path / "a.csv", {"x": {1: 0.5}, "y": {1: 0.5}, "z": {1: 0.5}})
    write(tmp_path / "b.csv", {"z": {1: 0.5}, "w": {1: 0.5}})
    files = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    main(PROGRAM.parse([*files, f"--output_file={tmp_path / 'out.csv'}"]))
    assert "3 of the videos are not in every file" in capsys.readouterr().err
    main(PROGRAM.parse([files[0], f"--output_file={tmp_path / 'out.csv'}"]))
    assert "not in every file" not in capsys.readouterr().err


PLAIN = HEADER + "ab,1 0.5 2 0.25\nc d,3 1\ne,\n"
SPELLINGS = {
    "plain": PLAIN.encode(),
    "VideoID": PLAIN.replace("VideoId", "VideoID").encode(),
    "a byte order mark": b"\xef\xbb\xbf" + PLAIN.encode(),
    "CRLF": PLAIN.replace("\n", "\r\n").encode(),
    "no last line end": PLAIN[:-1].encode(),
    "blank lines": PLAIN.replace("\n", "\n\n").encode() + b" \n\r\n",
    "gzip": gzip.compress(PLAIN.encode()),
    "gzip in parts": gzip.compress(PLAIN[:40].encode()) + gzip.compress(PLAIN[40:].encode()),
    "spaces": b"VideoId , LabelConfidencePairs \r\n ab , 1  0.5\t2 0.25 \r\nc d, 3 1\n e ,  \n",
    "quotes": b'"VideoId","LabelConfidencePairs"\n"ab","1 0.5 2 0.25"\n"c d", "3 1"\n"e",""\n',
}


@pytest.mark.parametrize("spelling", SPELLINGS)
def test_files_of_other_programs(tmp_path, spelling):
    path, output = tmp_path / "a.csv", tmp_path / "out.csv"
    path.write_bytes(SPELLINGS[spelling])
    for block_bytes in (1, 11, 1 << 20):
        blocks = list(read_submission(str(path), block_bytes))
        assert [video for block in blocks for video in block.video_ids] == [b"ab", b"c d", b"e"]
        lines = [3, 5, 7] if spelling == "blank lines" else [2, 3, 4]
        assert np.concatenate([block.lines for block in blocks]).tolist() == lines
    ensemble(EnsembleConfig(str(path), str(output)))
    assert output.read_text() == PLAIN


def test_ids_that_need_quotes_keep_them(tmp_path):
    ids = [b"a, b", b'"c"', b'd"', b" e ", b"\tf", b'""', b",", b"plain"]
    file = io.BytesIO()
    submission = VideoSubmission(file)
    submission.add(np.array(ids, object), np.full((8, 1), 3), np.full((8, 1), 0.5))
    (tmp_path / "a.csv").write_bytes(file.getvalue())
    ensemble(EnsembleConfig(str(tmp_path / "a.csv"), str(tmp_path / "out.csv")))
    assert (tmp_path / "out.csv").read_bytes() == file.getvalue()
    (block,) = read_submission(str(tmp_path / "out.csv"))
    assert block.video_ids == ids


def test_broken_compression_is_named(tmp_path):
    path = tmp_path / "a.csv"
    content = gzip.compress((PLAIN * 100).encode())
    for broken in (content[:-20], content[:30] + b"\0" * 9 + content[39:], content + b"rest"):
        path.write_bytes(broken)
        with pytest.raises(ValueError, match=r"a\.csv is compressed by gzip, and broken"):
            ensemble(EnsembleConfig(str(path), str(tmp_path / "out.csv")))


def test_negative_scores_rank_below_positive_ones():
    scores = np.array([-2.0, 3.0, -0.5, 0.0, -0.0, 1e-30, 1e300])
    ranks = ScoreRanks()
    ranks.add(scores)
    ranks.finish()
    # In order: -2, -0.5, the two zeros (3.5 each), 1e-30, 3, 1e300.
    expected = np.array([1, 6, 2, 3.5, 3.5, 5, 7]) / 7
    np.testing.assert_allclose(ranks.ranks(scores), expected)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("abcd", "line 3: must be id,label score label score …; received 'abcd'"),
        ("  x", "line 3: must be id,label score"),
        (",1 0.5", "line 3: must be id,label score"),
        ("abcd,1 0.5 2", "line 3: the label '2' has no score"),
        ('"ab,1 0.5', "line 3: must be id,label score label score …; received '\"ab,1 0.5'"),
        ('"ab"c,1 0.5', "line 3: must be id,label score"),
        ('ab,"1 0.5', "line 3: a label must be a class id from 0; '\"1' is not"),
        ('"ab","1 0.5","2 0.5"', "line 3: a score must be a finite number; '0.5\",\"2' is not"),
        ("ab\rcd,1 0.5", "line 3: an id must not have a carriage return"),
        ("abcd,1.5 0.5", "line 3: a label must be a class id from 0; '1.5' is not"),
        ("abcd,-1 0.5", "line 3: a label must be a class id from 0; '-1' is not"),
        ("abcd,2147483648 0.5", "line 3: a label must be a class id from 0; '2147483648' is"),
        ("abcd,x 0.5", "line 3: a label must be a class id from 0; 'x' is not"),
        ("abcd,1 nan", "line 3: a score must be a finite number; 'nan' is not"),
        ("abcd,1 -inf", "line 3: a score must be a finite number; '-inf' is not"),
        ("abcd,1 1e999", "line 3: a score must be a finite number; '1e999' is not"),
        ("abcd,1 0.5-2", "line 3: a score must be a finite number; '0.5-2' is not"),
        ("abcd,1 1e", "line 3: a score must be a finite number; '1e' is not"),
        ("abcd,1 0.5,2 0.3", "line 3: a score must be a finite number; '0.5,2' is not"),
        ("v0,1 0.5", r"line 3: video 'v0' is already in .*0\.csv, line 2"),
        ("abcd,1 0.5 2 0.3 1 0.2", "line 3: video 'abcd' lists a label twice"),
    ],
)
def test_bad_lines_are_named_and_nothing_is_written(tmp_path, line, message):
    files = [["v0,1 0.5", line, "v2,1 0.5"], {"v0": {1: 0.5}}]
    with pytest.raises(ValueError, match=rf"0\.csv, {message}"):
        average(tmp_path, files)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.csv", "1.csv"]


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "a.csv"
    config = EnsembleConfig(str(path), str(tmp_path / "out.csv"))
    path.write_text("Class,Segments\n4,a:0\n")
    with pytest.raises(ValueError, match=r"a\.csv is a submission of segments \(Class,Segments\)"):
        ensemble(config)
    for text in ("", "a,1 0.5\n"):
        path.write_text(text)
        with pytest.raises(ValueError, match=r"a\.csv, line 1: must be VideoId,LabelConf"):
            ensemble(config)
    path.unlink()
    with pytest.raises(ValueError, match=r"no file matches '.*a\.csv'"):
        ensemble(config)


def test_the_output_must_not_be_an_input(tmp_path):
    path = Path(write(tmp_path / "a.csv", {"a": {1: 1.0}}))
    before = path.read_bytes()
    (tmp_path / "link.csv").symlink_to(path)
    for output in (path, tmp_path / "link.csv", tmp_path / "x" / ".." / "a.csv"):
        (tmp_path / "x").mkdir(exist_ok=True)
        with pytest.raises(ValueError, match=r"--output_file=.* is one of the input files"):
            ensemble(EnsembleConfig(str(path), str(output)))
    assert path.read_bytes() == before


def test_weights_must_fit_the_files(tmp_path):
    with pytest.raises(ValueError, match="--weights must have a number for each file; received 3"):
        average(tmp_path, [{}, {}], weights=(1, 2, 3))


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--weights=1,x"], "--weights takes numbers with commas between; received 1,x"),
        (["--weights=1,-1"], "--weights must be at least 0; received 1.0,-1.0"),
        (["--weights=1,nan"], "--weights must be a finite number; received 1.0,nan"),
        (["--weights=0,0"], "--weights must not all be 0; received 0.0,0.0"),
        (["--top_k=0"], "--top_k must be at least 1; received 0"),
        (["--output_file="], "--output_file must be given"),
    ],
)
def test_wrong_flags(flags, message):
    with pytest.raises(UsageError, match=message):
        PROGRAM.parse(["a.csv", "--output_file=out.csv", *flags])


def test_without_files():
    with pytest.raises(UsageError, match="--input_files must be given"):
        PROGRAM.parse(["--output_file=out.csv"])


def test_interrupted(tmp_path, monkeypatch):
    def interrupt(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(ensembling, "_merge", interrupt)
    (tmp_path / "out.csv").write_text("before")
    with pytest.raises(KeyboardInterrupt):
        average(tmp_path, [{"a": {1: 1.0}}])
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.csv", "out.csv"]
    assert (tmp_path / "out.csv").read_text() == "before"


def test_main(tmp_path, capsys):
    for name in "ab":
        write(tmp_path / f"{name}.csv", {"v": {1: 0.5}})
    output = tmp_path / "new" / "out.csv"
    files = [str(tmp_path / "a.csv"), str(tmp_path / "b.csv")]
    arguments = PROGRAM.parse([*files, "--weights=1,3", f"--output_file={output}"])
    assert arguments[EnsembleConfig].weights == (1.0, 3.0)
    main(arguments)
    assert read(output) == {"v": "1 0.5"}
    captured = capsys.readouterr()
    assert "1 videos averaged from 2 files" in captured.out
    assert "averaging 2/2 lines" in captured.err


def test_help_is_light():
    code = (
        "import sys\nfrom yt8m_models.prediction.ensemble.__main__ import PROGRAM\n"
        "print(PROGRAM.help())\n"
        "assert not {'tensorflow', 'keras', 'numpy', 'pandas'} & set(sys.modules)\n"
    )
    root = Path(__file__).resolve().parents[2]
    text = subprocess.check_output([sys.executable, "-c", code], cwd=root, text=True)
    for field in dataclasses.fields(EnsembleConfig):
        assert f"{field.name}" in text
