"""What workers tell each other; `test_main` has real ones."""

import numpy as np
import pytest

from yt8m_models.training.workers import Workers


def test_one_worker_says_what_it_says():
    workers = Workers()
    assert (workers.count, workers.index, workers.is_chief) == (1, 0, True)
    for flag in (False, True):
        assert workers.all(flag) is flag
        assert workers.chief_says(flag) is flag
    (arrays,) = workers.gathered({"a": np.arange(3)})
    np.testing.assert_array_equal(arrays["a"], np.arange(3))


@pytest.mark.parametrize("num_devices", [1, 2])
def test_messages_of_several_workers(monkeypatch, num_devices):
    """Of any length and type; the other devices of a machine have none."""
    entries = np.array([(0.5, 3, True)] * 5, [("score", "f4"), ("class", "u2"), ("hit", "?")])
    sent = [{"entries": entries, "loss": np.array(0.1)}, {"entries": entries[:0]}, {}]
    messages = []
    for arrays in sent:
        workers = Workers()
        workers.count, workers.num_local_replicas = 3, num_devices

        def concatenated(message):
            messages.extend([message, [0]][:num_devices])
            return np.concatenate(messages)

        monkeypatch.setattr(workers, "_concatenated", concatenated)
        received = workers.gathered(arrays)
    assert [sorted(arrays) for arrays in received] == [["entries", "loss"], ["entries"], []]
    np.testing.assert_array_equal(received[0]["entries"], entries)
    assert received[0]["loss"] == 0.1
    assert len(received[1]["entries"]) == 0
