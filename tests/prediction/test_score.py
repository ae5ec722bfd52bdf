"""The program that scores submission files, against plain loops, and what it refuses."""

import gzip
import json

import numpy as np
import pytest

from eval.evaluation_metrics import EvaluationMetrics
from yt8m_models.data.records import frame_record, video_record, write_records
from yt8m_models.prediction.score import video_scores
from yt8m_models.prediction.score.__main__ import PROGRAM, main
from yt8m_models.prediction.score.config import ScoreConfig
from yt8m_models.prediction.score.hashes import hashes
from yt8m_models.prediction.score.scoring import report, score
from yt8m_models.prediction.submission import VideoSubmission
from yt8m_models.program.command import UsageError

from .conftest import write


def write_labels(tmp_path, truth, level="video", name="validate.tfrecord"):
    """Records of `{video: labels}`."""
    frames = {"rgb": np.zeros((3, 4), np.uint8)}
    records = [
        video_record(video.encode(), sorted(labels), {"mean_rgb": np.zeros(2)})
        if level == "video"
        else frame_record(video.encode(), sorted(labels), frames, id_name="video_id")
        for video, labels in truth.items()
    ]
    write_records(tmp_path / name, records)
    return f"{tmp_path}/validate*.tfrecord"


def score_one(path, labels, **options):
    (scores,), problems = score(ScoreConfig(path, labels, **options))
    assert problems is None
    return scores


def by_loops(predictions, truth, top_k):
    """Hit@1, PERR, GAP, mAP and the average precision of each class, the slow way."""
    hits_at_one, perrs, entries = [], [], []
    for video, pairs in predictions.items():
        labels = truth[video]
        ranked = sorted(pairs, key=lambda label: (-pairs[label], label))
        hits_at_one.append(bool(ranked) and ranked[0] in labels)
        retrieved = sum(label in labels and pairs[label] > 0 for label in ranked[: len(labels)])
        perrs.append(retrieved / max(len(labels), 1))
        entries += [(pairs[label], label, label in labels) for label in ranked[:top_k]]
    entries.sort(key=lambda entry: -entry[0])
    positives = {}
    for video in predictions:
        for label in truth[video]:
            positives[label] = positives.get(label, 0) + 1

    def average_precision(hits, count):
        found = total = 0
        for rank, hit in enumerate(hits, 1):
            found += hit
            total += hit * found / rank
        return total / count

    aps = {
        label: average_precision([hit for _, of, hit in entries if of == label], count)
        for label, count in sorted(positives.items())
    }
    gap = average_precision([hit for *_, hit in entries], sum(positives.values()))
    return {
        "hit_at_one": np.mean(hits_at_one),
        "perr": np.mean(perrs),
        "gap": gap,
        "map": np.mean(list(aps.values())),
    }, aps


def made(seed, num_videos=300, num_classes=12):
    """Labels and predictions of videos, in an order of their own; scores differ."""
    rng = np.random.default_rng(seed)
    truth, predictions = {}, {}
    for number in range(num_videos):
        labels = set(rng.choice(num_classes, rng.integers(0, 4), replace=False).tolist())
        truth[f"v{number}"] = labels
        listed = rng.choice(num_classes + 3, rng.integers(0, 9), replace=False).tolist()
        predictions[f"v{number}"] = {
            label: float(rng.random()) / (1 if label in labels else 2) for label in listed
        }
    order = rng.permutation(num_videos)
    return truth, {f"v{n}": predictions[f"v{n}"] for n in order}


@pytest.mark.parametrize("level", ["video", "frame"])
@pytest.mark.parametrize(("seed", "top_k"), [(0, 20), (1, 3), (2, 1)])
def test_against_loops(tmp_path, level, seed, top_k):
    truth, predictions = made(seed)
    labels = write_labels(tmp_path, truth, level)
    scores = score_one(write(tmp_path / "a.csv", predictions), labels, top_k=top_k)
    expected, aps = by_loops(predictions, truth, top_k)
    assert scores.metrics == pytest.approx(expected, rel=1e-12)
    assert scores.classes.tolist() == list(aps)
    assert scores.aps == pytest.approx(list(aps.values()), rel=1e-12)
    counted = [sum(label in labels for labels in truth.values()) for label in aps]
    assert scores.positives.tolist() == counted
    assert scores.counts == {"videos": 300}
    assert scores.remarks == ()


