"""Evaluating a model on the records that a pipeline reads."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import tensorflow as tf

from eval.evaluation_metrics import EvaluationMetrics
from yt8m_models.data.parsing import Batch
from yt8m_models.program.background import Background
from yt8m_models.program.progress import Progress
from yt8m_models.training.workers import Workers

Observer = Callable[[Batch, np.ndarray], None]

_LOGGER = logging.getLogger(__name__)


class Evaluator:
    """Evaluates a model, as often as wanted, with one compiled forward pass.

    Without `jit_compile` the graph takes batches of any shape. With it XLA compiles each shape that
    comes, so the pipeline should have `pad_to_max_frames`; then there are two, with that of the
    smaller last batch.

    Args:
        model: takes `video_matrix` and `num_frames`, gives predictions `(batch, num_classes)`.
        loss: mean over the videos of a batch, `loss(labels, predictions, sample_weight)`; receives
            `label_weights` as weights where the records are segments.
        num_classes: number of classes.
        top_k: predictions per video that count in GAP and mAP.
        jit_compile: compile the graph with XLA.
        workers: where each of several evaluates its part; the result is that of all parts.
    """

    def __init__(
        self,
        model: Callable[..., tf.Tensor],
        loss: Callable[..., tf.Tensor],
        num_classes: int,
        top_k: int = 20,
        jit_compile: bool = False,
        workers: Workers | None = None,
    ) -> None:
        self.model = model
        self.loss = loss
        self.num_classes = num_classes
        self.top_k = top_k
        self.workers = workers
        self._has_warned = False
        self._step = tf.function(
            self._forward, jit_compile=jit_compile, reduce_retracing=True, autograph=False
        )

    def evaluate(
        self, batches: Iterable[Batch], progress: bool = False, observe: Observer | None = None
    ) -> dict[str, Any]:
        """Evaluates what a pipeline reads; metrics are updated while the next batch is computed.

        Warns, once, where no video has a label.

        Args:
            batches: videos (or rated segments), each once.
            progress: show a progress bar.
            observe: is given each batch, in order and without the inputs of the model, with its
                predictions `(batch, num_classes)`.

        Returns:
            What `EvaluationMetrics.result` gives, and `loss` (mean over videos) and `positives`
            (rated labels of each class, `(num_classes,)`).

        Raises:
            ValueError: there is no video; or a prediction is NaN.
        """
        metrics = EvaluationMetrics(self.num_classes, self.top_k)
        total_loss = 0.0

        def add(batch: Batch, predictions: tf.Tensor, loss: tf.Tensor) -> None:
            nonlocal total_loss
            labels, weights = batch["labels"], batch.get("label_weights")
            rated = None if weights is None else weights.numpy()
            metrics.update(predictions.numpy(), labels.numpy(), rated)
            total_loss += float(loss) * len(labels)
            if observe is not None:
                observe(batch, predictions.numpy())

        with (
            Progress(description="evaluation", enabled=progress) as bar,
            Background() as background,
        ):
            for batch in batches:
                inputs = {name: batch[name] for name in ("video_matrix", "num_frames")}
                labels, weights = batch["labels"], batch.get("label_weights")
                predictions, loss = self._step(inputs, labels, weights)
                others = {name: value for name, value in batch.items() if name not in inputs}
                background.submit(add, others, predictions, loss)
                bar.update(int(labels.shape[0]))
        if self.workers is not None and self.workers.count > 1:
            parts = self.workers.gathered({"loss": np.array(total_loss), **metrics.state()})
            total_loss = float(sum(part["loss"] for part in parts))
            metrics.reset()
            for part in parts:
                metrics.add_state(part)
        result = metrics.result()
        if not result["num_videos"]:
            raise ValueError("there are no videos to evaluate")
        if not metrics.positives.any() and not self._has_warned:
            self._has_warned = True
            _LOGGER.warning(
                "none of the %s evaluated examples has a label: the loss and the metrics say "
                "nothing. `yt8m inspect` shows what the records hold; test records have no labels",
                f"{result['num_videos']:,}",
            )
        loss = total_loss / result["num_videos"]
        return {**result, "loss": loss, "positives": metrics.positives}

    def _forward(
        self, inputs: dict[str, tf.Tensor], labels: tf.Tensor, label_weights: tf.Tensor | None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        predictions = self.model(inputs, training=False)
        return predictions, self.loss(labels, predictions, sample_weight=label_weights)
