"""The training loop on triplets."""

import functools
import logging
from collections.abc import Mapping
from typing import Any

import keras
import numpy as np

import losses
from yt8m_models.data.video_ids import UNKNOWN
from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.create import create_embedding_model
from yt8m_models.embedding.embedder import Embedder
from yt8m_models.embedding.features_of_model import load_features_of_model
from yt8m_models.embedding.model_record import ModelRecord
from yt8m_models.embedding.training.batches import TripletBatches
from yt8m_models.embedding.training.config import LOSSES, EmbeddingTrainConfig
from yt8m_models.embedding.training.curves import plot_curves
from yt8m_models.embedding.training.projector import write_projector
from yt8m_models.embedding.training.step import TripletOutputs, TripletStep
from yt8m_models.embedding.training.validation_videos import (
    RetrievalMeasure,
    ValidationVideos,
    draw_validation_videos,
)
from yt8m_models.graph.co_watch_graph import CoWatchGraph
from yt8m_models.graph.triplet_sampler import TripletSampler
from yt8m_models.program.interruption import Interruption
from yt8m_models.storage import filesystems
from yt8m_models.training.lost_workers import lost_workers_named
from yt8m_models.training.optimizers import create_optimizer
from yt8m_models.training.pretrained import source_checkpoint, take_weights
from yt8m_models.training.report import Measures
from yt8m_models.training.schedule import StaircaseDecay
from yt8m_models.training.strategy import create_strategy
from yt8m_models.training.train_dir import remove_training
from yt8m_models.training.training_run import TrainingRun
from yt8m_models.training.workers import Workers

_COLUMNS = (
    *("step", "loss", "violations", "positive_distance", "negative_distance"),
    *("without_negative", "learning_rate", "triplets_per_second"),
)
_COLLAPSED = 1e-3
_COLLAPSED_LOGS = 3
_LOGGER = logging.getLogger(__name__)
_SHOWN = {
    "loss": "loss",
    "violations": "violations",
    "near": "positive_distance",
    "far": "negative_distance",
}


def train(config: EmbeddingTrainConfig, model: EmbeddingConfig) -> dict[str, Any]:
    """Trains an embedding, from the beginning or from the latest checkpoint of `config.train_dir`.

    Returns:
        `step` reached, `loss` of the last logged step (`None` where this run took none),
        `checkpoint` (the path of the latest), `best_validation_ndcg` (`None` without validation),
        and `signal`, the number of the signal that ended training, or `None`.

    Raises:
        ValueError: a flag does not fit the graph, the features or the directory, no video of the
            graph has features, no edge has them on both ends, the directory belongs to another
            model or holds no checkpoint that can be read, or the loss became infinite or not a
            number. The last good checkpoint stays.
        ConnectionError: another worker of the training is gone.
    """
    keras.utils.set_random_seed(config.seed)
    with Interruption() as interruption, lost_workers_named(config.train_dir):
        return Trainer(config, model, interruption).train()


