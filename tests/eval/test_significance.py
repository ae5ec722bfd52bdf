"""McNemar's test, and the program that compares two submission files."""

import subprocess
import sys
from math import comb
from pathlib import Path

import numpy as np
import pytest

from eval.mcnemar_test import McNemar, mcnemar
from eval.significance.__main__ import PROGRAM, main
from eval.significance.comparison import ABSENT, NO_LABEL, compare, read_best_labels
from eval.significance.config import SignificanceConfig
from yt8m_models.data.records import frame_record, video_record, write_records
from yt8m_models.program.command import UsageError


def p_value_of(only_a, only_b):
    """That of two models of which each alone has so many videos right."""
    a_correct = np.repeat([True, False], [only_a, only_b])
    return mcnemar(a_correct, ~a_correct).p_value


@pytest.mark.parametrize(
    ("only_a", "only_b", "p_value"),
    [
        (0, 0, 1.0),
        (1, 0, 1.0),  # 2 · 1/2
        (5, 0, 0.0625),  # 2 · 1/32
        (2, 8, 0.109375),  # 2 · (1 + 10 + 45) / 1024
        (9, 3, 598 / 4096),  # 2 · (1 + 12 + 66 + 220) / 4096
        (6, 6, 1.0),
        (6, 5, 1.0),  # half of the distribution
    ],
)
def test_p_values_by_hand(only_a, only_b, p_value):
    assert p_value_of(only_a, only_b) == pytest.approx(p_value, rel=1e-12)


@pytest.mark.parametrize("n", [1, 7, 24, 25, 60, 301])
def test_p_values_against_exact_integers(n):
    for k in range(n + 1):
        tail = sum(comb(n, i) for i in range(min(k, n - k) + 1))
        assert p_value_of(k, n - k) == pytest.approx(min(1.0, 2 * tail / 2**n), rel=1e-11)


def test_large_counts_agree_with_the_chi_square_of_edwards():
    """With continuity correction, (|b - c| - 1)² / (b + c) = 199² / 20000 = 1.98; p = 0.1594."""
    assert p_value_of(10_100, 9_900) == pytest.approx(0.1594, abs=2e-4)


def test_mcnemar_counts():
    a = np.array([True, True, True, False, False, True])
    b = np.array([True, False, False, True, False, False])
    p_value = pytest.approx(0.625)  # 2 · (1 + 4) / 16
    assert mcnemar(a, b) == McNemar(only_a=3, only_b=1, p_value=p_value)
    assert mcnemar(list(b), list(a)) == McNemar(only_a=1, only_b=3, p_value=p_value)
    assert mcnemar([], []) == McNemar(0, 0, 1.0)


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        ([True], [True, False], r"the same shape \(videos,\); received \(1,\) and \(2,\)"),
        ([[True]], [[True]], r"received \(1, 1\) and \(1, 1\)"),
        ([1.0], [True], "a_correct must be bool; received float64"),
        ([True], [2], "b_correct must be bool; received int64"),
    ],
)
def test_mcnemar_refuses(a, b, message):
    with pytest.raises(ValueError, match=message):
        mcnemar(a, b)


def write_csv(path, lines):
    path.write_text("VideoId,LabelConfidencePairs\n" + "".join(f"{line}\n" for line in lines))
    return str(path)


# Video to labels; v4 has none.
LABELS = {"v0": [1], "v1": [2, 3], "v2": [3], "v3": [0], "v4": [], "v5": [7]}


@pytest.fixture(params=["video", "frame"])
def labels(tmp_path, request):
    """Records of the videos of `LABELS` in two files, at both levels."""
    rng = np.random.default_rng(0)
    records = []
    for video, classes in LABELS.items():
        if request.param == "video":
            features = {"mean_rgb": rng.normal(size=4)}
            records.append(video_record(video.encode(), classes, features))
        else:
            frames = {"rgb": rng.integers(0, 256, (3, 4), np.uint8)}
            records.append(frame_record(video.encode(), classes, frames, id_name="video_id"))
    write_records(tmp_path / "validate0.tfrecord", records[:4])
    write_records(tmp_path / "validate1.tfrecord", records[4:])
    return f"{tmp_path}/validate*.tfrecord"


