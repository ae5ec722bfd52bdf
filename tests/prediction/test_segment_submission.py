"""The submission file for segments, against a heap for each class."""

import heapq
import io

import numpy as np
import pytest

from yt8m_models.prediction.segment_submission import SegmentSubmission


def by_heaps(ids, classes, scores, max_segments):
    """The file by a heap for each class; earlier segments win ties."""
    heaps = {}
    for order, segment in enumerate(ids):
        for label, score in zip(classes[order].tolist(), scores[order].tolist(), strict=True):
            entry = (score, -order, segment)
            heap = heaps.setdefault(label, [])
            if len(heap) < max_segments:
                heapq.heappush(heap, entry)
            else:
                heapq.heappushpop(heap, entry)
    lines = [b"Class,Segments\n"]
    for label in sorted(heaps):
        best = [segment for _, _, segment in sorted(heaps[label], reverse=True)]
        lines.append(b"%d,%b\n" % (label, b" ".join(best)))
    return b"".join(lines)


@pytest.mark.parametrize("max_segments", [1, 7, 40, 10_000])
@pytest.mark.parametrize("buffered", [1, 100, 1 << 20])
def test_best_segments_against_heaps(max_segments, buffered):
    rng = np.random.default_rng(max_segments)
    ids = np.array([b"v%d:%d" % (n // 3, n % 3 * 5) for n in range(400)])
    classes = np.stack([rng.choice(30, 4, replace=False) for _ in ids])
    scores = rng.integers(0, 50, classes.shape).astype(np.float32) / 50  # many ties
    file = io.BytesIO()
    submission = SegmentSubmission(file, max_segments, buffered)
    for start in range(0, len(ids), 23):
        part = slice(start, start + 23)
        submission.add(ids[part], classes[part], scores[part])
    submission.finish()
    assert file.getvalue() == by_heaps(ids, classes, scores, max_segments)


def test_memory_is_bounded():
    # 3 classes keep 5 segments each; at most `buffered` entries and a batch of 30 come on top.
    submission = SegmentSubmission(io.BytesIO(), max_segments=5, buffered=50)
    rng = np.random.default_rng(0)
    most = 0
    for start in range(0, 10_000, 10):
        ids = np.array([b"%d:0" % number for number in range(start, start + 10)])
        submission.add(ids, np.tile([0, 1, 2], (10, 1)), rng.random((10, 3)).astype(np.float32))
        most = max(most, submission.num_held)
    assert most <= 15 + 50 + 30


def test_longer_ids_that_come_later_are_kept_whole():
    file = io.BytesIO()
    submission = SegmentSubmission(file, 10, buffered=1)
    for segment, score in ((b"a:0", 0.1), (b"a_long_id:295", 0.2)):
        submission.add(np.array([segment]), np.array([[4]]), np.array([[score]], np.float32))
    submission.finish()
    assert file.getvalue() == b"Class,Segments\n4,a_long_id:295 a:0\n"


def test_no_segments_give_the_header_alone():
    file = io.BytesIO()
    SegmentSubmission(file, 10).finish()
    assert file.getvalue() == b"Class,Segments\n"


def test_max_segments_must_be_positive():
    with pytest.raises(ValueError, match="--segment_max_pred must be at least 1; received 0"):
        SegmentSubmission(io.BytesIO(), 0)
