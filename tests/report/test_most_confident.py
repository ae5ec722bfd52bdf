"""The videos that a model is most certain of, against a sort of all."""

import numpy as np
import pytest

from yt8m_models.report.most_confident import MostConfident


def batches(with_weights):
    rng = np.random.default_rng(3)
    for number in range(4):
        size = 25 + number
        batch = {
            "video_ids": np.array([b"%d-%d" % (number, row) for row in range(size)]),
            "labels": rng.random((size, 7)) < 0.2,
        }
        if with_weights:
            batch["label_weights"] = (rng.random((size, 7)) < 0.5).astype(np.float32)
        # few different scores, so that some are alike
        yield batch, rng.integers(0, 20, (size, 7)) / 20


@pytest.mark.parametrize("with_weights", [False, True])
def test_against_all_videos(with_weights):
    examples = MostConfident(6)
    expected = {True: [], False: []}
    for batch, predictions in batches(with_weights):
        examples.add(batch, predictions)
        weights = batch.get("label_weights", np.ones(predictions.shape))
        for video_id, labels, scores, rated in zip(
            batch["video_ids"], batch["labels"], predictions, weights, strict=True
        ):
            classes = [label for label in range(7) if rated[label]]
            if any(labels[label] for label in classes):
                best = max(classes, key=lambda label: (scores[label], -label))
                expected[bool(labels[best])].append((scores[best], bytes(video_id), best))
    for is_hit, found in ((True, examples.hits), (False, examples.mistakes)):
        wanted = sorted(expected[is_hit], key=lambda each: -each[0])[:6]
        assert [(each.score, each.video_id, each.best[0][0]) for each in found] == wanted
        assert all(each.is_hit == is_hit for each in found)


def test_what_an_example_says():
    examples = MostConfident(2)
    batch = {"video_ids": [b"a", b"b"], "labels": [[0, 1, 1, 0, 1], [0, 0, 0, 0, 0]]}
    examples.add(batch, np.array([[0.25, 0.5, 0.125, 0.875, 0.0], [1.0, 0, 0, 0, 0]]))
    assert examples.hits == []
    (example,) = examples.mistakes  # the other has no label
    assert example.best == [(3, 0.875), (1, 0.5), (0, 0.25)]
    assert example.labels == [(1, 0.5), (2, 0.125), (4, 0.0)]
