"""Rows and seeds as runs: which there are, where they are kept, and what they found."""

import dataclasses
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf

from yt8m_models.config import DataConfig, ModelConfig, ResolvedModel
from yt8m_models.experiments.dsgmm.config import TablesConfig, TrainingFlags
from yt8m_models.experiments.dsgmm.rows import Row
from yt8m_models.gmm.config import UBMConfig
from yt8m_models.poolings import FIXED_POOLINGS
from yt8m_models.presets import PRESETS
from yt8m_models.storage.whole_file import join, write_text
from yt8m_models.training.config import TrainConfig

RESULT = "result.json"
METRICS = ("gap", "hit_at_one", "perr", "map")

_UNIMPORTANT = {  # to what a run finds
    *("model", "train_dir", "log_steps", "keep_checkpoints", "save_checkpoint_minutes"),
    *("num_readers", "max_bad_records", "seed"),
}


@dataclass(frozen=True)
class Run:
    """One model to train and test.

    Attributes:
        name: of the first row that it is for, and the seed.
        directory: for its training (`train`) and its result (`result.json`). It is named by the
            settings, so that equal runs are one, also those of another command.
        settings: all that the result depends on but the seed, where it is not the default.
        model: what it is.
        data: the format of the records.
        training: with `train_dir`, `seed` and validation records.
        test_data_pattern: the test records.
        ubm: how to train the background model that the pooling needs; `None` where it needs none.
    """

    name: str
    directory: str
    settings: Mapping[str, Any]
    model: ResolvedModel
    data: DataConfig
    training: TrainConfig
    test_data_pattern: str
    ubm: UBMConfig | None

    def result(self) -> "Result | None":
        """What it found; `None` while it is not done."""
        path = join(self.directory, RESULT)
        return Result.read(path) if tf.io.gfile.exists(path) else None


@dataclass(frozen=True)
class Result:
    """What a run found on the test records.

    Attributes:
        settings: those of the run.
        seed: of the run.
        metrics: `gap`, `hit_at_one`, `perr` and `map` of the test videos.
        validation_loss: of the tested checkpoint, the lowest of the run.
        step: of the tested checkpoint.
        seconds: training and test, without what an interruption left out.
        num_parameters: trainable ones.
        videos: a digest of the videos' ids, in order.
        correct: for each video, in the order of the ids, whether its best class is a label.
    """

    settings: Mapping[str, Any]
    seed: int
    metrics: Mapping[str, float]
    validation_loss: float
    step: int
    seconds: float
    num_parameters: int
    videos: str
    correct: np.ndarray

    def write(self, path: str) -> None:
        """Writes a JSON file that appears whole or not at all."""
        record = {**vars(self), "correct": "".join("01"[int(hit)] for hit in self.correct)}
        write_text(path, json.dumps(record, indent=1) + "\n")

    @classmethod
    def read(cls, path: str) -> "Result":
        """The result that `write` wrote.

        Raises:
            ValueError: the file is not one.
        """
        with tf.io.gfile.GFile(path) as file:
            text = file.read()
        try:
            record = json.loads(text)
            return cls(**{**record, "correct": np.array(list(record["correct"])) == "1"})
        except (ValueError, TypeError, KeyError) as error:
            raise ValueError(f"{path} is not a result of a run: {error}") from error


def plan(
    config: TablesConfig,
    training: TrainingFlags,
    data: DataConfig,
    model: ModelConfig,
    rows: Sequence[Row],
) -> dict[tuple[str, int], Run]:
    """The run of each row's name and seed; rows with equal settings have equal runs.

    All rows come with the first seed before any comes with the second.
    """
    found: dict[tuple[str, int], Run] = {}
    by_directory: dict[str, Run] = {}
    for seed in config.seeds:
        for row in rows:
            run = _run(config, training, data, model, row, seed)
            found[row.name, seed] = by_directory.setdefault(run.directory, run)
    return found


def _run(
    config: TablesConfig,
    training: TrainingFlags,
    data: DataConfig,
    model: ModelConfig,
    row: Row,
    seed: int,
) -> Run:
    row_model = dataclasses.replace(model, **row.changes)
    resolved = row_model.resolved()
    train_config = training.train_config(
        train_data_pattern=config.train_data_pattern,
        eval_data_pattern=config.validation_data_pattern,
        seed=seed,
    )
    data_settings = _differing(vars(data), _defaults(DataConfig))
    settings = {
        **_differing({**PRESETS[row_model.model], **_given(row_model)}, _defaults(ResolvedModel)),
        **data_settings,
        **_differing(vars(train_config), _defaults(TrainConfig)),
        "test_data_pattern": config.test_data_pattern,
    }
    ubm = None
    if resolved.pooling in FIXED_POOLINGS:
        settings["ubm_max_frames"] = config.ubm_max_frames
        ubm = _ubm(config, resolved, data_settings)
    directory = join(
        config.output_dir, "runs", f"{resolved.pooling}-{_digest(settings)}", f"seed{seed}"
    )
    return Run(
        name=f"{row.name}, seed {seed}",
        directory=directory,
        settings=settings,
        model=resolved,
        data=DataConfig(**vars(data)),
        training=dataclasses.replace(train_config, train_dir=join(directory, "train")),
        test_data_pattern=config.test_data_pattern,
        ubm=ubm,
    )


def _ubm(config: TablesConfig, model: ResolvedModel, data_settings: Mapping[str, Any]) -> UBMConfig:
    """The background model of a model; it is trained once for all seeds and rows."""
    ubm = UBMConfig(
        train_data_pattern=config.train_data_pattern,
        output_dir="unknown yet",
        max_frames=config.ubm_max_frames,
        **{
            name: getattr(model, name)
            for name in (
                *("num_clusters", "num_clusters_audio"),
                *("pool_per_feature", "per_feature_l2_norm"),
            )
        },
    )
    name = _digest({**vars(ubm), **data_settings})
    return dataclasses.replace(ubm, output_dir=join(config.output_dir, "ubm", name))


def _digest(settings: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(settings, sort_keys=True).encode()).hexdigest()[:10]


def _given(config: ModelConfig) -> dict[str, Any]:
    return {name: value for name, value in vars(config).items() if value is not None}


def _defaults(config: type) -> dict[str, Any]:
    return {field.name: field.default for field in dataclasses.fields(config)}


def _differing(values: Mapping[str, Any], defaults: Mapping[str, Any]) -> dict[str, Any]:
    """The values that are not the defaults, so that flags of later versions change no name."""
    return {
        name: value
        for name, value in values.items()
        if name not in _UNIMPORTANT and value != defaults[name]
    }
