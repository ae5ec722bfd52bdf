"""Training of a UBM: from records to a directory of mixtures."""

import json
import time
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.gmm.config import UBMConfig
from yt8m_models.gmm.em import ExpectationMaximization, floored
from yt8m_models.gmm.frames import Frames
from yt8m_models.gmm.kmeans import kmeans
from yt8m_models.gmm.moments import Moments
from yt8m_models.gmm.reservoir import Reservoir
from yt8m_models.gmm.ubm import UBM
from yt8m_models.gmm.ubm_dir import CHECKPOINT, CURVE, STATISTICS, UBM_DIR, ubm_names
from yt8m_models.program.progress import Progress
from yt8m_models.storage import filesystems
from yt8m_models.storage.array_archive import read_arrays, write_arrays
from yt8m_models.storage.plots import (
    BLUE,
    GREEN,
    PURPLE,
    RED,
    can_plot,
    new_figure,
    save_figure,
    styled,
    whole_numbers,
)
from yt8m_models.storage.same_flags import require_same_flags
from yt8m_models.storage.whole_file import join

_SAMPLE_PER_CLUSTER = 100
_MAX_SAMPLE = 50_000
_LINES = (BLUE, RED, GREEN, PURPLE)
_DECIDING = (
    "train_data_pattern",
    "num_clusters",
    "num_clusters_audio",
    "pool_per_feature",
    "per_feature_l2_norm",
    "covariance_type",
    "covariance_floor",
    "max_frames",
    "sample_frames",
    "seed",
)


def train_ubm(config: UBMConfig, data: DataConfig) -> dict[str, dict[str, Any]]:
    """Trains a UBM of each feature, or one of all, by EM from k-means++ on a sample of the frames.

    All UBMs learn from the same passes over the frames. After each iteration a checkpoint is
    written, from which the next run resumes, whenever this one is killed.

    Returns:
        For each UBM, by name: `num_frames`, `log_likelihood` per frame of each iteration (of the
        mixture that it started from), and `converged`.

    Raises:
        ValueError: the records hold fewer frames than clusters, a record is bad, or the directory
            belongs to another UBM.
    """
    tf32 = tf.config.experimental.tensor_float_32_execution_enabled()
    tf.config.experimental.enable_tensor_float_32_execution(False)
    try:
        return UBMTrainer(config, data).run()
    finally:
        tf.config.experimental.enable_tensor_float_32_execution(tf32)