@pytest.mark.parametrize("block_bytes", [1, 500])
def test_blocks_of_a_few_bytes_score_the_same(tmp_path, monkeypatch, block_bytes):
    truth, predictions = made(4, 80)
    labels = write_labels(tmp_path, truth)
    path = write(tmp_path / "a.csv", predictions)
    whole = score_one(path, labels)
    monkeypatch.setattr(video_scores, "_BLOCK_BYTES", block_bytes)
    assert score_one(path, labels).metrics == pytest.approx(whole.metrics, rel=1e-12)


def test_a_full_submission_scores_as_the_evaluation(tmp_path):
    """The same numbers as `EvaluationMetrics` of the predictions themselves, in the same order."""
    rng = np.random.default_rng(0)
    predictions = (rng.integers(0, 64, (200, 10)) / 64).astype(np.float32)  # many ties
    is_label = rng.random((200, 10)) < 0.2
    metrics = EvaluationMetrics(10, top_k=4)
    metrics.update(predictions, is_label)
    expected = metrics.result()
    ids = [f"v{n}" for n in range(200)]
    truth = {video: np.flatnonzero(row) for video, row in zip(ids, is_label, strict=True)}
    labels = write_labels(tmp_path, truth)
    with open(tmp_path / "a.csv", "wb") as file:
        submission = VideoSubmission(file)
        classes = np.argsort(-predictions, axis=1, kind="stable")
        ranked = np.take_along_axis(predictions, classes, axis=1)
        submission.add(np.array([video.encode() for video in ids], object), classes, ranked)
    scores = score_one(str(tmp_path / "a.csv"), labels, top_k=4)
    assert scores.metrics == pytest.approx({name: expected[name] for name in scores.metrics})
    assert scores.aps == pytest.approx(expected["aps"])


def test_hand_computed(tmp_path):
    """Entries by score: a 1 hit (1/1), b 2 miss, a 2 miss, b 3 hit (2/4); 4 labels in all.

    GAP = (1 + 2/4) / 4. Class 1: 1/1 of 1; class 3: 1/1 of 2 (c lists nothing); class 5: 0 of 1.
    PERR: a 1 of its best 1; b 0 of its best 1 and c 0 of 2.
    """
    labels = write_labels(tmp_path, {"a": [1], "b": [3], "c": [3, 5]})
    lines = ["a,1 0.9 2 0.5", "b,2 0.8 3 0.4", "c,"]
    scores = score_one(write(tmp_path / "a.csv", lines), labels)
    assert scores.metrics == pytest.approx(
        {"hit_at_one": 1 / 3, "perr": 1 / 3, "gap": 1.5 / 4, "map": (1 + 0.5 + 0) / 3}
    )
    assert dict(zip(scores.classes.tolist(), scores.aps.tolist(), strict=True)) == {
        1: 1.0,
        3: 0.5,
        5: 0.0,
    }


def test_videos_that_one_side_lacks(tmp_path):
    truth, predictions = made(3, 60)
    labels = write_labels(tmp_path, truth)
    part = dict(list(predictions.items())[:40])
    path = write(tmp_path / "a.csv", part | {"unknown": {1: 0.9}, "other": {2: 0.9}})
    scores = score_one(path, labels)
    assert scores.metrics == pytest.approx(by_loops(part, truth, 20)[0])
    assert scores.counts == {"videos": 40}
    assert scores.remarks == (
        "20 videos of --labels are not in it, and left out",
        "2 of its videos are not in --labels, and left out",
    )
    wrong = score_one(path, labels, missing="wrong")
    filled = part | {video: {} for video in truth if video not in part}
    assert wrong.metrics == pytest.approx(by_loops(filled, truth, 20)[0])
    assert wrong.counts == {"videos": 60}
    assert wrong.remarks[0] == "20 videos of --labels are not in it, and counted as wrong"


