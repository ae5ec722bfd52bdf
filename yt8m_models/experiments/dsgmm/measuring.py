"""Measuring a model on the test records: metrics, and which videos it has right."""

import hashlib
from dataclasses import dataclass
from functools import partial

import numpy as np
import tensorflow as tf

from eval.evaluation_metrics import EvaluationMetrics
from yt8m_models.data.patterns import match_files
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.experiments.dsgmm.runs import METRICS
from yt8m_models.program.progress import Progress
from yt8m_models.training.checkpoints import Restored
from yt8m_models.training.config import TrainConfig


@dataclass(frozen=True)
class Measurement:
    """A model on the test videos.

    Attributes:
        metrics: the value of each of `METRICS`.
        videos: a digest of the videos' ids, in order.
        correct: whether the best class of each video is a label, bool `(videos,)`, by their ids.
    """

    metrics: dict[str, float]
    videos: str
    correct: np.ndarray


def measure(restored: Restored, test_data_pattern: str, config: TrainConfig) -> Measurement:
    """Tests a model as its training validated it: the same frames, batches and `top_k`.

    Raises:
        ValueError: no file fits the pattern, a record is bad, there is no video, or a prediction is
            not a number.
    """
    data = restored.data_config
    pipeline = Pipeline(
        match_files(test_data_pattern),
        data,
        PipelineOptions(
            batch_size=config.eval_batch_size,
            seed=config.seed,
            sample_frames=config.eval_sample_frames,
            num_readers=config.num_readers,
            max_bad_records=config.max_bad_records,
        ),
    )
    predict = tf.function(partial(restored.model, training=False), reduce_retracing=True)
    metrics = EvaluationMetrics(data.num_classes, config.top_k)
    ids: list[bytes] = []
    correct: list[bool] = []
    with Progress(description="test") as progress:
        for batch in pipeline:
            inputs = {name: batch[name] for name in ("video_matrix", "num_frames")}
            predictions, labels = predict(inputs).numpy(), batch["labels"].numpy()
            metrics.update(predictions, labels)
            best = np.argmax(predictions, axis=1)
            correct += labels[np.arange(len(labels)), best].tolist()
            ids += batch["video_ids"].numpy().tolist()
            progress.update(len(labels))
    if not ids:
        raise ValueError(f"--test_data_pattern={test_data_pattern} has no videos")
    order = sorted(range(len(ids)), key=ids.__getitem__)
    digest = hashlib.sha256(b"\n".join(ids[index] for index in order)).hexdigest()
    found = metrics.result()
    return Measurement(
        {name: float(found[name]) for name in METRICS}, digest, np.array(correct, bool)[order]
    )