class UBMTrainer:
    """A training run; see `train_ubm`."""

    def __init__(self, config: UBMConfig, data: DataConfig) -> None:
        filesystems.require(config.output_dir)
        self.config = config
        self.names = ubm_names(data.feature_names, config.pool_per_feature)
        sizes = data.feature_sizes if config.pool_per_feature else (sum(data.feature_sizes),)
        ends = np.cumsum(sizes)
        self.parts = [slice(end - size, end) for end, size in zip(ends, sizes, strict=True)]
        others = config.num_clusters_audio or max(config.num_clusters // 2, 1)
        self.clusters = [config.num_clusters, *[others] * (len(sizes) - 1)]
        self.settings = {
            **{name: getattr(config, name) for name in _DECIDING},
            "num_clusters_audio": others,
            "feature_names": list(data.feature_names),
            "feature_sizes": list(data.feature_sizes),
        }
        self.frames = Frames(config, data)
        self.mixtures: list[ExpectationMaximization] = []
        self.sample = np.zeros((0, ends[-1]), np.float32)

    def run(self) -> dict[str, dict[str, Any]]:
        """Trains to the end; what `train_ubm` returns."""
        tf.io.gfile.makedirs(self.config.output_dir)
        if self.config.overwrite:
            self._remove()
        self._prepare()
        while self._unfinished():
            self._iterate()
        return self._finish()

    def _prepare(self) -> None:
        """Sums what no iteration changes, or reads it; then starts, or resumes, the mixtures."""
        path = join(self.config.output_dir, STATISTICS)
        if tf.io.gfile.exists(path):
            statistics = read_arrays(path)
            require_same_flags(
                _settings(statistics, path),
                self.settings,
                f"--output_dir={self.config.output_dir} belongs to another UBM:",
                "Give another --output_dir, the same flags, or --overwrite to replace it.",
            )
        else:
            statistics = self._summarize()
            write_arrays(path, statistics)
        self.sample = self.frames.normalize(statistics["sample"]).numpy()
        self.frames.count = int(statistics["count"])
        path = join(self.config.output_dir, CHECKPOINT)
        checkpoint = read_arrays(path) if tf.io.gfile.exists(path) else None
        for index, name in enumerate(self.names):
            squares = statistics[f"{name}/squares"]
            moments = Moments(statistics[f"{name}/shift"], full=squares.ndim == 2)
            moments.count, moments.squares = self.frames.count, squares
            self.mixtures.append(self._mixture(index, moments, checkpoint))
        if checkpoint is not None:
            print(f"Resuming from {path}: {self._iterations()} iterations.")

    def _summarize(self) -> dict[str, Any]:
        """One pass over the frames: their moments and a sample of them."""
        size = min(_SAMPLE_PER_CLUSTER * max(self.clusters), _MAX_SAMPLE)
        reservoir = Reservoir(size, np.random.default_rng([self.config.seed, 0]))
        moments: list[Moments] = []
        full = self.config.covariance_type == "tied"
        count = 0
        total = self.config.max_frames or None
        with Progress(total, "frames", "reading") as progress:
            for block in self.frames:
                reservoir.add(block)
                frames = self.frames.normalize(block).numpy()
                if not moments:
                    moments = [Moments(frames[:, part].mean(axis=0), full) for part in self.parts]
                for part, summed in zip(self.parts, moments, strict=True):
                    summed.add(frames[:, part])
                count += len(block)
                progress.update(len(block))
        if count < max(self.clusters):
            raise ValueError(
                f"--num_clusters must be at most the number of frames; the records have {count}, "
                f"received {max(self.clusters)}"
            )
        arrays: dict[str, Any] = {
            "settings": json.dumps(self.settings),
            "count": count,
            "sample": reservoir.rows(),
        }
        for name, summed in zip(self.names, moments, strict=True):
            arrays[f"{name}/shift"], arrays[f"{name}/squares"] = summed.shift, summed.squares
        return arrays

    def _mixture(
        self, index: int, moments: Moments, checkpoint: dict[str, np.ndarray] | None
    ) -> ExpectationMaximization:
        """The EM of a UBM: that of the checkpoint, or one that starts from k-means++."""
        floor, tolerance = self.config.covariance_floor, self.config.tolerance
        if checkpoint is not None:
            prefix = f"{self.names[index]}/"
            state = {
                key.removeprefix(prefix): value
                for key, value in checkpoint.items()
                if key.startswith(prefix)
            }
            return ExpectationMaximization.from_state(state, moments, floor, tolerance)
        sample = self.sample[:, self.parts[index]]
        rng = np.random.default_rng([self.config.seed, 1 + index])
        means, labels = kmeans(sample, self.clusters[index], rng)
        residuals = sample - means[labels]
        if self.config.covariance_type == "tied":
            covariance = residuals.T @ residuals / len(sample)
        else:
            covariance = np.mean(np.square(residuals), axis=0)
            if self.config.covariance_type == "spherical":
                covariance = np.mean(covariance)
        start = UBM(np.bincount(labels) / len(sample), means, floored(covariance, floor))
        return ExpectationMaximization(start, moments, floor, tolerance)

    def _iterate(self) -> None:
        """One pass over the frames for all mixtures that are not done, and a checkpoint."""
        training = [(self.parts[index], self.mixtures[index]) for index in self._unfinished()]
        number = self._iterations() + 1
        start = time.monotonic()
        with Progress(self.frames.count, "frames", f"iteration {number}") as progress:
            for block in self.frames:
                frames = self.frames.normalize(block)
                for part, mixture in training:
                    mixture.expect(frames[:, part])
                progress.update(len(block))
        for part, mixture in training:
            is_last = len(mixture.history) + 1 >= self.config.max_iterations
            mixture.maximize(self.sample[:, part], may_reseed=not is_last)
        state = {
            f"{name}/{key}": value
            for name, mixture in zip(self.names, self.mixtures, strict=True)
            for key, value in mixture.state().items()
        }
        write_arrays(join(self.config.output_dir, CHECKPOINT), state)
        values = "  ".join(map(_latest, self.names, self.mixtures))
        print(f"iteration {number}  {values}  {time.monotonic() - start:.1f} s", flush=True)

    def _unfinished(self) -> list[int]:
        return [
            index
            for index, mixture in enumerate(self.mixtures)
            if not mixture.converged and len(mixture.history) < self.config.max_iterations
        ]

    def _iterations(self) -> int:
        return max(len(mixture.history) for mixture in self.mixtures)

    def _finish(self) -> dict[str, dict[str, Any]]:
        """Writes the mixtures, the record of how they came about and the curve."""
        directory = self.config.output_dir
        results: dict[str, dict[str, Any]] = {}
        for name, mixture in zip(self.names, self.mixtures, strict=True):
            write_arrays(join(directory, f"{name}.npz"), vars(mixture.result))
            results[name] = {
                "num_frames": mixture.moments.count,
                "log_likelihood": list(mixture.history),
                "converged": mixture.converged,
            }
        UBM_DIR.write(directory, {"settings": self.settings, "ubms": results})
        if can_plot(CURVE):
            histories = {name: result["log_likelihood"] for name, result in results.items()}
            _save_curve(join(directory, CURVE), histories)
        done = "converged" if all(mixture.converged for mixture in self.mixtures) else "stopped"
        print(f"{done.capitalize()} after {self._iterations()} iterations; wrote {directory}.")
        return results

    def _remove(self) -> None:
        files = [f"{name}.npz" for name in self.names]
        names = [UBM_DIR.record, CHECKPOINT, STATISTICS, CURVE, *files]
        for path in (join(self.config.output_dir, name) for name in names):
            if tf.io.gfile.exists(path):
                tf.io.gfile.remove(path)


def _settings(statistics: Mapping[str, np.ndarray], path: str) -> dict[str, Any]:
    """The flags that statistics were summed with."""
    try:
        return dict(json.loads(str(statistics["settings"])))
    except (KeyError, ValueError, TypeError, RecursionError) as error:
        raise ValueError(f"{path} is not the statistics of a UBM: {error!r}") from None


def _save_curve(path: str, histories: Mapping[str, Sequence[float]]) -> None:
    """A panel for each UBM: its log-likelihood per frame by iteration."""
    figure = new_figure(5 * len(histories), 3.4)
    panels = figure.subplots(1, len(histories), squeeze=False).flat
    for index, (axes, (name, history)) in enumerate(zip(panels, histories.items(), strict=True)):
        axes.plot(
            range(1, len(history) + 1),
            history,
            color=_LINES[index % len(_LINES)],
            linewidth=1.8,
            marker="o",
            markersize=3,
        )
        styled(axes, f"{name}   {history[-1]:,.4f}", "iteration")
        whole_numbers(axes)
        axes.ticklabel_format(axis="y", useOffset=False)
    panels[0].set_ylabel("log-likelihood per frame")
    save_figure(path, figure)


def _latest(name: str, mixture: ExpectationMaximization) -> str:
    """A mixture's log-likelihood per frame, and what the latest iteration gained."""
    history = mixture.history
    gain = f" ({history[-1] - history[-2]:+.6f})" if len(history) > 1 else ""
    return f"{name} {history[-1]:.6f}{gain}"
