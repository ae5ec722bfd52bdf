"""Evaluating the checkpoints of a training, one or each new one."""

import dataclasses
import time
from collections.abc import Mapping, Sequence
from typing import Any

import losses
from eval.program.config import EvalConfig
from eval.program.measure_config import MeasureConfig
from eval.program.report import Evaluation, Report, table
from yt8m_models.data.extraction_record import require_same_extraction
from yt8m_models.data.first_batches import FirstBatches
from yt8m_models.data.patterns import match_files
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.prediction.expected import as_expected
from yt8m_models.prediction.metric_tables import class_names
from yt8m_models.prediction.predictor import device_batch_size
from yt8m_models.storage.whole_file import join
from yt8m_models.training.annotation_run import is_annotation_run
from yt8m_models.training.checkpoints import (
    CHECKPOINT_CHOICES,
    Restored,
    candidate_checkpoints,
    restore_model,
)
from yt8m_models.training.evaluator import Evaluator
from yt8m_models.training.train_dir import step_of


def evaluate_training(
    config: EvalConfig, expected: Mapping[str, Any] | None = None
) -> Evaluation | None:
    """Evaluates a checkpoint of a training; with `run_once=False` each new one until interrupted.

    Prints a table for each, and writes the files of `eval.program.report.Report`.

    Args:
        config: what to evaluate.
        expected: flags of the data and of the model that the training must have had, by name; see
            `as_expected` for those that may differ. `segment_labels` says whether to evaluate
            segments.

    Returns:
        The last evaluation; `None` if there was none before the interruption.

    Raises:
        ValueError: a flag, the checkpoint, or a record is wrong, or an expected flag contradicts
            the training; the message says which.
        OSError: a file cannot be read or written.
    """
    program = _Program(config, {} if expected is None else expected)
    has_one_model = config.run_once or is_annotation_run(config.train_dir)
    if has_one_model or config.checkpoint not in CHECKPOINT_CHOICES:
        return program.evaluate(restore_model(config.train_dir, config.checkpoint))
    return _follow(config, program)


def measure(
    restored: Restored, config: MeasureConfig, files: Sequence[str], expected: Mapping[str, Any]
) -> tuple[Evaluation, str | None]:
    """Measures a model, and writes nothing.

    Args:
        restored: the model.
        config: how to measure it.
        files: the records of `config.eval_data_pattern`.
        expected: as of `evaluate_training`.

    Returns:
        The evaluation, and what was wrong with records, if anything was.

    Raises:
        ValueError: a record is wrong, or an expected flag contradicts the model.
    """
    require_same_extraction(restored.extraction, files, restored.path)
    restored = as_expected(restored, expected)
    segment_labels = expected.get("segment_labels", restored.data_config.segment_labels)
    data = dataclasses.replace(restored.data_config, segment_labels=segment_labels)
    options = PipelineOptions(
        batch_size=device_batch_size(config.batch_size, data),
        seed=config.seed,
        sample_frames=config.sample_frames,
        sample_random_frames=restored.model_config.sample_random_frames,
        num_readers=config.num_readers,
        max_bad_records=config.max_bad_records,
        pad_to_max_frames=config.jit_compile,
    )
    pipeline = Pipeline(files, data, options)
    label_loss = restored.label_loss if config.label_loss is None else config.label_loss
    loss = losses.get(label_loss)
    evaluator = Evaluator(restored.model, loss, data.num_classes, config.top_k, config.jit_compile)
    batches = FirstBatches(data, "evaluated examples").watched(pipeline)
    metrics = evaluator.evaluate(batches, progress=True)
    evaluation = Evaluation(
        step=restored.step,
        checkpoint=restored.path,
        eval_data_pattern=config.eval_data_pattern,
        segment_labels=data.segment_labels,
        num_videos=metrics["num_videos"],
        label_loss=label_loss,
        top_k=config.top_k,
        metrics=metrics,
    )
    return evaluation, pipeline.ledger.summary()


def _follow(config: EvalConfig, program: "_Program") -> Evaluation | None:
    """Evaluates each new checkpoint, until interrupted."""
    evaluation: Evaluation | None = None
    seen: int | None = None
    is_waiting = False
    print(
        f"Following the checkpoints of {config.train_dir} (--checkpoint={config.checkpoint}); end "
        "with Ctrl-C.",
        flush=True,
    )
    try:
        while True:
            paths = candidate_checkpoints(config.train_dir, config.checkpoint)
            if not paths and seen is None and not is_waiting:
                print(f"Waiting for the first checkpoint in {config.train_dir}.", flush=True)
                is_waiting = True
            # Told apart by the step: the best one was the latest until it was validated.
            if not paths or step_of(paths[-1]) == seen:
                time.sleep(config.poll_seconds)
                continue
            try:
                restored = restore_model(config.train_dir, config.checkpoint)
            except ValueError:
                if paths[-1] in candidate_checkpoints(config.train_dir, config.checkpoint):
                    raise
                continue  # The training has removed it meanwhile.
            seen = step_of(paths[-1])
            evaluation = program.evaluate(restored)
    except KeyboardInterrupt:
        print("Stopped.")
    return evaluation


class _Program:
    """What stays the same from checkpoint to checkpoint."""

    def __init__(self, config: EvalConfig, expected: Mapping[str, Any]) -> None:
        self.config = config
        self.expected = expected
        self.files = match_files(config.eval_data_pattern)
        self.names = class_names(config.vocabulary) if config.vocabulary else {}
        self.report = Report(config.output_dir or join(config.train_dir, "eval"), self.names)

    def evaluate(self, restored: Restored) -> Evaluation:
        """Evaluates a model, prints and writes the result."""
        config = self.config
        print(f"Model: {restored.described()}", flush=True)
        evaluation, problems = measure(restored, config, self.files, self.expected)
        print(table(evaluation), flush=True)
        if problems:
            print(problems, flush=True)
        self.report.write(evaluation)
        return evaluation
