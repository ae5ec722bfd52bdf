"""Training and comparing annotation models."""

import dataclasses
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import keras
import tensorflow as tf

from yt8m_models.annotation.annotate.adam_stage import AdamStage
from yt8m_models.annotation.annotate.config import CDML, NUM_TAGS, AnnotateConfig, VideoDataConfig
from yt8m_models.annotation.annotate.fine_tuning import RPROP_DIR, FineTuning
from yt8m_models.annotation.annotate.measure import VIDEO_MAP
from yt8m_models.annotation.annotate.pca import fit_pca
from yt8m_models.annotation.annotate.report import write_report
from yt8m_models.annotation.annotate.runs import ADAM, FINAL, RESULT, Run, check, plan, with_cdml
from yt8m_models.annotation.annotate.training import Sources, Training
from yt8m_models.annotation.genome import Genome, read_genome
from yt8m_models.annotation.genome_records import label_by_genome
from yt8m_models.annotation.join_config import JoinConfig
from yt8m_models.annotation.joining import join_embeddings
from yt8m_models.config import DataConfig
from yt8m_models.data.extraction_record import extraction_of, write_extraction
from yt8m_models.data.patterns import match_files
from yt8m_models.program.interruption import Interruption
from yt8m_models.storage import filesystems
from yt8m_models.storage.result_file import read_result, write_result
from yt8m_models.storage.same_flags import require_same_flags
from yt8m_models.storage.text_tables import csv_text
from yt8m_models.storage.whole_file import join, whole_file, write_text
from yt8m_models.training.annotation_run import MODEL
from yt8m_models.training.classifier_measure import METRICS
from yt8m_models.training.train_dir import checkpoint_paths

SETTINGS = "settings.json"
_UNIMPORTANT = {  # to what a run finds
    *(
        "output_dir",
        "num_mixtures",
        "single_features",
        "jit_compile",
        "save_checkpoint_minutes",
        "log_steps",
    ),
    *("eval_batch_size", "num_readers", "max_bad_records", "unequal_frames", "float_frames"),
}


def annotate(config: AnnotateConfig, data: VideoDataConfig) -> int | None:
    """Trains all models, or those that are not done yet, and writes the comparison.

    `config.output_dir` receives `results.csv`, `results.json`, `results.md` and `results.png`, as
    far as there are results, after each run, and in `runs/<features>/mixtures<M>` of each run
    `training.csv`, `validation.csv`, its checkpoints, `best` (lowest validation loss),
    `model.keras` (the model at the end) and `result.json`.

    Returns:
        The number of the signal that ended the training, or `None`.

    Raises:
        ValueError: flags do not fit each other or the records, a record is bad or not finite, there
            are fewer videos than components, the directory belongs to other flags, or a loss became
            infinite or not a number.
    """
    check(config, data)
    filesystems.require(config.output_dir)
    tf.io.gfile.makedirs(config.output_dir)
    _check_settings(config, data)
    with Interruption() as interruption:
        everything, components = DataConfig(**vars(data)), config.pca_components
        train_files: Sequence[str] = match_files(config.train_data_pattern, "train_data_pattern")
        eval_files: Sequence[str] = match_files(config.eval_data_pattern, "eval_data_pattern")
        extraction = extraction_of([*train_files, *eval_files])
        train_pattern, eval_pattern = config.train_data_pattern, config.eval_data_pattern
        if config.genome_dir:
            genome = _genome(config)
            everything = dataclasses.replace(everything, num_classes=len(genome.tags))
            train_files = _tagged(genome, train_pattern, "train", config)
            eval_files = _tagged(genome, eval_pattern, "validation", config)
            train_pattern, eval_pattern = ",".join(train_files), ",".join(eval_files)
        if config.cdml_dir:
            train_files, size = _joined(train_pattern, "train", config)
            eval_files, _ = _joined(eval_pattern, "validation", config)
            everything, components = with_cdml(config, everything, size)
        pca = fit_pca(config, train_files, everything, components, interruption)
        if pca is not None:
            sources = Sources(train_files, eval_files, *pca, extraction)
            runs = plan(config, everything, components)
            for number, run in enumerate(runs, 1):
                if run.result() is None:
                    print(
                        f"Run {number} of {len(runs)}: {run.num_mixtures} mixtures on "
                        f"{run.features}",
                        flush=True,
                    )
                    if not _train(config, run, sources, interruption):
                        break
                write_report(config.output_dir, runs, table=7 if config.genome_dir else 6)
    if interruption.signal is None:
        print(f"Wrote {join(config.output_dir, 'results.md')} and the like.")
    return interruption.signal