def test_no_video_in_common(tmp_path):
    labels = write_labels(tmp_path, {"a": [1], "b": [2]})
    path = write(tmp_path / "x.csv", {"c": {1: 0.5}, "d": {1: 0.5}})
    message = r"x\.csv has no video in common with --labels: it has videos such as 'c', and the "
    with pytest.raises(ValueError, match=message + "records have videos such as 'a'"):
        score_one(path, labels)
    with pytest.raises(ValueError, match="it has no video, and the records"):
        score_one(write(tmp_path / "x.csv", []), labels)


def test_labels_beyond_those_of_the_records_take_no_memory(tmp_path):
    labels = write_labels(tmp_path, {"a": [2**40], "b": [7]})
    scores = score_one(write(tmp_path / "a.csv", ["a,2147483647 0.9", "b,7 0.5"]), labels)
    assert scores.classes.tolist() == [7, 2**40]
    assert scores.metrics["gap"] == pytest.approx(1 / 2 / 2)


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["a,1 0.5", "b,1 nan"], r"x\.csv, line 3: a score must be a finite number"),
        (["a,1 0.5", "", "b,1 0.5", "a,2 0.5"], r"x\.csv, line 5: video 'a' is already in line 2"),
        (["a,1 0.5", "b,1 0.5 3 0.1 1 0.5"], r"x\.csv, line 3: video 'b' lists a label twice"),
    ],
)
def test_bad_lines_are_named(tmp_path, lines, message):
    labels = write_labels(tmp_path, {"a": [1], "b": [2]})
    with pytest.raises(ValueError, match=message):
        score_one(write(tmp_path / "x.csv", lines), labels)


def test_records_that_cannot_be_used(tmp_path):
    path = write(tmp_path / "a.csv", ["a,1 0.5"])
    labels = write_labels(tmp_path, {"a": [], "b": []})
    with pytest.raises(ValueError, match="the records of --labels have no labels"):
        score_one(path, labels)
    labels = write_labels(tmp_path, {"a": [1], "b": [1]})
    write_labels(tmp_path, {"b": [1]}, name="validate2.tfrecord")
    message = r"have the video 'b' twice: in .*validate\.tfrecord and in .*validate2\.tfrecord"
    with pytest.raises(ValueError, match=message):
        score_one(path, labels)
    write_records(tmp_path / "validate2.tfrecord", [b"no record"])
    with pytest.raises(ValueError, match=r"validate2\.tfrecord: record 0"):
        score_one(path, labels)
    _, problems = score(ScoreConfig(path, labels, max_bad_records=1))
    assert "skipped 1 bad record" in problems


def write_ratings(tmp_path, ratings):
    """Segment-level records of `{video: [(start, class, score)]}`."""
    frames = {"rgb": np.zeros((60, 4), np.uint8)}
    records = [
        frame_record(
            video.encode(), [1], frames, [(start, start + 5, label, s) for start, label, s in rated]
        )
        for video, rated in ratings.items()
    ]
    write_records(tmp_path / "segments.tfrecord", records)
    return str(tmp_path / "segments.tfrecord")


def write_segments(path, lines, header="Class,Segments"):
    path.write_text("\n".join([header, *lines]) + "\n")
    return str(path)


def test_segments_by_hand(tmp_path):
    """Class 4: positives a:0, b:5, c:0; of the rated ones listed a:5 is wrong, b:5 and a:0 right.

    AP = (1/2 + 2/3) / 3. Class 7: 1/1 of 1; class 8 has a positive and is not listed: 0. Class 9 is
    rated and never right: left out.
    """
    ratings = {
        "a": [(0, 4, 1.0), (5, 4, 0.0), (5, 7, 1.0), (10, 9, 0.0)],
        "b": [(5, 4, 1.0), (5, 8, 1.0), (0, 7, 0.0)],
        "c": [(0, 4, 1.0)],
    }
    labels = write_ratings(tmp_path, ratings)
    lines = ["4,a:5 z:0 b:5 b:0 a:0", "7,c:0 a:5 b:0", "9,a:10", "11,a:0"]
    scores = score_one(write_segments(tmp_path / "s.csv", lines), labels)
    aps = [(1 / 2 + 2 / 3) / 3, 1.0, 0.0]
    assert scores.classes.tolist() == [4, 7, 8]
    assert scores.aps == pytest.approx(aps)
    assert scores.positives.tolist() == [3, 1, 1]
    assert scores.metrics == pytest.approx({"map_at_100000": np.mean(aps)})
    assert scores.counts == {"classes": 3, "rated_segments": 6}
    assert scores.remarks == (
        "1 classes of --labels are not in it, and count as 0",
        "1 of its classes have no rated segment, and are left out",
    )
    cut = score_one(write_segments(tmp_path / "s.csv", lines), labels, segment_max_pred=3)
    assert cut.aps == pytest.approx([1 / 2 / 3, 1.0, 0.0])


