"""Inference end to end, from records to the submission file, against what it cannot do without."""

from pathlib import Path

import tensorflow as tf

from benchmarks.figure import Figure
from benchmarks.step_limit import DATA
from benchmarks.timing import in_turn
from yt8m_models.config import ModelConfig
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.models import create_model
from yt8m_models.prediction.inference import predict
from yt8m_models.prediction.predictor import Predictor
from yt8m_models.prediction.submission import VideoSubmission
from yt8m_models.samples.synthetic.config import SyntheticConfig
from yt8m_models.samples.synthetic.generator import write_synthetic
from yt8m_models.storage.whole_file import whole_file

_MODEL = ModelConfig("DSGMMModel", num_clusters=64, hidden_size=512)
_NUM_VIDEOS = 1024
_BATCH_SIZE = 128
_TOP_K = 20
_REPETITIONS = 3


def figures(workdir: Path) -> list[Figure]:
    """Videos/s of inference over those of reading the same records and predicting them.

    Both are measured in steady state: without starting the process, loading the model and tracing
    its graph, which take some seconds however many videos there are. Reading and predicting is the
    pipeline and the compiled forward pass alone: nothing is done with the predictions.
    """
    files = write_synthetic(SyntheticConfig(str(workdir), num_videos=_NUM_VIDEOS))
    pipeline = Pipeline(files, DATA, PipelineOptions(batch_size=_BATCH_SIZE))
    model = create_model(_MODEL, DATA)
    predictor = Predictor(model, _TOP_K)
    forward = tf.function(lambda inputs: model(inputs, training=False), reduce_retracing=True)

    def read_and_predict() -> None:
        for batch in pipeline:
            forward({name: batch[name] for name in ("video_matrix", "num_frames")}).numpy()

    def infer() -> None:
        with whole_file(str(workdir / "submission.csv")) as file:
            predict(pipeline, predictor, VideoSubmission(file))

    alone, end_to_end = map(min, in_turn(_REPETITIONS, read_and_predict, infer))
    name = "inference end to end, over the pipeline and the compiled forward pass alone"
    detail = {
        "inference_videos_per_second": _NUM_VIDEOS / end_to_end,
        "alone_videos_per_second": _NUM_VIDEOS / alone,
    }
    return [Figure(name, alone / end_to_end, bound=0.9, detail=detail)]
