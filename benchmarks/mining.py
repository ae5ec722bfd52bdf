"""The share of a training step that mining and the triplet loss take.

    python -m benchmarks.mining --batch_size=512

A step is that of `yt8m_models.embedding.train` with the late-fusion network of 4,000 hidden units
and an embedding of 256, on 1,024 + 128 features of triplets without a video in common: embedding
the videos, mining among the batch's negatives, the hinge loss, gradients and Adam's update,
compiled by XLA as one program. Mining and loss are timed by themselves, with their gradients for
the embeddings, on embeddings of the same sizes. Times are medians of rounds in which the step and
the parts alternate.
"""

import statistics
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.figure import Figure, table
from benchmarks.timing import in_turn
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.program.command import Arguments, Program
from yt8m_models.program.option import Options, option

BATCH_SIZE = 7200
ROUNDS = 3
MAX_SHARE = 20.0

_NAMES, _SIZES = ("mean_rgb", "mean_audio"), (1024, 128)
_MININGS = ("semi_hard", "hardest", "random")  # the step is timed with the first
_NEIGHBORS = 1e-3  # share of the candidates that an anchor's neighbours are


@dataclass(frozen=True)
class MiningConfig(Options):
    """What to measure."""

    batch_size: int = option(BATCH_SIZE, "Triplets in a batch.", at_least=1)
    rounds: int = option(ROUNDS, "Steps to time.", at_least=1)


PROGRAM = Program(
    "python -m benchmarks.mining", "Measure what mining takes of a step.", MiningConfig
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    config = arguments[MiningConfig]
    found = measure(config.batch_size, config.rounds)
    print(table(found))
    for figure in found:
        print(figure.name, figure.detail)


def figures(workdir: Path) -> list[Figure]:
    """The share of each kind of mining, for the batch of the paper."""
    return measure(BATCH_SIZE, ROUNDS)


def measure(batch_size: int, rounds: int) -> list[Figure]:
    """The share of each kind of mining."""
    functions = {"step": triplet_step(batch_size)}
    functions |= {mining: _mining(mining, batch_size) for mining in _MININGS}
    medians = map(statistics.median, in_turn(rounds, *functions.values()))
    seconds = dict(zip(functions, medians, strict=True))
    rest = seconds["step"] - seconds[_MININGS[0]]
    found = []
    for mining in _MININGS:
        own, whole = seconds[mining], rest + seconds[mining]
        name = f"share of a step that {mining} mining and loss take, late fusion 4000-256"
        detail = {"batch_size": batch_size, "mining_and_loss_seconds": own, "step_seconds": whole}
        found.append(Figure(name, 100 * own / whole, MAX_SHARE, "%", at_most=True, detail=detail))
    return found


def triplet_step(batch_size: int) -> Callable[[], Any]:
    """A training step on random features of a batch of so many triplets."""
    import keras
    import tensorflow as tf

    from losses import TripletHingeLoss
    from yt8m_models.embedding.create import create_embedding_model
    from yt8m_models.embedding.training.step import TripletStep

    model = create_embedding_model(EmbeddingConfig(), _NAMES, _SIZES)
    optimizer = keras.optimizers.Adam(1e-4)
    optimizer.build(model.trainable_variables)
    seed = keras.random.SeedGenerator(0)
    step = TripletStep(model, optimizer, TripletHingeLoss(), _MININGS[0], seed)
    anchors, positives, negatives = tf.split(tf.range(3 * batch_size), 3)
    batch = {
        "video_matrix": tf.random.stateless_normal((3 * batch_size, sum(_SIZES)), (0, 0)),
        "anchors": anchors,
        "positives": positives,
        "negatives": negatives,
        "excluded": _excluded(batch_size),
    }
    return lambda: step(batch).loss.numpy()


def _mining(mining: str, batch_size: int) -> Callable[[], Any]:
    """Mining and loss of random embeddings, and their gradients."""
    import keras
    import tensorflow as tf

    from losses import TripletHingeLoss
    from yt8m_models.embedding.mining import mine_negatives

    loss, seed = TripletHingeLoss(), keras.random.SeedGenerator(0)
    shape = (3, batch_size, EmbeddingConfig().embedding_size)
    embeddings = tf.unstack(tf.nn.l2_normalize(tf.random.stateless_normal(shape, (0, 0)), axis=-1))
    excluded = _excluded(batch_size)

    @tf.function(jit_compile=True)
    def mine(anchors, positives, negatives, excluded):
        with tf.GradientTape() as tape:
            tape.watch([anchors, positives, negatives])
            mined = mine_negatives(anchors, positives, negatives, excluded, mining, seed)
            value = loss(mined.positive_distances, mined.negative_distances, mask=mined.found)
        return value, tape.gradient(value, [anchors, positives, negatives])

    return lambda: mine(*embeddings, excluded)[0].numpy()


def _excluded(batch_size: int) -> Any:
    """Which negatives are neighbours of which anchors."""
    import tensorflow as tf

    return tf.random.stateless_uniform((batch_size, batch_size), (1, 0)) < _NEIGHBORS


if __name__ == "__main__":
    PROGRAM.run()
