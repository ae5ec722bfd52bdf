"""A page in the browser, and the directories that the pages show."""

import csv
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.records import video_record, write_records
from yt8m_models.models import create_model
from yt8m_models.storage.file_names import file_name_of_id
from yt8m_models.training.checkpoints import Checkpoints
from yt8m_models.training.history import History
from yt8m_models.training.train_dir import record_model_flags

DATA = DataConfig(("mean_rgb",), (6,), num_classes=5)
HOSTILE = '<script>document.title="hit"</script>"\'><img src=x onerror=document.title=1>'


@pytest.fixture
def opened(browser):
    """Opens a file; afterwards it must have asked for nothing else and complained of nothing."""
    pages = []

    def opened(path, width=1280, scheme="light"):
        page = browser.new_page(viewport={"width": width, "height": 800}, color_scheme=scheme)
        requests, complaints = [], []
        page.on("request", lambda request: requests.append(request.url))
        page.on("console", lambda message: complaints.append(message.text))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(path.as_uri())
        pages.append(SimpleNamespace(page=page, url=path.as_uri(), requests=requests))
        pages[-1].complaints = complaints
        return page

    yield opened
    for each in pages:
        asked = [url for url in each.requests if not url.startswith("data:")]
        assert asked == [each.url]
        assert each.complaints == []
        each.page.close()


@pytest.fixture(scope="session")
def write_csv():
    """Writes a CSV file of rows, the first of them the header."""

    def write_csv(path, rows):
        path.parent.mkdir(parents=True, exist_ok=True)
        with open(path, "w", newline="") as file:
            csv.writer(file, lineterminator="\n").writerows(rows)

    return write_csv


@pytest.fixture(scope="session")
def write_picture():
    """Writes a JPEG for a video, of noise that hardly can be compressed."""

    def write_picture(directory, video_id, width=400, height=300):
        directory.mkdir(parents=True, exist_ok=True)
        pixels = np.random.default_rng(0).integers(0, 256, (height, width, 3), np.uint8)
        path = directory / f"{file_name_of_id(video_id)}.jpg"
        path.write_bytes(tf.io.encode_jpeg(pixels).numpy())

    return write_picture


@pytest.fixture(scope="session")
def trained(tmp_path_factory, write_csv):
    """A model with fresh weights, its records and its history: `model`, `records`, `vocabulary`.

    Validation at steps 20, 40 and 60; the lowest loss is that of 40. One id is hostile, and a name.
    """
    directory = tmp_path_factory.mktemp("trained")
    model = directory / "model"
    keras.utils.set_random_seed(1)
    config = ModelConfig("MoeModel")
    record_model_flags(str(model), config, DATA, "CrossEntropyLoss")
    step = tf.Variable(40, dtype=tf.int64)
    created = create_model(config, DATA)
    Checkpoints(str(model / "best"), keep=1, model=created, step=step).save(40)

    columns = ("step", "epoch", "loss", "learning_rate", "gap", "hit_at_one", "perr")
    training = History(str(model / "training.csv"), columns, 60)
    for number in range(1, 61):
        values = dict(zip(columns, (number, 1, 9 / number, 0.01, 0.5, 0.25, 0.125), strict=True))
        training.append(values)
    training.flush()
    columns = ("step", "epoch", "loss", "hit_at_one", "perr", "gap", "map", "num_videos")
    validation = History(str(model / "validation.csv"), columns, 60)
    for number, loss, gap in ((20, 3.25, 0.5), (40, 2.125, 0.75), (60, 2.5, 0.8125)):
        row = (number, 1, loss, 0.625, 0.375, gap, 0.4375, 30)
        validation.append(dict(zip(columns, row, strict=True)))
    validation.flush()

    rng = np.random.default_rng(0)
    records, all_labels, all_features = [], np.zeros((30, 5), bool), []
    for number in range(30):
        video_id = HOSTILE if number == 7 else f"v{number}"
        labels = [number % 4] if number else []
        features = rng.normal(size=6).astype(np.float32)
        all_labels[number, labels] = True
        all_features.append(features)
        records.append(video_record(video_id.encode(), labels, {"mean_rgb": features}))
    write_records(directory / "validate.tfrecord", records)
    names = [["Index", "Name"], ["0", "Zero"], ["1", HOSTILE], ["2", "Two"], ["3", "Three"]]
    write_csv(directory / "vocabulary.csv", names)
    return SimpleNamespace(
        model=model,
        records=directory / "validate.tfrecord",
        vocabulary=directory / "vocabulary.csv",
        hostile=HOSTILE,
        num_parameters=created.count_params(),
        labels=all_labels,
        predictions=created(
            {"video_matrix": np.stack(all_features), "num_frames": np.ones(30, np.int32)}
        ).numpy(),
    )
