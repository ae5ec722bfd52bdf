"""Average pooling of all frames: training, evaluation and inference against their pipeline alone.

The starter code's first model is so small that reading is half of what there is to do.
"""

import statistics
from collections import deque
from functools import partial
from pathlib import Path

import losses
from benchmarks.figure import Figure
from benchmarks.step_limit import DATA, StepCase
from benchmarks.step_tensorflow import training_step
from benchmarks.timing import in_turn
from benchmarks.training import training_speed
from yt8m_models.config import ModelConfig
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.models import create_model
from yt8m_models.prediction.inference import predict
from yt8m_models.prediction.predictor import Predictor
from yt8m_models.prediction.submission import VideoSubmission
from yt8m_models.samples.synthetic.config import SyntheticConfig
from yt8m_models.samples.synthetic.generator import write_synthetic
from yt8m_models.storage.whole_file import whole_file
from yt8m_models.training.evaluator import Evaluator

BOUNDS = {"training": 0.4, "evaluation": 0.45, "inference": 0.4}
_CASE = StepCase("average pooling, 300 frames", ModelConfig("FrameLevelLogisticModel"), DATA, 300)
_BATCH_SIZE = 128
_NUM_VIDEOS = 4096
_EPOCHS = 4
_TOP_K = 20
_ROUNDS = 3


def figures(workdir: Path) -> list[Figure]:
    """Videos/s over those of the same pipeline when nothing is done with what it reads.

    All are of one process that has compiled already. Evaluation includes its metrics, inference the
    submission file, training its logs; the speed of training is as of `benchmarks.training`.
    """
    records = workdir / "records"
    files = write_synthetic(SyntheticConfig(str(records), num_videos=_NUM_VIDEOS, num_shards=8))
    options = {
        "training": PipelineOptions(_BATCH_SIZE, shuffle=True, seed=1),
        "evaluation": PipelineOptions(_BATCH_SIZE),
        "inference": PipelineOptions(_BATCH_SIZE, with_labels=False),
    }
    pipelines = {name: Pipeline(files, DATA, each) for name, each in options.items()}
    model = create_model(_CASE.model, DATA)
    predictor = Predictor(model, _TOP_K)
    evaluator = Evaluator(model, losses.CrossEntropyLoss(), DATA.num_classes, _TOP_K)

    def infer() -> None:
        with whole_file(str(workdir / "submission.csv")) as file:
            predict(pipelines["inference"], predictor, VideoSubmission(file))

    *read, evaluation, inference = in_turn(
        _ROUNDS,
        *(partial(deque, pipeline.dataset, maxlen=0) for pipeline in pipelines.values()),
        lambda: evaluator.evaluate(pipelines["evaluation"]),
        infer,
    )
    alone = {
        name: _NUM_VIDEOS / statistics.median(seconds)
        for name, seconds in zip(pipelines, read, strict=True)
    }
    speeds = {
        "training": training_speed(
            workdir / "model", f"{records}/*.tfrecord", _CASE, _BATCH_SIZE, _EPOCHS
        ),
        "evaluation": _NUM_VIDEOS / statistics.median(evaluation),
        "inference": _NUM_VIDEOS / statistics.median(inference),
    }
    step, _ = training_step(_CASE, _BATCH_SIZE, "none")
    (steps,) = in_turn(9, step)
    detail = {"step videos/s": _BATCH_SIZE / min(steps)}
    return [
        Figure(
            f"{name} of {_CASE.title}, over its pipeline alone",
            speed / alone[name],
            BOUNDS[name],
            detail={f"{name} videos/s": speed, "pipeline videos/s": alone[name], **detail},
        )
        for name, speed in speeds.items()
    ]
