"""What all runs are trained and measured on: made once, by the programs that make it."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

from yt8m_models.experiments.common.command_line import command_line
from yt8m_models.experiments.common.programs import run_program
from yt8m_models.experiments.common.runs import differing, digest
from yt8m_models.experiments.watch.config import WatchConfig
from yt8m_models.graph.split_time_options import SplitTimeOptions
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.program.interruption import Interruption
from yt8m_models.program.option import flags_of
from yt8m_models.storage.whole_file import join


class _Step(NamedTuple):
    """A program, its flags, those that say where its output and earlier ones are, and a file.

    The file is what the program writes last.
    """

    program: str
    flags: Mapping[str, Any]
    where: Mapping[str, str]
    record: str


@dataclass(frozen=True)
class Inputs:
    """A watch log in two, the frames of its videos, and the co-watch graph of its first part.

    Args:
        config: the flags.

    Attributes:
        settings: all that the inputs depend on.
        directory: for them, named by the settings.
    """

    config: WatchConfig

    @property
    def settings(self) -> dict[str, Any]:
        names = ("frame_features", "feature_names", "feature_sizes", "min_watched_seconds")
        return {
            **{name: getattr(self.config, name) for name in names},
            **differing(self._log_flags, WatchConfig, ()),
        }

    @property
    def directory(self) -> str:
        return join(self.config.output_dir, "inputs", digest(self.settings))

    @property
    def features_dir(self) -> str:
        return join(self.directory, "features")

    @property
    def graph_dir(self) -> str:
        return join(self.directory, "graph")

    @property
    def train_log(self) -> str:
        return join(self.directory, "log", "train.csv")

    @property
    def test_log(self) -> str:
        return join(self.directory, "log", "test.csv")

    def make(self, interruption: Interruption) -> bool:
        """Makes what is not there yet.

        Returns:
            Whether all is there; false where a signal ended it.

        Raises:
            ValueError: a program failed.
        """
        return all(
            Path(step.where["output_dir"], step.record).exists()
            or run_program(step.program, {**step.flags, **step.where}, interruption)
            for step in self._steps()
        )

    def commands(self) -> list[str]:
        """The command lines, without where things are."""
        return [command_line(f"yt8m {step.program}", step.flags, ()) for step in self._steps()]

    @property
    def _log_flags(self) -> dict[str, Any]:
        fields = [*flags_of(WatchLogOptions), *flags_of(SplitTimeOptions)]
        return {field.name: getattr(self.config, field.name) for field, _ in fields}

    def _steps(self) -> list[_Step]:
        config = self.config
        features = {
            "data_pattern": config.frame_features,
            "frame_features": True,
            "feature_names": config.feature_names,
            "feature_sizes": config.feature_sizes,
        }
        graph = {  # section 3.4.1: valid watches of a user within 30 minutes
            "rule": "valid_watch",
            "window_minutes": 30.0,
            "min_watched_seconds": config.min_watched_seconds,
            "train_fraction": 1.0,
        }
        of_log = {"output_dir": join(self.directory, "log")}
        of_graph = {
            "watch_log": self.train_log,
            "features_dir": self.features_dir,
            "output_dir": self.graph_dir,
        }
        return [
            _Step("split-log", self._log_flags, of_log, "split_log.json"),
            _Step("build-features", features, {"output_dir": self.features_dir}, "features.json"),
            _Step("build-graph", graph, of_graph, "co_watch_graph.json"),
        ]
