"""How the cost grows: `python -m benchmarks.scaling --output_dir=out/scaling`.

Writes a table (`scaling.md`, `scaling.json`) and a plot (`scaling.png`) of the time and the memory
of a training step over clusters, frames, classes, batch and feature size; of the pipeline over
shards, readers and the videos' length; and of metrics and inference over the number of videos.
"""

import gc
import itertools
import json
import statistics
import tempfile
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.process import in_own_process, status_mb
from benchmarks.step_limit import DATA, StepCase
from benchmarks.timing import in_turn, seconds_of
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.program.command import Arguments, Program
from yt8m_models.program.option import Options, option
from yt8m_models.storage.plots import new_figure, save_figure
from yt8m_models.storage.text_tables import markdown_table

_SIZES = {"clusters": 64, "frames": 30, "classes": 1000, "batch": 80, "features": 512}
AXES: dict[str, dict[str, tuple[int, ...]]] = {
    "training step": {
        "clusters": (16, 32, 64, 128, 256),
        "frames": (10, 30, 100, 300),
        "classes": (250, 1000, 4000, 16000),
        "batch": (20, 80, 320),
        "features": (128, 512, 2048),
    },
    "pipeline": {"shards": (1, 4, 16), "readers": (1, 4, 16), "length": (30, 100, 300)},
    "metrics": {"videos": (1_000, 10_000, 100_000, 1_000_000)},
    "inference": {"videos": (1_000, 10_000, 100_000, 1_000_000)},
}
_PIPELINE_VIDEOS = 1024
_ROUNDS = 9


@dataclass(frozen=True)
class Point:
    """One measurement.

    Attributes:
        part: what was measured.
        axis: which size differs from the others' points.
        size: that size.
        seconds: of a step, or of all videos.
        megabytes: at the most, above those before; `None` where not measured.
    """

    part: str
    axis: str
    size: int
    seconds: float
    megabytes: float | None = None


@dataclass(frozen=True)
class ScalingConfig(Options):
    """Which parts to measure, and where to write them."""

    parts: tuple[str, ...] = option(tuple(AXES), "Parts to measure.", choices=tuple(AXES))
    output_dir: str = option("out/scaling", "Directory for the table and the plot.")


PROGRAM = Program("python -m benchmarks.scaling", "Measure how the cost grows.", ScalingConfig)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    config = arguments[ScalingConfig]
    directory = Path(config.output_dir)
    directory.mkdir(parents=True, exist_ok=True)
    points = []
    for part in config.parts:
        for axis, sizes in AXES[part].items():
            for size in sizes:
                points.append(in_own_process(measure, part, axis, size))
                print(points[-1], flush=True)
    (directory / "scaling.json").write_text(json.dumps([asdict(point) for point in points]) + "\n")
    (directory / "scaling.md").write_text(table(points), encoding="utf-8")
    plot(points, directory / "scaling.png")


def measure(part: str, axis: str, size: int) -> Point:
    """Measures one point in this process."""
    seconds, megabytes = _MEASURES[part](**{axis: size})
    return Point(part, axis, size, seconds, megabytes)


def _step(**changed: int) -> tuple[float, float]:
    from benchmarks.step_tensorflow import measure_steps

    def case(clusters: int, frames: int, classes: int, batch: int, features: int) -> StepCase:
        model = ModelConfig("NetVLADModelLF", num_clusters=clusters, hidden_size=256)
        data = DataConfig(("rgb",), (features,), frame_features=True, num_classes=classes)
        return StepCase("", model, data, frames)

    sizes = {**_SIZES, **changed}
    measured = measure_steps(case(2, 2, 4, 8, 4), case(**sizes), sizes["batch"], _ROUNDS)
    return measured["seconds"], measured["peak_mb"] - measured["before_mb"]


def _pipeline(shards: int = 4, readers: int = 8, length: int = 300) -> tuple[float, None]:
    from yt8m_models.data.pipeline import Pipeline, PipelineOptions
    from yt8m_models.samples.synthetic.config import SyntheticConfig
    from yt8m_models.samples.synthetic.generator import write_synthetic

    with tempfile.TemporaryDirectory() as directory:
        sizes = {"num_shards": shards, "min_frames": length, "max_frames": length}
        files = write_synthetic(SyntheticConfig(directory, num_videos=_PIPELINE_VIDEOS, **sizes))
        options = PipelineOptions(128, sample_frames=30, shuffle=True, seed=1, num_readers=readers)
        read = partial(deque, Pipeline(files, DATA, options).dataset, maxlen=0)
        return statistics.median(*in_turn(_ROUNDS, read)), None


