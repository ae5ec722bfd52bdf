"""`train.py` end to end against the slower of its pipeline and its step."""

import statistics
from collections import deque
from functools import partial
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.step_limit import CASES, StepCase
from benchmarks.step_tensorflow import training_step
from benchmarks.timing import seconds_of
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.samples.synthetic.config import SyntheticConfig
from yt8m_models.samples.synthetic.generator import write_synthetic
from yt8m_models.training.config import TrainConfig
from yt8m_models.training.history import read_history
from yt8m_models.training.trainer import train

BOUND = 0.92
_CASE = "netvlad"
_BATCH_SIZE = 80
_NUM_VIDEOS = 2000  # 25 steps a pass
_EPOCHS = 3
_LOG_STEPS = 5
_TURNS = 3


def figures(workdir: Path) -> list[Figure]:
    """Videos/s of training, over the smaller of those of the pipeline and of the step alone.

    Training is `train.py` in this process, with its metrics, its history and its summaries; its
    speed is the median of those that it logs, without the first, whose steps are compiled. That of
    the step alone is the median of turns of as many steps, before and after it, as machines drift.
    """
    case = CASES[_CASE]
    files = write_synthetic(SyntheticConfig(str(workdir / "records"), num_videos=_NUM_VIDEOS))
    step, _ = training_step(case, _BATCH_SIZE, "none")
    step()  # compiles

    def several_steps() -> None:
        for _ in range(_LOG_STEPS):
            step()

    step_seconds = [seconds_of(several_steps) for _ in range(_TURNS)]
    trained_speed = training_speed(
        workdir / "model", f"{workdir}/records/*.tfrecord", case, _BATCH_SIZE, _EPOCHS
    )
    step_seconds += [seconds_of(several_steps) for _ in range(_TURNS)]
    pipeline_speed = _pipeline_speed(files, case)
    step_speed = _LOG_STEPS * _BATCH_SIZE / statistics.median(step_seconds)
    name = "train.py end to end, over the slower of its pipeline and its step"
    detail = {
        "pipeline videos/s": pipeline_speed,
        "step videos/s": step_speed,
        "train.py videos/s": trained_speed,
    }
    return [Figure(name, trained_speed / min(pipeline_speed, step_speed), BOUND, detail=detail)]


def _pipeline_speed(files: list[str], case: StepCase) -> float:
    options = PipelineOptions(_BATCH_SIZE, shuffle=True, seed=1, sample_frames=case.num_frames)
    read = partial(deque, Pipeline(files, case.data, options).dataset, maxlen=0)
    return _NUM_VIDEOS / statistics.median(seconds_of(read) for _ in range(3))


def training_speed(
    train_dir: Path, pattern: str, case: StepCase, batch_size: int, num_epochs: int
) -> float:
    """Videos/s of a whole training: the median of those that it logs, but for the first."""
    config = TrainConfig(
        train_dir=str(train_dir),
        train_data_pattern=pattern,
        batch_size=batch_size,
        num_epochs=num_epochs,
        log_steps=_LOG_STEPS,
    )
    train(config, case.data, case.model)
    rows = read_history(f"{config.train_dir}/training.csv")
    return statistics.median(row["videos_per_second"] for row in rows[1:])
