"""Evaluating a trained model for its page."""

from dataclasses import dataclass

import numpy as np

import losses
from yt8m_models.data.extraction_record import require_same_extraction
from yt8m_models.data.first_batches import FirstBatches
from yt8m_models.data.parsing import Batch
from yt8m_models.data.patterns import match_files
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.prediction.metric_tables import METRICS
from yt8m_models.prediction.predictor import device_batch_size
from yt8m_models.report.most_confident import Example, MostConfident
from yt8m_models.training.checkpoints import restore_model
from yt8m_models.training.evaluator import Evaluator


@dataclass(frozen=True)
class Evaluated:
    """What a checkpoint is worth.

    Attributes:
        step: of the checkpoint.
        records: which it was evaluated on.
        unit: what they are of: videos, or segments.
        metrics: the loss and the metrics, and `num_videos`, by name.
        classes: those that are labels, ascending.
        positives: how often each of them is one.
        aps: the average precision of each.
        names: of some classes.
        hits: the most confident ones, best first; empty where they are not known.
        mistakes: the same.
        remarks: what was skipped, in sentences; empty where nothing was.
    """

    step: int
    records: str
    unit: str
    metrics: dict[str, float]
    classes: list[int]
    positives: list[int]
    aps: list[float]
    names: dict[int, str]
    hits: list[Example]
    mistakes: list[Example]
    remarks: str = ""


def evaluate(
    train_dir: str,
    checkpoint: str,
    pattern: str,
    num_examples: int,
    batch_size: int,
    max_bad_records: int,
) -> Evaluated:
    """Evaluates a checkpoint as `yt8m eval` does, with progress, and keeps hits and mistakes.

    Args:
        train_dir: of the training.
        checkpoint: which; see `restore_model`.
        pattern: the records.
        num_examples: hits, and mistakes, to keep.
        batch_size: videos in a batch at most.
        max_bad_records: so many are skipped.

    Raises:
        ValueError: the checkpoint or a record is wrong, or there are no records.
        OSError: a file cannot be read.
    """
    files = match_files(pattern)
    restored = restore_model(train_dir, checkpoint)
    print(f"Model: {restored.described()}", flush=True)
    require_same_extraction(restored.extraction, files, restored.path)
    data = restored.data_config
    options = PipelineOptions(
        batch_size=device_batch_size(batch_size, data),
        sample_random_frames=restored.model_config.sample_random_frames,
        max_bad_records=max_bad_records,
    )
    pipeline = Pipeline(files, data, options)
    examples = MostConfident(num_examples)

    def observe(batch: Batch, predictions: np.ndarray) -> None:
        names = {"video_ids", "labels", "label_weights"} & batch.keys()
        examples.add({name: batch[name].numpy() for name in names}, predictions)

    evaluator = Evaluator(restored.model, losses.get(restored.label_loss), data.num_classes)
    batches = FirstBatches(data, "evaluated examples").watched(pipeline)
    result = evaluator.evaluate(batches, progress=True, observe=observe)
    classes = np.flatnonzero(result["positives"])
    return Evaluated(
        step=restored.step,
        records=pattern,
        unit="segments" if data.segment_labels else "videos",
        metrics={name: float(result[name]) for name in ("loss", *METRICS, "num_videos")},
        classes=classes.tolist(),
        positives=result["positives"][classes].tolist(),
        aps=result["aps"][classes].tolist(),
        names={},
        hits=examples.hits,
        mistakes=examples.mistakes,
        remarks=pipeline.ledger.summary() or "",
    )
