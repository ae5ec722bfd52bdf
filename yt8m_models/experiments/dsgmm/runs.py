"""Rows and seeds as runs: which there are, where they are kept, and what they found."""

import dataclasses
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from yt8m_models.config import DataConfig, ModelConfig, ResolvedModel
from yt8m_models.experiments.common import runs as common
from yt8m_models.experiments.common.command_line import command_line
from yt8m_models.experiments.common.rows import Row
from yt8m_models.experiments.common.runs import (
    RESULT,
    defaults,
    differing,
    digest,
    directory_of,
    plan_runs,
)
from yt8m_models.experiments.dsgmm.config import TablesConfig, TrainingFlags
from yt8m_models.gmm.config import FrameFormat, UBMConfig
from yt8m_models.poolings import FIXED_POOLINGS
from yt8m_models.presets import PRESETS
from yt8m_models.storage.whole_file import join
from yt8m_models.training.config import ResolvedTrainConfig, TrainConfig

METRICS = ("gap", "hit_at_one", "perr", "map")

_ELSEWHERE = ("train_dir", "seed")  # what a command that is printed does not say
_UNIMPORTANT = {  # to what a run finds
    *("model", "train_dir", "log_steps", "keep_checkpoints", "save_checkpoint_minutes"),
    *("num_readers", "max_bad_records", "seed"),
}
_UNNAMED = "unknown yet"  # the output_dir in the digests that name background models


@dataclass(frozen=True)
class Result(common.Result):
    """What a run found on the test records.

    Attributes:
        metrics: `gap`, `hit_at_one`, `perr` and `map` of the test videos.
        validation_loss: of the tested checkpoint, the lowest of the run; `None` without validation.
        step: of the tested checkpoint.
        seconds: training and test, without what an interruption left out.
        num_parameters: trainable ones.
        videos: a digest of the videos' ids, in order.
        correct: for each video, in the order of the ids, whether its best class is a label.
        validation_metrics: those of `metrics` on the validation videos; `None` without validation,
            and in results of versions that did not keep them.
    """

    metrics: Mapping[str, float]
    validation_loss: float | None
    step: int
    seconds: float
    num_parameters: int
    videos: str
    correct: np.ndarray
    validation_metrics: Mapping[str, float] | None = None

    def record(self) -> dict[str, Any]:
        return {**vars(self), "correct": "".join("01"[int(hit)] for hit in self.correct)}

    @classmethod
    def from_record(cls, record: dict[str, Any]) -> "Result":
        return cls(**{**record, "correct": np.array(list(record["correct"])) == "1"})


@dataclass(frozen=True)
class Run(common.Run[Result]):
    """One model to train and test.

    Attributes:
        model: what it is.
        data: the format of the records.
        training: with `train_dir`, `seed` and validation records.
        test_data_pattern: the test records.
        ubm: how to train the background model that the pooling needs; `None` where it needs none.
    """

    model: ResolvedModel
    data: DataConfig
    training: TrainConfig
    test_data_pattern: str
    ubm: UBMConfig | None

    def commands(self) -> list[str]:
        """Those that train it, also its UBM; the test samples frames as validation does."""
        values = {**vars(self.data), **vars(self.model), **vars(self.training)}
        commands = [command_line("yt8m train", values, _ELSEWHERE)]
        if self.ubm is not None:
            form = {name: vars(self.data)[name] for name in defaults(FrameFormat)}
            commands.insert(
                0, command_line("yt8m train-ubm", {**form, **vars(self.ubm)}, _ELSEWHERE)
            )
        return commands

    def result(self) -> Result | None:
        return Result.read(join(self.directory, RESULT))


def plan(
    config: TablesConfig,
    training: TrainingFlags,
    data: DataConfig,
    model: ModelConfig,
    rows: Sequence[Row],
) -> dict[tuple[str, int], Run]:
    """The run of each row's name and seed; rows with equal settings have equal runs."""
    where = {
        "train_data_pattern": config.train_data_pattern,
        "eval_data_pattern": config.validation_data_pattern,
    }
    data_settings = differing(vars(data), DataConfig, _UNIMPORTANT)
    other_settings = {
        **data_settings,
        **differing({**where, **vars(training)}, ResolvedTrainConfig, _UNIMPORTANT),
        "test_data_pattern": config.test_data_pattern,
    }

    def run_of(row: Row, seed: int) -> Run:
        usual = {name: each for name, each in row.usual.items() if getattr(model, name) is None}
        row_model = dataclasses.replace(model, **{**usual, **row.changes})
        resolved = row_model.resolved()
        given = {name: value for name, value in vars(row_model).items() if value is not None}
        flags = {**PRESETS[row_model.model], **given}
        settings = {**differing(flags, ResolvedModel, _UNIMPORTANT), **other_settings}
        ubm = None
        if resolved.pooling in FIXED_POOLINGS:
            settings["ubm_max_frames"] = config.ubm_max_frames
            ubm = _ubm(config, resolved, data_settings)
        directory = directory_of(config.output_dir, resolved.pooling, settings, seed)
        return Run(
            name=f"{row.name}, seed {seed}",
            directory=directory,
            settings=settings,
            model=resolved,
            data=DataConfig(**vars(data)),
            training=training.train_config(train_dir=join(directory, "train"), seed=seed, **where),
            test_data_pattern=config.test_data_pattern,
            ubm=ubm,
        )

    return plan_runs(rows, config.seeds, run_of)


def _ubm(config: TablesConfig, model: ResolvedModel, data_settings: Mapping[str, Any]) -> UBMConfig:
    """The background model of a model; it is trained once for all seeds and rows."""
    names = ("num_clusters", "num_clusters_audio", "pool_per_feature", "per_feature_l2_norm")
    values: dict[str, Any] = {
        "train_data_pattern": config.train_data_pattern,
        "max_frames": config.ubm_max_frames,
        **{name: getattr(model, name) for name in names},
    }
    settings = {**defaults(UBMConfig), **values, "output_dir": _UNNAMED, **data_settings}
    return UBMConfig(**values, output_dir=join(config.output_dir, "ubm", digest(settings)))