class Trainer:
    """A training run, from reading the flags to the last checkpoint; see `train`."""

    def __init__(
        self,
        config: EmbeddingTrainConfig,
        model_config: EmbeddingConfig,
        interruption: Interruption,
    ) -> None:
        self.config = config
        self.model_config = model_config
        self.interruption = interruption
        self._num_collapsed = 0
        self._has_warned = False
        filesystems.require(config.train_dir)
        strategy = create_strategy(config.strategy)
        self.workers = Workers(strategy)
        self.graph = CoWatchGraph.load(config.graph_dir)
        self.table = load_features_of_model(config.features_dir, model_config, config.feature_names)
        self.feature_rows = self.table.ids.matched_rows(
            self.graph.ids,
            f"the graph in {config.graph_dir}",
            f"the features in {config.features_dir}",
        )
        usable = self.feature_rows != UNKNOWN
        self.validation_videos: ValidationVideos | None = None
        if config.validation_fraction:
            self.validation_videos = draw_validation_videos(
                self.graph,
                usable,
                config.validation_fraction,
                config.validation_candidates,
                config.validation_queries,
                config.seed,
            )
            usable[self.validation_videos.candidates] = False
        self.batches = TripletBatches(
            TripletSampler(
                self.graph,
                usable,
                config.negatives,
                config.seed,
                config.sample_by_weight,
                config.graded_negatives,
            ),
            self.table,
            self.feature_rows,
            config.batch_size,
            model_config.sample_frames,
            config.seed,
            strategy.num_replicas_in_sync,
            self.workers.replicas,
        )
        schedule = StaircaseDecay(
            config.base_learning_rate,
            config.learning_rate_decay,
            config.learning_rate_decay_steps,
            1,
        )
        with strategy.scope():
            self.model = create_embedding_model(model_config, self.table.names, self.table.sizes)
            optimizer = create_optimizer(config.optimizer, schedule)
            optimizer.build(self.model.trainable_variables)
            mining_seed = keras.random.SeedGenerator(config.seed)
        self.run = TrainingRun(
            config,
            self.model,
            optimizer,
            schedule,
            interruption,
            seeds=[mining_seed],
            workers=self.workers,
        )
        self.step = TripletStep(
            self.model,
            optimizer,
            losses.get_triplet(LOSSES[config.loss], config.margin),
            config.mining,
            mining_seed,
            config.clip_gradient_norm,
            config.clip_mode,
            config.jit_compile,
            strategy,
        )

    def train(self) -> dict[str, Any]:
        """Trains to the end or to a signal; what the function `train` returns."""
        self._prepare_directory()
        self.workers.wait()
        run, max_steps = self.run, self.config.max_steps
        if not run.restore() and self.config.init_from:
            take_weights(self.model, self.config.init_from)
        if run.step >= max_steps:
            print(
                f"Nothing to do in {self.config.train_dir}: {run.done} are done. "
                "Raise --max_steps to train on."
            )
        print(self._described())
        measure = None
        if self.validation_videos is not None:
            embedder = Embedder(self.model, self.table, self.config.eval_batch_size)
            measure = RetrievalMeasure(
                self.validation_videos, self.feature_rows, embedder, self.workers
            )
        with run.recording(_COLUMNS, "triplets", measure):
            for parts in () if run.is_stopped else self.batches.steps(run.step, max_steps):
                outputs = self.step(*parts)
                measures = functools.partial(self._measures, outputs)
                run.advance(outputs.is_finite, self.config.batch_size, measures)
                if run.is_stopped:
                    break
        if self.interruption.signal is None and self.workers.is_chief:
            write_projector(self.config, self.table)
            plot_curves(self.config.train_dir)
        run.print_end()
        best = None if run.validation is None else run.validation.best
        return {**run.result(), "best_validation_ndcg": best}

    def _measures(self, outputs: TripletOutputs) -> Measures:
        """The loss and the distances of a batch."""
        found = outputs._asdict()
        values = {name: float(value) for name, value in found.items() if name in _COLUMNS}
        self._watch_for_collapse(values)
        return Measures(values, {title: values[name] for title, name in _SHOWN.items()})

    def _watch_for_collapse(self, values: Mapping[str, float]) -> None:
        """Warns, once, where embeddings were all alike at several logged steps in a row."""
        near, far = values["positive_distance"], values["negative_distance"]
        is_collapsed = max(near, far) < _COLLAPSED and values["without_negative"] < 1
        self._num_collapsed = self._num_collapsed + 1 if is_collapsed else 0
        if self._has_warned or self._num_collapsed < _COLLAPSED_LOGS:
            return
        self._has_warned = True
        _LOGGER.warning(
            "the embeddings have collapsed: squared distances are %.1e to positives and %.1e to "
            "negatives, where those of unlike videos are about 2, and the loss stays at %.4f, as "
            "if all videos were one. Look at the features, and begin anew (--start_new_model) with "
            "a lower --base_learning_rate%s",
            *(near, far, values["loss"]),
            " or --mining=semi_hard" if self.config.mining == "hardest" else "",
        )

    def _prepare_directory(self) -> None:
        if not self.workers.is_chief:
            return
        config = self.config
        if config.start_new_model:
            if config.init_from:
                source_checkpoint(config.init_from)  # a wrong path removes nothing
            remove_training(config.train_dir)
        kept = (
            "loss",
            "margin",
            "mining",
            "negatives",
            "sample_by_weight",
            "graded_negatives",
            "seed",
        )
        training = {name: getattr(config, name) for name in kept}
        if self.validation_videos is not None:
            training["validation"] = self.validation_videos.fingerprint(self.graph.ids)
        ModelRecord(self.model_config, self.table.names, self.table.sizes, training).write(
            config.train_dir
        )

    def _described(self) -> str:
        """What is trained on, and what is left out."""
        num_known = int(np.count_nonzero(self.feature_rows != UNKNOWN))
        num_videos, num_features = len(self.feature_rows), len(self.table)
        lines = [f"{num_videos:,} videos in the graph, {num_features:,} with features."]
        if num_known < num_videos:
            lines.append(f"{num_videos - num_known:,} videos of the graph have no features.")
        if num_known < num_features:
            lines.append(f"{num_features - num_known:,} videos with features are not in the graph.")
        sampler = self.batches.sampler
        lines.append(
            f"{sampler.num_videos:,} videos and {sampler.num_edges:,} edges, each direction "
            "counted, to draw triplets from."
        )
        if sampler.num_left_out:
            lines.append(f"{sampler.num_left_out:,} videos are no anchors: all are neighbours.")
        if sampler.num_without_shown:
            lines.append(
                f"{sampler.num_without_shown:,} anchors get uniform negatives: none was shown."
            )
        if self.validation_videos is not None:
            queries, candidates, _ = self.validation_videos
            lines.append(
                f"{len(candidates):,} training videos are kept out to be retrieved for "
                f"{len(queries):,} others."
            )
        return "\n".join(lines)
