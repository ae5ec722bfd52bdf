"""The submission file for videos, against the recorded output of the starter code."""

import io

import numpy as np
import tensorflow as tf

from yt8m_models.prediction.predictor import Predictor
from yt8m_models.prediction.submission import VideoSubmission, format_lines


def written(video_ids, predictions, top_k=20, batch=5):
    """The file for predictions that a model gave in batches."""
    predictor = Predictor(lambda inputs, training: inputs["video_matrix"], top_k)
    file = io.BytesIO()
    submission = VideoSubmission(file)
    for start in range(0, len(video_ids), batch):
        part = slice(start, start + batch)
        frames = tf.ones(len(video_ids[part]), tf.int32)
        best = predictor(tf.constant(predictions[part]), frames)
        submission.add(video_ids[part], best.classes.numpy(), best.scores.numpy())
    submission.finish()
    return file.getvalue()


def test_bytes_are_those_of_the_starter_code(shared):
    recorded = np.load(shared / "parity" / "inference.npz")
    predictions = recorded["predictions"]
    video_ids = np.array([b"id%02d" % number for number in range(len(predictions))], object)
    assert written(video_ids, predictions) == str(recorded["csv"]).encode()


def test_lines_against_a_loop():
    rng = np.random.default_rng(0)
    # Powers of ten down to 1e-12 go through every form of %g.
    predictions = (rng.random((17, 30)) * 10.0 ** -rng.integers(0, 13, (17, 30))).astype(np.float32)
    video_ids = np.array([b"v%d" % number for number in range(17)], object)
    lines = ["VideoId,LabelConfidencePairs"]
    for video_id, row in zip(video_ids, predictions, strict=True):
        best = sorted(range(30), key=lambda label: (-row[label], label))[:7]
        lines.append(f"{video_id.decode()}," + " ".join(f"{c} {row[c]:g}" for c in best))
    assert written(video_ids, predictions, top_k=7) == ("\n".join(lines) + "\n").encode()


def test_ties_take_the_lower_class_and_few_classes_are_all_written():
    predictions = np.array([[0.5, 1.0, 0.5, 0.0]], np.float32)
    text = written(np.array([b"abcd"], object), predictions, top_k=20)
    assert text == b"VideoId,LabelConfidencePairs\nabcd,1 1 0 0.5 2 0.5 3 0\n"


def test_ids_that_are_not_utf8_are_written_as_they_are():
    line = format_lines(np.array([b"\xff\x00a"], object), np.array([[3]]), np.array([[0.25]]))
    assert line == b"\xff\x00a,3 0.25\n"
