"""Files with random damage: batches, or an error that names the file; nothing else."""

import dataclasses
import random
from functools import partial

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import DataConfig
from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.inspect.file_report import inspect_files
from yt8m_models.data.parsing import parse
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.data.record_checks import check_record
from yt8m_models.data.record_index import index_records
from yt8m_models.data.records import frame_record, video_record, write_records

FRAMES = DataConfig(("rgb", "audio"), (6, 2), frame_features=True, num_classes=9)
FORMATS = {
    "video": DataConfig(("mean_rgb", "mean_audio"), (6, 2), num_classes=9),
    "frame": FRAMES,
    "segment": dataclasses.replace(FRAMES, segment_labels=True),
}
NUM_RECORDS = 5
SKIP = {"max_bad_records": 99}
CASES = [
    *((level, options) for level in FORMATS for options in ({}, SKIP)),
    ("frame", {"sample_frames": 3}),
]
FEW, MANY = 15, 300  # mutations of each case
EVERY = pytest.mark.parametrize("count", [FEW, pytest.param(MANY, marks=pytest.mark.slow)])


def record(level, number):
    rng = np.random.default_rng(number)
    video_id, labels = b"id%02d" % number, [number, number + 3]
    if level == "video":
        means = {"mean_rgb": rng.normal(size=6), "mean_audio": rng.normal(size=2)}
        return video_record(video_id, labels, means)
    segments = [(0, 5, number, 1.0), (2, 7, 1, 0.0)] if level == "segment" else None
    frames = {
        name: rng.integers(0, 256, (4 + number, size), np.uint8)
        for name, size in (("rgb", 6), ("audio", 2))
    }
    return frame_record(video_id, labels, frames, segments)


def flip(rng, content, chunk):
    for _ in range(rng.choice([1, 1, 2, 5])):
        content[rng.randrange(len(content))] ^= 1 << rng.randrange(8)


def overwrite(rng, content, chunk):
    for _ in range(rng.choice([1, 3])):
        content[rng.randrange(len(content))] = rng.choice([0, 1, 0x7F, 0x80, 0xFF])


def truncate(rng, content, chunk):
    del content[chunk.start :]


def remove(rng, content, chunk):
    del content[chunk]


def duplicate(rng, content, chunk):
    content[chunk.stop : chunk.stop] = content[chunk]


def move(rng, content, chunk):
    part = content[chunk]
    del content[chunk]
    place = rng.randrange(len(content) + 1)
    content[place:place] = part


def insert(rng, content, chunk):
    content[chunk.start : chunk.start] = rng.randbytes(rng.choice([1, 4, 10]))


MUTATIONS = [flip, flip, overwrite, truncate, remove, duplicate, move, insert]


def mutated(rng, content):
    content = bytearray(content)
    start = rng.randrange(len(content))
    stop = min(start + rng.choice([1, 2, 4, 8, 40]), len(content))
    rng.choice(MUTATIONS)(rng, content, slice(start, stop))
    return bytes(content)


def write_mutated(path, level, rng):
    """Mutates the content of a record, three times out of four, or the bytes of the file."""
    records = [record(level, number) for number in range(NUM_RECORDS)]
    if rng.random() < 0.75:
        place = rng.randrange(NUM_RECORDS)
        records[place] = mutated(rng, records[place])
        write_records(path, records)
    else:
        write_records(path, records)
        path.write_bytes(mutated(rng, path.read_bytes()))


def failure(pipeline):
    """Reads all batches; the error that this ends in, or None."""
    try:
        assert [video_id for batch in pipeline for video_id in batch["video_ids"].numpy()]
    except Exception as error:
        return error
    return None


@EVERY
@pytest.mark.parametrize(("level", "options"), CASES)
def test_batches_or_an_error_that_names_the_file(level, options, count, tmp_path):
    path = tmp_path / "mutated.tfrecord"
    write_records(path, [record(level, 0)])
    pipeline = Pipeline([str(path)], FORMATS[level], PipelineOptions(2, **options))
    for number in range(count):
        write_mutated(path, level, random.Random(f"{level} {options} {number}"))
        pipeline.ledger = Ledger(pipeline.options.max_bad_records)
        error = failure(pipeline)
        if error is not None:
            assert type(error) is ValueError, number
            assert str(path) in str(error), number
            if options is SKIP:
                assert str(error).startswith("no batch of 2 examples"), number


@EVERY
@pytest.mark.parametrize("level", FORMATS)
def test_records_that_pass_the_check_can_be_parsed(level, count):
    data = FORMATS[level]
    signature = [tf.TensorSpec([None], tf.string)]
    parsed = tf.function(partial(parse, data=data), input_signature=signature, autograph=False)
    for number in range(5 * count):
        rng = random.Random(f"{level} {number}")
        content = mutated(rng, record(level, rng.randrange(NUM_RECORDS)))
        try:
            check_record(content, data)
        except ValueError:
            continue
        parsed(tf.constant([content]))


@EVERY
@pytest.mark.parametrize("level", FORMATS)
def test_inspection_and_index_go_on(level, count, tmp_path):
    path = tmp_path / "mutated.tfrecord"
    for number in range(count):
        write_mutated(path, level, random.Random(f"{level} {number}"))
        (report,) = inspect_files(str(path))
        assert report.records >= 1, number
        ledger = Ledger(max_bad_records=99)
        found = len(index_records([str(path)], ledger).ids) + len(ledger.bad)
        assert found >= 1, number