def map_by_loops(lines, ratings, depth):
    """As the 2019 challenge has it: cut, then only rated pairs, then precision at the positives."""
    scores = {}
    for video, rated in ratings.items():
        for start, label, value in rated:
            key = f"{video}:{start}", label
            scores[key] = max(value, scores.get(key, 0))
    totals = {}
    for (_, label), value in scores.items():
        totals[label] = totals.get(label, 0) + (value > 0)
    aps = {label: 0.0 for label, total in totals.items() if total}
    for label, segments in lines.items():
        hits = [scores[s, label] > 0 for s in segments[:depth] if (s, label) in scores]
        precisions = [np.mean(hits[: rank + 1]) for rank, hit in enumerate(hits) if hit]
        if label in aps:
            aps[label] = sum(precisions) / totals[label]
    return aps


@pytest.mark.parametrize("depth", [10, 100_000])
def test_segments_against_loops(tmp_path, depth):
    rng = np.random.default_rng(depth)
    ratings = {
        f"v{n}": [
            (int(rng.integers(0, 12)) * 5, int(rng.integers(0, 9)), float(rng.integers(0, 2)))
            for _ in range(rng.integers(0, 6))
        ]
        for n in range(80)
    }
    every = [f"v{n}:{start}" for n in range(90) for start in range(0, 60, 5)]
    lines = {
        label: rng.permutation(every)[: rng.integers(0, 900)].tolist() for label in range(1, 11)
    }
    labels = write_ratings(tmp_path, ratings)
    text = [f"{label},{' '.join(segments)}" for label, segments in lines.items()]
    path = write_segments(tmp_path / "s.csv", text)
    scores = score_one(path, labels, segment_max_pred=depth)
    expected = map_by_loops(lines, ratings, depth)
    assert scores.classes.tolist() == sorted(expected)
    assert scores.aps == pytest.approx([expected[label] for label in sorted(expected)])
    assert scores.metrics[f"map_at_{depth}"] == pytest.approx(np.mean(list(expected.values())))


@pytest.mark.parametrize(
    ("lines", "message"),
    [
        (["4,a:0", "x,a:5"], "line 3: must be class,id:start id:start …; received 'x,a:5'"),
        (["4,a:0", "5 a:5"], "line 3: must be class,id:start"),
        (["4,a:0 a"], "line 2: a segment must be id:start, its first frame; 'a' is not"),
        (["4,a:0 a:x"], "line 2: a segment must be id:start, its first frame; 'a:x' is not"),
        (["4,a:0", "4,a:5"], "line 3: class 4 is already in line 2"),
        (["4,a:0 z:0 a:0"], "line 2: class 4 lists 'a:0' twice"),
        (["4,z:0"], " has no rated segment in common with --labels: it has segments such as 'z:0'"),
        ([], " has no rated segment in common with --labels: it has no segment"),
    ],
)
def test_bad_segments_are_named(tmp_path, lines, message):
    labels = write_ratings(tmp_path, {"a": [(0, 4, 1.0), (5, 4, 0.0)]})
    with pytest.raises(ValueError, match=rf"s\.csv,? ?{message.lstrip()}"):
        score_one(write_segments(tmp_path / "s.csv", lines), labels)


