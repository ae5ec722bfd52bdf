"""What is said when TensorFlow finds that a worker is gone; `test_main` has real workers."""

import json

import pytest
import tensorflow as tf

from yt8m_models.training.lost_workers import lost_workers_named

CLUSTER = {"chief": ["a:1"], "worker": ["b:2", "c:3"]}
BROKEN = """Graph execution error:
Detected at node CollectiveReduceV2 defined at (most recent call last):
Collective ops is aborted by: recvmsg:Connection reset by peer
Additional GRPC error information from remote target /job:worker/replica:0/task:1 while calling"""
RELAYED = f"""Collective ops is aborted by: {BROKEN}
Additional GRPC error information from remote target /job:chief/replica:0/task:0 while calling"""
SILENT = (
    "Collective ops is aborted by: cluster check alive failed, /job:chief/replica:0/task:0 is down"
)
UNNAMED = "Collective ops is aborted by: Socket closed"
ITSELF = f"{UNNAMED} [[{{{{node a}}}}]] /job:worker/replica:0/task:0/device:CPU:0"


@pytest.fixture(autouse=True)
def as_worker_0(monkeypatch):
    task = {"type": "worker", "index": 0}
    monkeypatch.setenv("TF_CONFIG", json.dumps({"cluster": CLUSTER, "task": task}))


@pytest.mark.parametrize(
    ("message", "lost"),
    [
        (BROKEN, "worker 1 (c:3) is gone"),
        (RELAYED, "worker 1 (c:3) is gone"),
        (SILENT, "chief 0 (a:1) is gone"),
        (UNNAMED, "a worker is gone"),
        (ITSELF, "a worker is gone"),
    ],
)
@pytest.mark.parametrize("kind", [tf.errors.UnavailableError, tf.errors.FailedPreconditionError])
def test_the_worker_and_what_is_kept_are_named(tmp_path, message, lost, kind):
    with pytest.raises(ConnectionError) as error, lost_workers_named(str(tmp_path)):
        raise kind(None, None, message)
    assert str(error.value).startswith(lost)
    assert f"{tmp_path} has no checkpoint yet; the same command" in str(error.value)
    for step in (5, 20):
        (tmp_path / f"model.ckpt-{step}.index").touch()
    with pytest.raises(ConnectionError) as error, lost_workers_named(str(tmp_path)):
        raise kind(None, None, message)
    assert f"is {tmp_path}/model.ckpt-20; the same command" in str(error.value)


@pytest.mark.parametrize(
    "error",
    [
        tf.errors.UnavailableError(None, None, "the bucket does not answer"),
        tf.errors.InternalError(None, None, "Collective ops is aborted by: Shape mismatch"),
        ValueError("train0.tfrecord, record 3"),
    ],
)
def test_other_errors_stay_as_they_are(tmp_path, error):
    with pytest.raises(type(error)) as raised, lost_workers_named(str(tmp_path)):
        raise error
    assert raised.value is error
