"""The machines that train together, and what they tell each other."""

import io
from collections.abc import Mapping

import numpy as np
import tensorflow as tf

_WORD = np.dtype(np.int64)  # TensorFlow gathers no bytes


class Workers:
    """The machines that train together.

    Of several, all have to call `all`, `any`, `chief_says`, `wait`, `gathered` and `of_chief`, in
    the same order: a call returns once every worker has made it.

    Attributes:
        strategy: under which they train.
        count: how many there are.
        index: which of them this is.
        is_chief: whether this one writes checkpoints and summaries.
        num_local_replicas: devices of this machine that train.
        replicas: which of all devices that train these are.
    """

    def __init__(self, strategy: tf.distribute.Strategy | None = None) -> None:
        self.strategy = tf.distribute.get_strategy() if strategy is None else strategy
        resolver = self.strategy.cluster_resolver
        cluster = resolver.cluster_spec().as_dict() if resolver is not None else {}
        tasks = [
            (kind, i) for kind in ("chief", "worker") for i in range(len(cluster.get(kind, ())))
        ]
        self.count = max(1, len(tasks))
        self.index = tasks.index((resolver.task_type, resolver.task_id)) if tasks else 0
        self.is_chief = self.index == 0
        self.num_local_replicas: int = self.strategy.num_replicas_in_sync // self.count
        first = self.index * self.num_local_replicas
        self.replicas = range(first, first + self.num_local_replicas)
        self._total = tf.function(self._sum, autograph=False)

    def all(self, flag: bool) -> bool:
        """Whether every worker says so."""
        return flag if self.count == 1 else self._number_of(flag) == self.count

    def any(self, flag: bool) -> bool:
        """Whether any worker says so."""
        return flag if self.count == 1 else self._number_of(flag) > 0

    def chief_says(self, flag: bool) -> bool:
        """What the chief says."""
        return flag if self.count == 1 else self._number_of(flag and self.is_chief) > 0

    def wait(self) -> None:
        """Returns once all workers are here, so that what the chief did is there for all."""
        self.all(True)

    def of_chief(self, arrays: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The arrays that the chief has, by name."""
        return self.gathered(arrays if self.is_chief else {})[0]

    def gathered(self, arrays: Mapping[str, np.ndarray]) -> list[dict[str, np.ndarray]]:
        """The arrays of each worker, by name, in the workers' order."""
        if self.count == 1:
            return [dict(arrays)]
        buffer = io.BytesIO()
        np.savez(buffer, **arrays)  # type: ignore[arg-type]
        data = buffer.getvalue()
        padded = data + bytes(-len(data) % _WORD.itemsize)
        message = np.concatenate([[len(data)], np.frombuffer(padded, _WORD)])
        gathered = self._concatenated(message)
        messages = []
        while len(gathered):
            size = int(gathered[0])
            end = 1 + -(-size // _WORD.itemsize)
            messages.append(gathered[1:end].tobytes()[:size])
            gathered = gathered[end:]
        return [_arrays(data) for data in messages[:: self.num_local_replicas]]

    def _concatenated(self, message: np.ndarray) -> np.ndarray:
        """The messages of all replicas, of which the first of each worker has one."""

        def part(context: tf.distribute.experimental.ValueContext) -> tf.Tensor:
            is_first = context.replica_id_in_sync_group % self.num_local_replicas == 0
            return tf.constant(message if is_first else [0], tf.int64)

        parts = self.strategy.experimental_distribute_values_from_function(part)
        gathered: np.ndarray = self.strategy.gather(parts, axis=0).numpy()
        return gathered

    def _number_of(self, flag: bool) -> int:
        """How many workers say so."""
        total = float(self._total(tf.constant(float(flag))))
        return round(total / self.num_local_replicas)

    def _sum(self, value: tf.Tensor) -> tf.Tensor:
        values = self.strategy.run(tf.identity, args=(value,))
        return self.strategy.reduce(tf.distribute.ReduceOp.SUM, values, axis=None)


def _arrays(data: bytes) -> dict[str, np.ndarray]:
    with np.load(io.BytesIO(data), allow_pickle=False) as archive:
        return dict(archive)