def _metrics(videos: int) -> tuple[float, float]:
    import numpy as np

    from eval.evaluation_metrics import EvaluationMetrics

    rng = np.random.default_rng(0)
    predictions = rng.random((1000, 3862), np.float32)
    labels = rng.random(predictions.shape) < 0.001

    def evaluate(count: int) -> None:
        metrics = EvaluationMetrics(3862)
        for _ in range(count // 1000):
            metrics.update(predictions, labels)
        metrics.result()

    evaluate(1000)
    return _timed(lambda: evaluate(videos))


def _inference(videos: int) -> tuple[float, float]:
    import numpy as np
    import tensorflow as tf

    from yt8m_models.models import create_model
    from yt8m_models.prediction.inference import predict
    from yt8m_models.prediction.predictor import Predictor
    from yt8m_models.prediction.submission import VideoSubmission
    from yt8m_models.storage.whole_file import whole_file

    data = DataConfig(("mean_rgb", "mean_audio"), (1024, 128))
    predictor = Predictor(create_model(ModelConfig("LogisticModel"), data), 20)
    features = tf.constant(np.random.default_rng(0).normal(size=(1000, 1152)), tf.float32)

    def batches(count: int) -> Iterator[dict[str, tf.Tensor]]:
        for start in range(0, count, 1000):
            ids = [f"v{start + number:08}".encode() for number in range(1000)]
            yield {
                "video_ids": tf.constant(ids),
                "video_matrix": features,
                "num_frames": tf.ones(1000, tf.int32),
            }

    def infer(count: int) -> None:
        with (
            tempfile.TemporaryDirectory() as directory,
            whole_file(f"{directory}/submission.csv") as file,
        ):
            pipeline: Any = batches(count)
            predict(pipeline, predictor, VideoSubmission(file))

    infer(1000)
    return _timed(lambda: infer(videos))


_MEASURES: dict[str, Callable[..., tuple[float, float | None]]] = {
    "training step": _step,
    "pipeline": _pipeline,
    "metrics": _metrics,
    "inference": _inference,
}


def _timed(run: Callable[[], None]) -> tuple[float, float]:
    gc.collect()
    before = status_mb("VmRSS")
    seconds = seconds_of(run)
    return seconds, max(status_mb("VmHWM") - before, 0.0)


def table(points: list[Point]) -> str:
    """A Markdown table with a row for each part and axis."""
    rows = []
    for (part, axis), chosen in _by_axis(points).items():
        sizes = " · ".join(f"{point.size:,}" for point in chosen)
        seconds = " · ".join(f"{point.seconds:.2g}" for point in chosen)
        megabytes = (point.megabytes for point in chosen if point.megabytes is not None)
        rows.append((part, f"{axis} {sizes}", seconds, " · ".join(f"{mb:.0f}" for mb in megabytes)))
    lines = markdown_table(("measured", "over", "seconds", "MB"), rows)
    return "\n".join(lines) + "\n"


def _by_axis(points: list[Point]) -> dict[tuple[str, str], list[Point]]:
    """The points of each part and axis, which follow each other."""
    groups = itertools.groupby(points, lambda point: (point.part, point.axis))
    return {key: list(group) for key, group in groups}


def plot(points: list[Point], path: Path) -> None:
    """An image with a panel for each part and axis: seconds, and MB where they were measured."""
    panels = _by_axis(points)
    columns = min(5, len(panels))
    rows = -(-len(panels) // columns)
    figure = new_figure(3.2 * columns, 2.8 * rows, dpi=100)
    axes = figure.subplots(rows, columns, squeeze=False)
    for panel, ((part, axis), chosen) in zip(axes.flat, panels.items(), strict=False):
        sizes = [point.size for point in chosen]
        panel.set_xscale("log")
        panel.set_xticks(sizes, [f"{size:,}" for size in sizes], rotation=30, fontsize=8)
        panel.minorticks_off()
        panel.plot(sizes, [point.seconds for point in chosen], "o-", color="C0")
        panel.set_title(part, fontsize=10)
        panel.set_xlabel(axis)
        _set_scale(panel, "seconds", "C0")
        if chosen[0].megabytes is not None:
            beside = panel.twinx()
            beside.plot(sizes, [point.megabytes for point in chosen], "s--", color="C1")
            _set_scale(beside, "MB", "C1")
    for panel in list(axes.flat)[len(panels) :]:
        panel.set_axis_off()
    save_figure(str(path), figure)


def _set_scale(panel: Any, label: str, color: str) -> None:
    """A logarithmic axis of at least a decade, so that noise does not look like growth."""
    from matplotlib.ticker import LogLocator

    low, high = panel.dataLim.y0, panel.dataLim.y1
    margin = max(1.3, (10 * low / high) ** 0.5)
    panel.set_yscale("log")
    panel.set_ylim(low / margin, high * margin)
    panel.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    panel.yaxis.set_major_formatter(lambda value, _: f"{value:g}")
    panel.yaxis.set_minor_formatter("")
    panel.set_ylabel(label, color=color)


if __name__ == "__main__":
    PROGRAM.run()
