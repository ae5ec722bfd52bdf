"""Real video-level records: training, evaluation and submission with the video-level models."""

import json

import numpy as np
import pytest

from eval.metrics import gap
from eval.program.config import EvalConfig
from eval.program.evaluation import evaluate_training
from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.prediction.config import InferenceConfig, ModelSource
from yt8m_models.prediction.inference import infer
from yt8m_models.training.config import TrainConfig
from yt8m_models.training.trainer import train

DATA = DataConfig(("mean_rgb", "mean_audio"), (1024, 128))
TRAINING = ("validate2L", "validate3227", "validateoR")


@pytest.fixture(scope="module")
def records(shared):
    """Training files and the file for evaluation."""
    directory = shared / "data" / "youtube8m_video_level"
    if not directory.is_dir():
        pytest.skip("no real records: shared/data/youtube8m_video_level is absent")
    return [str(directory / f"{name}.tfrecord") for name in TRAINING], str(
        directory / "validatezQ.tfrecord"
    )


@pytest.fixture(scope="module")
def prior_gap(records):
    """GAP of predicting how often each class occurs in the training records, for every video."""
    training, evaluation = (
        np.concatenate([batch["labels"] for batch in Pipeline(files, DATA, PipelineOptions(512))])
        for files in (records[0], [records[1]])
    )
    assert (len(training), len(evaluation)) == (860, 280)
    return gap(np.broadcast_to(training.mean(axis=0), evaluation.shape), evaluation, top_k=20)


@pytest.mark.parametrize(
    ("model", "num_epochs"),
    [("LogisticModel", 10), pytest.param("MoeModel", 4, marks=pytest.mark.slow)],
)
def test_beats_the_class_frequencies_and_writes_a_submission(
    model, num_epochs, records, prior_gap, tmp_path
):
    training, evaluation = records
    train_dir, output = str(tmp_path / "model"), tmp_path / "submission.csv"
    train(
        TrainConfig(
            train_dir=train_dir,
            train_data_pattern=",".join(training),
            batch_size=128,
            num_epochs=num_epochs,
            jit_compile=False,
        ),
        DATA,
        ModelConfig(model=model),
    )
    evaluate_training(EvalConfig(train_dir=train_dir, eval_data_pattern=evaluation, run_once=True))
    metrics = json.loads((tmp_path / "model" / "eval" / "metrics.json").read_text())
    assert metrics["num_videos"] == 280
    assert metrics["gap"] > 1.3 * prior_gap

    infer(
        ModelSource(train_dir=train_dir),
        InferenceConfig(input_data_pattern=evaluation, output_file=str(output)),
    )
    header, *lines = output.read_text().splitlines()
    assert header == "VideoId,LabelConfidencePairs"
    assert len(lines) == 280
    for line in lines:
        video_id, pairs = line.split(",")
        classes, scores = pairs.split()[::2], [float(score) for score in pairs.split()[1::2]]
        assert len(video_id) == 4
        assert len(set(classes)) == 20
        assert scores == sorted(scores, reverse=True)
