"""The experiments from the flags to the files, and a run: training, embedding, AUC."""

import dataclasses
import math
import shutil
import time
from functools import partial
from typing import Any, NamedTuple

from eval.retrieval import auc
from yt8m_models.data.patterns import match_files
from yt8m_models.embedding.embedder import Embedder
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.embedding.embeddings_writer import EmbeddingsWriter
from yt8m_models.embedding.loading import load_embedding_model
from yt8m_models.embedding.training.trainer import train
from yt8m_models.experiments.common.rows import rows_of
from yt8m_models.experiments.common.running import in_own_process, run_experiment
from yt8m_models.experiments.common.runs import RESULT
from yt8m_models.experiments.watch.config import (
    FrameEmbeddingFlags,
    WatchConfig,
    WatchTrainingFlags,
)
from yt8m_models.experiments.watch.inputs import Inputs
from yt8m_models.experiments.watch.report import WatchReport
from yt8m_models.experiments.watch.rows import NONE, tables
from yt8m_models.experiments.watch.runs import BASELINES, Result, Run, plan
from yt8m_models.features.load_features import load_features
from yt8m_models.features.raw_features import RawFeatures
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.program.interruption import Interruption
from yt8m_models.recommendation.affinity import affinity
from yt8m_models.recommendation.labelled_events import read_labelled_events
from yt8m_models.recommendation.mixed_effects.config import EVALUATE, GLMixConfig
from yt8m_models.recommendation.mixed_effects.evaluation import evaluate
from yt8m_models.recommendation.mixed_effects.fitting import train as fit_glmix
from yt8m_models.recommendation.mixed_effects.glmix import GLMIX
from yt8m_models.storage import filesystems
from yt8m_models.storage.whole_file import join


def run_watch(
    config: WatchConfig, training: WatchTrainingFlags, network: FrameEmbeddingFlags
) -> int | None:
    """Trains and measures what is not done yet, and writes the report of all that is.

    Returns:
        The number of the signal that ended the runs, or `None`.

    Raises:
        ValueError: a flag is wrong, or a program or a run failed; finished runs are kept.
    """
    filesystems.require(config.output_dir)
    for name in ("watch_log", "frame_features"):
        match_files(getattr(config, name), name)
    found = tables(config)
    planned = plan(config, training, network, rows_of(found))
    if not config.dry_run:
        with Interruption() as interruption:
            if not Inputs(config).make(interruption):
                return interruption.signal
    no_metrics = dict.fromkeys(BASELINES, math.nan)
    return run_experiment(
        "watches",
        WatchReport(config, found, planned),
        partial(in_own_process, train_and_measure),
        lambda result: {**no_metrics, **result.metrics, "seconds": result.seconds},
    )


def train_and_measure(run: Run) -> Result | None:
    """Does a run, from where an earlier try stopped, and writes its result.

    Returns:
        The result; `None` where a signal ended the training.

    Raises:
        ValueError: as from `train`, `EmbeddingsWriter`, `read_labelled_events` and GLMix.
        OSError: a file cannot be read or written.
    """
    start = time.monotonic()
    trained = _embedded(run)
    if trained is None:
        return None
    measured = [] if run.content == NONE else [_similarities(run)]
    if run.glmix is not None:
        measured.append(_glmix(run.glmix, run.inputs.test_log))
    result = Result(
        settings=run.settings,
        seed=run.training.seed,
        metrics={name: value for part in measured for name, value in part.metrics.items()},
        **trained,
        seconds=round(time.monotonic() - start, 1),
        **{name: count for part in measured for name, count in part.counts.items()},
    )
    result.write(join(run.directory, RESULT))
    if not run.keep_embeddings:
        shutil.rmtree(run.embeddings_dir)
    return result


def _embedded(run: Run) -> dict[str, Any] | None:
    """Writes the embeddings of all videos; the network's part of a `Result`, `None` by a signal."""
    table = load_features(run.inputs.features_dir)
    if run.model is None:
        raw = RawFeatures(table)
        writer = EmbeddingsWriter(run.embeddings_dir, table.ids, raw.model, raw.size)
        writer.write_all(raw.batches)
        return {"step": 0, "validation_ndcg": math.nan, "num_parameters": 0}
    found = train(run.training, run.model)
    if found["signal"] is not None:
        return None
    network, trained = load_embedding_model(run.training.train_dir)
    size = run.model.embedding_size
    writer = EmbeddingsWriter(run.embeddings_dir, table.ids, trained.model, size)
    writer.write_all(Embedder(network, table).batches)
    ndcg = found["best_validation_ndcg"]
    return {
        "step": trained.step,
        "validation_ndcg": math.nan if ndcg is None else ndcg,
        "num_parameters": network.count_params(),
    }


class _Measured(NamedTuple):
    """A part of a `Result`: of its metrics, and what it counts."""

    metrics: dict[str, float]
    counts: dict[str, int]


def _similarities(run: Run) -> _Measured:
    """Table 6's part."""
    seconds = run.inputs.config.min_watched_seconds
    history, pairs = (
        read_labelled_events(WatchLogOptions(watch_log=log), seconds)
        for log in (run.inputs.train_log, run.inputs.test_log)
    )
    scored = affinity(history, pairs, Embeddings.load(run.embeddings_dir))
    return _Measured(
        {
            "max_auc": float(auc(scored.labels, scored.max)),
            "mean_auc": float(auc(scored.labels, scored.mean)),
        },
        {"num_pairs": len(scored.labels), "num_unscored": scored.num_unscored},
    )


def _glmix(config: GLMixConfig, test_log: str) -> _Measured:
    """Table 7's part."""
    if not GLMIX.is_in(config.glmix_dir):
        fit_glmix(config)
    found = evaluate(dataclasses.replace(config, mode=EVALUATE, watch_log=test_log))
    return _Measured(
        {
            "glmix_auc": float(found.auc),
            "cold_auc": math.nan if found.cold_auc is None else found.cold_auc,
        },
        {"num_events": found.num_events, "num_cold_events": found.num_cold_events},
    )