def test_segments_of_other_programs(tmp_path):
    labels = write_ratings(tmp_path, {"a": [(0, 4, 1.0), (5, 4, 0.0)]})
    text = '"Class","Segments"\r\n"4", "b:0  a:5 a:0 "\r\n\r\n 9 ,a:5\r\n'
    (tmp_path / "s.csv").write_bytes(gzip.compress(b"\xef\xbb\xbf" + text.encode()))
    assert score_one(str(tmp_path / "s.csv"), labels).aps.tolist() == [0.5]


def test_records_without_ratings(tmp_path):
    labels = write_labels(tmp_path, {"a": [1]}, "frame")
    with pytest.raises(ValueError, match="the records of --labels rate no segment"):
        score_one(write_segments(tmp_path / "s.csv", ["4,a:0"]), labels)


def test_program(tmp_path, capsys):
    labels = write_labels(tmp_path, {"a": [1], "b": [3], "c": [5]})
    first = write(tmp_path / "first.csv", ["a,1 0.9", "b,1 0.8 3 0.5", "c,5 0.5"])
    second = write(tmp_path / "second.csv", ["a,1 0.9"])
    (tmp_path / "names.csv").write_text("Index,Name\n1,one\n3,three\n")
    flags = [f"--labels={labels}", f"--vocabulary={tmp_path / 'names.csv'}"]
    main(PROGRAM.parse([first, second, *flags, f"--output_file={tmp_path / 'o.json'}"]))
    printed = capsys.readouterr()
    table, second_row, *_ = (line.split() for line in printed.out.splitlines())
    assert table == ["file", "videos", "Hit@1", "PERR", "GAP", "mAP"]
    # Entries: a hit, b miss, then b and c, tied, both hits: (1 + 2/3 + 3/4) / 3; mAP is 1.
    assert second_row == [first, "3", "0.6667", "0.6667", "0.8056", "1.0000"]
    assert f"{second}: 2 videos of --labels are not in it, and left out" in printed.out
    records = json.loads((tmp_path / "o.json").read_text())
    assert [record["file"] for record in records] == [first, second]
    assert records[0]["gap"] == pytest.approx(29 / 36)
    assert records[0]["num_videos"] == 3
    assert records[0]["classes"][1] == {
        "class": 3,
        "name": "three",
        "positives": 1,
        "average_precision": 1.0,
    }
    main(PROGRAM.parse([first, second, *flags, f"--output_file={tmp_path / 'o.csv'}"]))
    assert (tmp_path / "o.csv").read_text().splitlines() == [
        "file,class,name,positives,average_precision",
        *(f"{first},{row}" for row in ("1,one,1,1.000000", "3,three,1,1.000000", "5,,1,1.000000")),
        f"{second},1,one,1,1.000000",
    ]


def test_files_of_both_kinds(tmp_path):
    labels = write_ratings(tmp_path, {"a": [(0, 4, 1.0)], "b": [(0, 4, 1.0)]})  # labels are [1]
    videos = write(tmp_path / "v.csv", ["a,1 0.5", "b,1 0.4"])
    segments = write_segments(tmp_path / "s.csv", ["4,a:0"])
    scores, _ = score(ScoreConfig(f"{videos},{segments}", labels))
    lines = report(scores).splitlines()
    assert lines[1].split() == [videos, "2", "1.0000", "1.0000", "1.0000", "1.0000"]
    assert lines[2].split() == ["file", "classes", "rated_segments", "map_at_100000"]
    assert lines[3].split() == [segments, "1", "1", "0.5000"]


def test_hashes_differ_and_take_any_bytes():
    ids = [b"", b"\xff\x00", b"\xff", b"a", b"a\x00", b"x" * 100_000, "é".encode()]
    assert len(set(hashes(ids).tolist())) == len(ids)
    assert hashes([]).tolist() == []


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--labels=x"], "--submissions must be given"),
        (["a.csv"], "--labels must be given"),
        (["a.csv", "--labels=x", "--output_file=o.txt"], "must end in .json or .csv; received o"),
        (["a.csv", "--labels=x", "--missing=wrnog"], "did you mean wrong"),
    ],
)
def test_wrong_flags(flags, message):
    with pytest.raises(UsageError, match=message):
        PROGRAM.parse(flags)
