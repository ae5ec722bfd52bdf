"""Which devices train together, and what each of them gets of a batch."""

import itertools
import json
import os
from collections.abc import Sequence
from typing import Any

import keras
import tensorflow as tf

from yt8m_models.training.workers import Workers


def create_strategy(name: str) -> tf.distribute.Strategy:
    """The strategy of a `--strategy` flag.

    `auto` takes several workers where the TF_CONFIG environment variable names them, all GPUs of
    this machine where it has more than one, and one device otherwise.

    Raises:
        ValueError: `multi_worker` without workers in TF_CONFIG.
    """
    workers = json.loads(os.environ.get("TF_CONFIG", "{}")).get("cluster", {})
    if name == "auto":
        several_gpus = len(tf.config.list_logical_devices("GPU")) > 1 if not workers else False
        name = "multi_worker" if workers else "mirrored" if several_gpus else "default"
    if name == "multi_worker":
        if not workers:
            raise ValueError(
                "--strategy=multi_worker needs the cluster and this worker's task in the TF_CONFIG "
                "environment variable; received none"
            )
        print("Waiting for the other workers of TF_CONFIG.", flush=True)
        return tf.distribute.MultiWorkerMirroredStrategy()
    if name == "mirrored":
        gpus = tf.config.list_logical_devices("GPU")
        devices = gpus or tf.config.list_logical_devices("CPU")
        return tf.distribute.MirroredStrategy([device.name for device in devices])
    return tf.distribute.get_strategy()


def split_batch(
    batch: dict[str, tf.Tensor],
    strategy: tf.distribute.Strategy,
    workers: Workers,
    num_pieces: int = 1,
) -> list[dict[str, tf.Tensor]]:
    """Gives each of this machine's replicas its equal part of a batch, in pieces.

    The number of videos must be a multiple of the number of this machine's replicas. Pieces differ
    by at most one video; there are fewer than `num_pieces` where there are fewer videos.
    """
    size = len(batch["num_frames"]) // workers.num_local_replicas
    num_pieces = min(num_pieces, size)
    bounds = [size * piece // num_pieces for piece in range(num_pieces + 1)]

    def cut(start: int, end: int) -> Any:
        firsts = range(0, size * workers.num_local_replicas, size)
        return placed(
            [
                {name: value[first + start : first + end] for name, value in batch.items()}
                for first in firsts
            ],
            strategy,
        )

    if strategy.num_replicas_in_sync == num_pieces == 1:
        return [batch]
    return [cut(start, end) for start, end in itertools.pairwise(bounds)]


def placed(parts: Sequence[dict[str, tf.Tensor]], strategy: tf.distribute.Strategy) -> Any:
    """Gives each of this machine's replicas its part of a batch; the part itself if there is one.

    The result is an argument of `strategy.run`.
    """
    if strategy.num_replicas_in_sync == 1:
        return parts[0]
    return strategy.experimental_distribute_values_from_function(
        lambda context: parts[context.replica_id_in_sync_group % len(parts)]
    )


def apply_summed(
    optimizer: keras.optimizers.Optimizer,
    gradients: Sequence[tf.Tensor],
    variables: Sequence[keras.Variable],
) -> None:
    """Updates variables by gradients that are sums over the replicas already, alike on each."""
    # The optimizer adds up what the replicas bring: each brings a share of the same gradient.
    replicas = tf.distribute.get_strategy().num_replicas_in_sync
    if replicas > 1:
        gradients = [gradient / replicas for gradient in gradients]
    optimizer.apply(gradients, variables)
