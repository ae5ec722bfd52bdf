"""The experiments from the flags to the files, and a run: training, and the test of its best."""

import dataclasses
import hashlib
import math
import time
from functools import partial
from typing import Any

import numpy as np
import tensorflow as tf

from eval.evaluation_metrics import EvaluationMetrics
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.patterns import match_files
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.experiments.common.rows import rows_of
from yt8m_models.experiments.common.running import in_own_process, run_experiment
from yt8m_models.experiments.common.runs import RESULT
from yt8m_models.experiments.dsgmm.config import SPLITS, TablesConfig, TrainingFlags
from yt8m_models.experiments.dsgmm.report import TablesReport
from yt8m_models.experiments.dsgmm.rows import tables
from yt8m_models.experiments.dsgmm.runs import METRICS, Result, Run, plan
from yt8m_models.experiments.dsgmm.splits import count_splits
from yt8m_models.gmm.trainer import train_ubm
from yt8m_models.gmm.ubm_dir import UBM_DIR
from yt8m_models.program.extras import require
from yt8m_models.program.progress import Progress
from yt8m_models.storage import filesystems
from yt8m_models.storage.whole_file import join
from yt8m_models.training.checkpoints import Restored, restore_model
from yt8m_models.training.config import TrainConfig
from yt8m_models.training.history import Row, read_history
from yt8m_models.training.train_dir import VALIDATION_HISTORY
from yt8m_models.training.trainer import train


def run_tables(
    config: TablesConfig, training: TrainingFlags, data: DataConfig, model: ModelConfig
) -> int | None:
    """Trains and tests what is not done yet, and writes the report of all that is.

    Returns:
        The number of the signal that ended the runs, or `None`.

    Raises:
        ValueError: a flag is wrong, SciPy is not installed, or a run failed; finished runs are
            kept.
    """
    require("scipy")
    filesystems.require(config.output_dir)
    for name in ("train_data_pattern", "validation_data_pattern", "test_data_pattern"):
        if name != "validation_data_pattern" or config.validation_data_pattern:
            match_files(getattr(config, name), name)
    found = tables(config)
    planned = plan(config, training, data, model, rows_of(found))
    counts = {}
    if SPLITS in config.tables and not config.dry_run:
        counts = count_splits(config, training.max_bad_records)
    return run_experiment(
        "tables",
        TablesReport(config, found, planned, counts),
        partial(in_own_process, train_and_measure),
        lambda result: {"GAP": result.metrics["gap"], "seconds": result.seconds},
    )


def train_and_measure(run: Run) -> Result | None:
    """Does a run, from where an earlier try stopped, and writes its result.

    Returns:
        The result; `None` where a signal ended the training.

    Raises:
        ValueError: as from `train`, or the test records are wrong.
        OSError: a file cannot be read or written.
    """
    start = time.monotonic()
    config, ubm = run.training, run.ubm
    if ubm is not None:  # trained once for all seeds and rows
        if not tf.io.gfile.exists(join(ubm.output_dir, UBM_DIR.record)):
            train_ubm(ubm, run.data)
        config = dataclasses.replace(config, ubm_dir=ubm.output_dir)
    if train(config, run.data, run.model)["signal"] is not None:
        return None
    restored = restore_model(config.train_dir, "best" if config.eval_data_pattern else "latest")
    measured = _measured(restored, run.test_data_pattern, config)
    best = _best_validation(config)
    result = Result(
        settings=run.settings,
        seed=config.seed,
        validation_loss=None if best is None else best["loss"],
        validation_metrics=None if best is None else {name: best[name] for name in METRICS},
        step=restored.step,
        seconds=round(time.monotonic() - start, 1),
        num_parameters=sum(math.prod(each.shape) for each in restored.model.trainable_variables),
        **measured,
    )
    result.write(join(run.directory, RESULT))
    return result


def _best_validation(config: TrainConfig) -> Row | None:
    """What validation found of the best checkpoint."""
    if not config.eval_data_pattern:
        return None
    rows = read_history(join(config.train_dir, VALIDATION_HISTORY))
    return min(rows, key=lambda row: row["loss"])


def _measured(restored: Restored, test_data_pattern: str, config: TrainConfig) -> dict[str, Any]:
    """The `metrics`, `videos` and `correct` of a `Result`.

    A model is tested as its training validated it: the same frames, batches and `top_k`.

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
            sample_random_frames=restored.model_config.sample_random_frames,
            num_readers=config.num_readers,
            max_bad_records=config.max_bad_records,
        ),
    )
    predict = tf.function(
        partial(restored.model, training=False), reduce_retracing=True, autograph=False
    )
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
    found = metrics.result()
    return {
        "metrics": {name: float(found[name]) for name in METRICS},
        "videos": hashlib.sha256(b"\n".join(ids[index] for index in order)).hexdigest(),
        "correct": np.array(correct, bool)[order],
    }