@pytest.fixture
def files(tmp_path):
    """The first is right about v0, v1 and v3, the second about v1 (its tie goes to 2) and v2."""
    a = ["v3,0 0.9 5 0.1", "v0,1 0.5", "v4,1 0.5", "v1,1 0.2 3 0.7", "v2,4 0.5 3 0.4"]
    b = ["v0,0 0.9 1 0.1", "v1,5 0.5 2 0.5 4 0.1", "v2,3 0.5", "v3,2 0.4", "v4,1 0.5"]
    return write_csv(tmp_path / "a.csv", a), write_csv(tmp_path / "b.csv", b)


def test_comparison(files, labels):
    comparison = compare(SignificanceConfig(",".join(files), labels))
    assert comparison.files == files
    assert comparison.num_videos == 4
    assert comparison.hits == (3, 2)
    assert comparison.test == McNemar(only_a=2, only_b=1, p_value=1.0)
    assert (comparison.unlabelled, comparison.unpredicted) == (1, 1)
    assert comparison.one_sided == (0, 0)
    assert comparison.problems is None


def test_program(files, labels, capsys):
    main(PROGRAM.parse([*files, f"--labels={labels}"]))
    captured = capsys.readouterr()
    assert captured.out.splitlines() == [
        "Hit@1 of 4 videos",
        f"  {files[0]}  0.7500  (3 right)",
        f"  {files[1]}  0.5000  (2 right)",
        "right in the first alone 2, in the second alone 1",
        "McNemar's exact test: p = 1",
        "left out: 1 videos without labels, 1 labelled videos that neither file has",
    ]
    assert "comparing 6 videos" in captured.err


def test_videos_of_one_file_alone(tmp_path, files, labels):
    b = write_csv(tmp_path / "c.csv", ["v0,0 1", "v2,3 1", "v5,7 0.5", "unknown,1 1"])
    both = f"{files[0]},{b}"
    with pytest.raises(ValueError, match=r"3 labelled videos, such as 'v1', are .* 2 in .*a\.csv"):
        compare(SignificanceConfig(both, labels))
    wrong = compare(SignificanceConfig(both, labels, missing="wrong"))
    assert wrong.one_sided == (2, 1)
    assert (wrong.num_videos, wrong.hits) == (5, (3, 2))
    assert wrong.test[:2] == (3, 2)  # a: v0, v1, v3; b: v2, v5
    skipped = compare(SignificanceConfig(both, labels, missing="skip"))
    assert (skipped.num_videos, skipped.hits) == (2, (1, 1))
    assert skipped.test[:2] == (1, 1)


def test_files_of_other_videos_are_refused_with_an_example(tmp_path, labels):
    others = [write_csv(tmp_path / f"{name}.csv", ["V0,0 1", "V2,3 1"]) for name in "xy"]
    with pytest.raises(ValueError, match=r"have no id in common: ids such as 'v0' and 'V0'"):
        compare(SignificanceConfig(",".join(others), labels))


def test_random_predictions_against_loops(tmp_path):
    rng = np.random.default_rng(1)
    truth = {f"id{n}": set(rng.choice(9, rng.integers(0, 4)).tolist()) for n in range(3000)}
    write_records(
        tmp_path / "x.tfrecord",
        [video_record(video.encode(), sorted(labels), {}) for video, labels in truth.items()],
    )
    paths, right = [], []
    for name in "ab":
        predictions = {
            video: dict(zip(rng.permutation(9)[:4].tolist(), rng.permutation(4) / 4, strict=True))
            for video in rng.permutation(list(truth))
        }
        lines = [
            f"{video}," + " ".join(f"{label} {score}" for label, score in pairs.items())
            for video, pairs in predictions.items()
        ]
        paths.append(write_csv(tmp_path / f"{name}.csv", lines))
        best = {video: max(pairs, key=pairs.get) for video, pairs in predictions.items()}
        right.append([best[video] in labels for video, labels in truth.items() if labels])
    comparison = compare(SignificanceConfig(",".join(paths), f"{tmp_path}/x.tfrecord"))
    assert comparison.num_videos == len(right[0])
    assert comparison.hits == tuple(map(sum, right))
    assert comparison.test == mcnemar(*right)