def _train(config: AnnotateConfig, run: Run, sources: Sources, interruption: Interruption) -> bool:
    """Trains a model through all stages and writes its result; false if interrupted."""
    start = time.monotonic()
    keras.utils.set_random_seed(config.seed)
    training = Training(config, run, sources, interruption)
    # With checkpoints of RPROP there is nothing left to do for Adam, whose state takes memory.
    is_fine_tuned = checkpoint_paths(join(run.directory, RPROP_DIR))
    if not is_fine_tuned and not AdamStage(training).train():
        return False
    if config.phases and not FineTuning(training).train():
        return False
    _save_model(training)
    write_result(join(run.directory, RESULT), _rows(training, time.monotonic() - start))
    return True


def _rows(training: Training, seconds: float) -> list[dict[str, Any]]:
    """What the validation found after Adam and at the end."""
    run, model = training.run, training.model
    validated = training.validated()
    epochs = training.config.num_epochs
    stages = {ADAM: [row for row in validated if row["epoch"] <= epochs][-1]}
    if training.config.phases:
        stages[FINAL] = validated[-1]
    return [
        {
            "features": run.features,
            "num_mixtures": run.num_mixtures,
            "stage": stage,
            "step": int(row["step"]),
            **{name: float(row[name]) for name in (*METRICS, VIDEO_MAP)},
            "num_videos": int(row["num_videos"]),
            "num_parameters": model.count_params(),
            "seconds": round(seconds, 1),
        }
        for stage, row in stages.items()
    ]


def _save_model(training: Training) -> None:
    if training.sources.extraction is not None:
        write_extraction(training.run.directory, training.sources.extraction)
    path = join(training.run.directory, MODEL)
    with tempfile.TemporaryDirectory() as temporary, whole_file(path) as file:
        saved = Path(temporary, MODEL)
        training.model.save(saved)
        file.write(saved.read_bytes())


def _genome(config: AnnotateConfig) -> Genome:
    """The tags, whose names go to `vocabulary.csv`."""
    genome = read_genome(
        config.genome_dir,
        config.trailers,
        config.genome_min_movies,
        config.genome_relevance,
        NUM_TAGS,
    )
    path = join(config.output_dir, "vocabulary.csv")
    write_text(path, csv_text(("Index", "Name"), enumerate(genome.tags)))
    print(
        f"{len(genome.tags):,} tags with a relevance of at least {genome.relevance:g} to "
        f"{config.genome_min_movies:,} movies or more: {path}"
    )
    return genome


def _tagged(genome: Genome, pattern: str, name: str, config: AnnotateConfig) -> Sequence[str]:
    """Copies of the records of movies, with tags as labels."""
    directory = join(config.output_dir, "records", "genome", name)
    found = label_by_genome(genome, pattern, directory, config.max_bad_records)
    print(
        f"{found.num_videos:,} movies in {directory}; {found.num_left_out:,} videos are none of "
        "the genome"
    )
    return found.files


def _joined(pattern: str, name: str, config: AnnotateConfig) -> tuple[Sequence[str], int]:
    """Copies of the records with the embeddings as a feature, and the size of an embedding."""
    directory = join(config.output_dir, "records", name)
    summary = join_embeddings(
        JoinConfig(
            input_data_pattern=pattern,
            embeddings_dir=config.cdml_dir,
            output_dir=directory,
            feature_name=CDML,
            missing=config.missing,
            max_bad_records=config.max_bad_records,
        ),
        progress=True,
    )
    print(
        f"{summary.num_videos:,} videos in {directory}; {summary.num_missing:,} of them have no "
        "embedding" + (", zeros stand in its place" if summary.num_missing else "")
    )
    return summary.files, summary.size


def _check_settings(config: AnnotateConfig, data: VideoDataConfig) -> None:
    """Notes the flags that decide about results, or refuses others than those of an earlier run."""
    values = {**vars(config), **vars(data)}
    settings = {name: value for name, value in values.items() if name not in _UNIMPORTANT}
    path = join(config.output_dir, SETTINGS)
    recorded = read_result(path, dict)
    if recorded is None:
        write_result(path, settings)
        return
    defaults = {field.name: field.default for field in dataclasses.fields(config)}
    require_same_flags(
        {**defaults, **recorded},  # older runs lacked flags
        json.loads(json.dumps(settings)),
        f"--output_dir={config.output_dir} belongs to other flags:",
        "Give another --output_dir, or the same flags.",
    )
