"""Telling who is missing when several workers train together and one of them is gone.

TensorFlow ends a step that waits for a peer once the connection breaks, or once a peer has not
answered its health check: every 30 seconds, with three tries of 10 seconds. Only what it then says
tells which peer it was.
"""

import contextlib
import re
from collections.abc import Iterator

import tensorflow as tf

from yt8m_models.training.train_dir import checkpoint_paths

_ABORTED = "Collective ops is aborted"
_ERRORS = (  # those of a peer; workers with different flags abort with others
    tf.errors.AbortedError,
    tf.errors.CancelledError,
    tf.errors.DeadlineExceededError,
    tf.errors.FailedPreconditionError,
    tf.errors.UnavailableError,
)
_TASK = re.compile(r"/job:(\w+)/replica:\d+/task:(\d+)")


@contextlib.contextmanager
def lost_workers_named(train_dir: str) -> Iterator[None]:
    """Within, an error of TensorFlow because a peer is gone becomes one that says what to do.

    Raises:
        ConnectionError: names the peer, as far as TensorFlow knows it, and the latest checkpoint of
            `train_dir`.
    """
    try:
        yield
    except _ERRORS as error:
        if _ABORTED not in error.message:
            raise
        paths = checkpoint_paths(train_dir)
        kept = (
            f"The latest checkpoint is {paths[-1]}; the same command on every worker resumes there"
            if paths
            else f"{train_dir} has no checkpoint yet; the same command on every worker starts anew"
        )
        raise ConnectionError(
            f"{_lost_peer(error.message)} is gone or does not answer, and the workers of a "
            f"training need each other. {kept}."
        ) from error


def _lost_peer(message: str) -> str:
    """The first task that a message names, but this one, with its address.

    A peer that only passes on what it was told is named after that.
    """
    resolver = tf.distribute.cluster_resolver.TFConfigClusterResolver()
    own = (resolver.task_type, resolver.task_id)
    named = ((job, int(index)) for job, index in _TASK.findall(message))
    job, index = next((task for task in named if task != own), own)
    if (job, index) == own:
        return "a worker"
    return f"{job} {index} ({resolver.cluster_spec().task_address(job, index)})"