def test_best_labels(tmp_path):
    lines = ["b,9 0.5 3 0.5 4 0.5", "longer,1 -2 2 -1", "a,"]
    best = read_best_labels(write_csv(tmp_path / "a.csv", lines))
    assert best.video_ids.tolist() == [b"a", b"b", b"longer"]
    assert best.labels.tolist() == [NO_LABEL, 3, 2]
    labels = best.of(np.array([b"longer", b"zz", b"a", b""]))
    assert labels.tolist() == [2, ABSENT, NO_LABEL, ABSENT]


def test_bad_files(tmp_path, files, labels):
    def compare_with(lines, **options):
        other = write_csv(tmp_path / "bad.csv", lines)
        return compare(SignificanceConfig(f"{files[0]},{other}", labels, **options))

    with pytest.raises(ValueError, match=r"bad\.csv, line 3: a score must be a finite number"):
        compare_with(["v0,1 0.5", "v1,1 nan"])
    with pytest.raises(ValueError, match=r"bad\.csv, line 4: video 'v1' is already in line 2"):
        compare_with(["v1,1 0.5", "v0,1 0.5", "v1,1 0.5"])
    with pytest.raises(ValueError, match=r"bad\.csv has no video"):
        compare_with([])
    with pytest.raises(ValueError, match="no labelled video"):
        compare_with(["other,1 0.5"], missing="skip")
    with pytest.raises(ValueError, match=r"two different submission files .* received 1"):
        compare(SignificanceConfig(files[0], labels))
    twice = tmp_path / "twice.tfrecord"
    twice.write_bytes((tmp_path / "validate0.tfrecord").read_bytes())
    with pytest.raises(ValueError, match="the records of --labels have the video 'v0' twice"):
        compare(SignificanceConfig(",".join(files), f"{labels},{twice}"))


def test_scipy_is_asked_for(files, labels, monkeypatch):
    monkeypatch.setitem(sys.modules, "scipy", None)
    with pytest.raises(ValueError, match="scipy is needed and not installed"):
        compare(SignificanceConfig(",".join(files), labels))


def test_bad_records(tmp_path, files, labels):
    bad = tmp_path / "bad.tfrecord"
    write_records(bad, [b"no record", video_record(b"", [1], {}, id_name="name")])
    config = SignificanceConfig(",".join(files), f"{labels},{bad}")
    with pytest.raises(ValueError, match=r"bad\.tfrecord: record 0 .*neither an Example nor a Seq"):
        compare(config)
    config = SignificanceConfig(",".join(files), f"{labels},{bad}", max_bad_records=1)
    with pytest.raises(ValueError, match=r"bad\.tfrecord: record 1 .*it has no id; there are"):
        compare(config)
    config = SignificanceConfig(",".join(files), f"{labels},{bad}", max_bad_records=2)
    assert "skipped 2 bad records" in compare(config).problems


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--labels=x"], "--predictions must be given"),
        (["a.csv", "b.csv"], "--labels must be given"),
        (["a.csv", "b.csv", "--labels=x", "--missing=wrnog"], "did you mean wrong"),
        (["a.csv", "b.csv", "--labels=x", "--max_bad_records=-1"], "--max_bad_records must be at"),
    ],
)
def test_wrong_flags(flags, message):
    with pytest.raises(UsageError, match=message):
        PROGRAM.parse(flags)
    with pytest.raises(ValueError, match="--missing=no: must be one of refuse, wrong, skip"):
        SignificanceConfig("a.csv,b.csv", "x", missing="no")


def test_help_is_light():
    code = (
        "import sys\nfrom eval.significance.__main__ import PROGRAM\n"
        "assert '--labels' in PROGRAM.help()\n"
        "assert not {'tensorflow', 'keras', 'numpy', 'pandas'} & set(sys.modules)\n"
    )
    root = Path(__file__).resolve().parents[2]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)
