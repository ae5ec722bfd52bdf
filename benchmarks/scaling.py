"""How the cost grows: `python -m benchmarks.scaling --output_dir=out/scaling`.

Writes a table (`scaling.md`, `scaling.json`) and a plot (`scaling.png`) of the time and the memory
of a training step over clusters, frames, classes, batch and feature size; of the pipeline over
shards, readers and the videos' length; of metrics and inference over the number of videos; and of
the programs from a watch log to recommendations over videos and rows, of which `plan.md` has what
they would take for `PLANNED` sizes. A run that was interrupted goes on.
"""

import gc
import statistics
import tempfile
from collections import deque
from collections.abc import Callable, Collection, Iterator
from dataclasses import asdict, dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from benchmarks import collaborative_scaling
from benchmarks.collaborative_scaling import CollaborativeConfig
from benchmarks.point import Point, plan, plot, table
from benchmarks.process import in_own_process, status_mb
from benchmarks.step_limit import DATA, StepCase
from benchmarks.timing import in_turn, seconds_of
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.program.command import Arguments, Program
from yt8m_models.program.option import Options, option
from yt8m_models.storage.result_file import read_result, write_result
from yt8m_models.storage.whole_file import write_text

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
PARTS = (*AXES, *collaborative_scaling.PARTS)
PLANNED = {"videos": 300_000_000, "rows": 50_000_000_000, "users": 500_000_000}
_PIPELINE_VIDEOS = 1024
_ROUNDS = 9


@dataclass(frozen=True)
class ScalingConfig(Options):
    """Which parts to measure, and where to write them."""

    parts: tuple[str, ...] = option(PARTS, "Parts to measure.", choices=PARTS)
    output_dir: str = option(
        "out/scaling",
        "Directory for the table and the plot, and for the data meanwhile. What scaling.json has "
        "there is not measured again.",
    )
    fresh: bool = option(False, "Measure again what is measured already.")


PROGRAM = Program(
    "python -m benchmarks.scaling",
    "Measure how the cost grows.",
    ScalingConfig,
    CollaborativeConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    config = arguments[ScalingConfig]
    directory = Path(config.output_dir)
    directory.mkdir(parents=True, exist_ok=True)
    path = str(directory / "scaling.json")
    read = read_result(path, lambda records: [Point(**record) for record in records])
    points = {point.key: point for point in read or ()}
    if config.fresh:
        points = {key: point for key, point in points.items() if _name(point) not in config.parts}
    for point in chain(
        _annotated(config.parts, points),
        collaborative_scaling.measure(
            arguments[CollaborativeConfig], config.parts, points, directory
        ),
    ):
        points[point.key] = point
        print(point, flush=True)
        write_result(path, [asdict(each) for each in points.values()])
        write_text(directory / "scaling.md", table(points.values()))
        write_text(directory / "plan.md", plan(points.values(), PLANNED))
    if points:
        plot(points.values(), directory / "scaling.png")


def _name(point: Point) -> str:
    """The part, as flags name it, that a point is of."""
    return point.part.partition(",")[0]


def _annotated(parts: Collection[str], known: Collection[tuple[str, str, int]]) -> Iterator[Point]:
    """Measures what is not known yet of the annotated half."""
    for part, axes in AXES.items():
        for axis, sizes in axes.items():
            for size in sizes:
                if part in parts and (part, axis, size) not in known:
                    yield in_own_process(measure, part, axis, size)


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


if __name__ == "__main__":
    PROGRAM.run()
