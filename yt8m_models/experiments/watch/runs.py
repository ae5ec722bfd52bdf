"""Rows and seeds as runs: which there are, where they are kept, and what they found."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Any

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.experiments.common import runs as common
from yt8m_models.experiments.common.command_line import command_line
from yt8m_models.experiments.common.rows import Row
from yt8m_models.experiments.common.runs import RESULT, differing, directory_of, plan_runs
from yt8m_models.experiments.watch.config import (
    FrameEmbeddingFlags,
    WatchConfig,
    WatchTrainingFlags,
)
from yt8m_models.experiments.watch.inputs import Inputs
from yt8m_models.experiments.watch.rows import AVERAGE, NONE
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.recommendation.mixed_effects.config import GLMixConfig
from yt8m_models.storage.whole_file import join

BASELINES = {  # the row that an AUC is compared with
    "max_auc": AVERAGE,
    "mean_auc": AVERAGE,
    "glmix_auc": NONE,
    "cold_auc": NONE,
}

# What a command that is printed does not say: where things are, and the seed.
_ELSEWHERE = (
    *("train_dir", "output_dir", "graph_dir", "features_dir", "embeddings_dir", "glmix_dir"),
    *("seed", *(field.name for field in fields(WatchLogOptions))),
)
_UNIMPORTANT = ("log_steps", "save_checkpoint_minutes", "eval_batch_size")  # to what a run finds


@dataclass(frozen=True)
class Result(common.Result):
    """What a run found.

    Attributes:
        metrics: AUC by name, those of `BASELINES` that the run is about; NaN where there are no
            events of both labels.
        step: of the checkpoint that was measured; 0 without training.
        validation_ndcg: of that checkpoint; NaN without.
        num_parameters: of the network.
        seconds: training and measuring, without what an interruption left out.
        num_pairs: pairs of a user and a video whose similarities were measured.
        num_unscored: others, whose user has no history or whose video no features.
        num_events: events of tests that GLMix was measured on.
        num_cold_events: those of cold-start videos.
    """

    metrics: Mapping[str, float]
    step: int
    validation_ndcg: float
    num_parameters: int
    seconds: float
    num_pairs: int = 0
    num_unscored: int = 0
    num_events: int = 0
    num_cold_events: int = 0


@dataclass(frozen=True)
class Run(common.Run[Result]):
    """Embeddings to make and to measure, in `embeddings` and `glmix` of its directory.

    Attributes:
        content: of the row.
        inputs: the logs, the features and the graph.
        model: the network; `None` for the mean of the frames.
        training: of the network.
        glmix: how GLMix is fitted; `None` where similarities alone are measured.
        keep_embeddings: leave them in `embeddings`.
    """

    content: str
    inputs: Inputs
    model: EmbeddingConfig | None
    training: EmbeddingTrainConfig
    glmix: GLMixConfig | None
    keep_embeddings: bool

    @property
    def embeddings_dir(self) -> str:
        return join(self.directory, "embeddings")

    def commands(self) -> list[str]:
        """Those that make the inputs and the embeddings, and fit GLMix."""
        lines = self.inputs.commands()
        if self.model is None:
            lines.append(command_line("yt8m embed", {"raw": True}, ()))
        else:
            values = {**vars(self.model), **vars(self.training)}
            lines.append(command_line("yt8m train-embedding", values, _ELSEWHERE))
        if self.glmix is not None:
            lines.append(command_line("yt8m glmix", vars(self.glmix), _ELSEWHERE))
        return lines

    def result(self) -> Result | None:
        return Result.read(join(self.directory, RESULT))


def plan(
    config: WatchConfig,
    training: WatchTrainingFlags,
    network: FrameEmbeddingFlags,
    rows: Sequence[Row],
) -> dict[tuple[str, int], Run]:
    """The run of each row's name and seed.

    Without a network nothing is random: such a run is the same for all seeds.
    """
    inputs = Inputs(config)

    def run_of(row: Row, seed: int) -> Run:
        content = row.changes["content"]
        is_trained = content not in (AVERAGE, NONE)
        model = network.model(content) if is_trained else None
        seed = seed if is_trained else 0
        settings: dict[str, Any] = {"content": content, **inputs.settings}
        if content != AVERAGE:
            settings["user_l2"] = config.user_l2
        if is_trained:
            settings |= differing(vars(network), EmbeddingConfig, ())
            settings |= differing(vars(training), EmbeddingTrainConfig, _UNIMPORTANT)
        directory = directory_of(config.output_dir, content, settings, seed)
        glmix = GLMixConfig(  # equation 18
            watch_log=inputs.train_log,
            embeddings_dir=join(directory, "embeddings"),
            glmix_dir=join(directory, "glmix"),
            video_features=content != NONE,
            global_coefficients=False,
            min_watched_seconds=config.min_watched_seconds,
            user_l2=config.user_l2,
        )
        return Run(
            name=f"{row.name}, seed {seed}",
            directory=directory,
            settings=settings,
            content=content,
            inputs=inputs,
            model=model,
            training=training.train_config(
                train_dir=join(directory, "train"),
                graph_dir=inputs.graph_dir,
                features_dir=inputs.features_dir,
                seed=seed,
            ),
            glmix=None if content == AVERAGE else glmix,
            keep_embeddings=config.keep_embeddings,
        )

    return plan_runs(rows, config.seeds, run_of)
