"""Tests of yt8m_models.annotation.join_embeddings: records with embeddings as one more feature."""

import dataclasses
import json

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.annotation.join_config import JoinConfig
from yt8m_models.annotation.joining import join_embeddings
from yt8m_models.config import DataConfig
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.data.record_reader import read_records
from yt8m_models.data.records import frame_record, video_record, write_records
from yt8m_models.embedding.embeddings import Embeddings

DATA = DataConfig(("mean_rgb", "cdml"), (4, 3), num_classes=5)


@pytest.fixture
def embeddings(tmp_path):
    """Those of the videos v0 to v6, in another order than the records."""
    order = np.random.default_rng(0).permutation(7)
    vectors = np.random.default_rng(1).normal(size=(7, 3)).astype(np.float32)
    directory = tmp_path / "embeddings"
    return Embeddings.write(directory, [f"v{i}" for i in order], vectors, "a model")


@pytest.fixture
def config(tmp_path, embeddings):
    """Two files with the videos v0 to v8; v7 and v8 have no embedding."""
    rng = np.random.default_rng(2)
    for shard, videos in enumerate((range(5), range(5, 9))):
        records = [
            video_record(f"v{i}".encode(), [i % 5], {"mean_rgb": rng.normal(size=4)})
            for i in videos
        ]
        write_records(tmp_path / f"train{shard}.tfrecord", records)
    return JoinConfig(
        input_data_pattern=str(tmp_path / "train*.tfrecord"),
        embeddings_dir=str(tmp_path / "embeddings"),
        output_dir=str(tmp_path / "joined"),
    )


def joined_features(files):
    """Features by id, as the pipeline reads them."""
    batches = list(Pipeline(files, DATA, PipelineOptions(4)))
    ids = np.concatenate([batch["video_ids"].numpy() for batch in batches])
    matrix = np.concatenate([batch["video_matrix"].numpy() for batch in batches])
    return dict(zip(ids, matrix, strict=True))


def test_every_video_gets_its_embedding_and_others_zeros(config, embeddings):
    summary = join_embeddings(config)
    assert (len(summary.files), summary.num_videos, summary.num_missing) == (2, 9, 2)
    assert (summary.size, summary.problems) == (3, None)
    found = joined_features(summary.files)
    assert len(found) == 9
    for row, video_id in enumerate(embeddings.ids.to_array()):
        np.testing.assert_array_equal(found[video_id][4:], embeddings.take([row])[0])
    for video_id in (b"v7", b"v8"):
        np.testing.assert_array_equal(found[video_id][4:], np.zeros(3))


def test_nothing_else_of_a_record_changes(config, tmp_path):
    join_embeddings(config)
    for name in ("train0.tfrecord", "train1.tfrecord"):
        before = [content for _, content in read_records(str(tmp_path / name))]
        after = [content for _, content in read_records(str(tmp_path / "joined" / name))]
        for original, joined in zip(before, after, strict=True):
            example = tf.train.Example.FromString(joined)
            del example.features.feature["cdml"]
            assert example == tf.train.Example.FromString(original)


def test_missing_embeddings_can_be_an_error(config, tmp_path):
    config = dataclasses.replace(config, missing="error")
    with pytest.raises(
        ValueError, match=r"train1\.tfrecord: video 'v7' has no embedding in .* such as 'v"
    ):
        join_embeddings(config)
    written = {path.name for path in (tmp_path / "joined").iterdir()}
    assert written == {"train0.tfrecord", "join.json"}  # nothing unfinished


def test_records_without_any_embedding_are_an_error_also_when_done(config, tmp_path):
    others = tmp_path / "others"
    Embeddings.write(others, ["v00", "v01"], np.ones((2, 3), np.float32), "another")
    config = dataclasses.replace(config, embeddings_dir=str(others))
    for _ in range(2):
        with pytest.raises(ValueError, match=r"others have no id in common: .* 'v0' and 'v00'"):
            join_embeddings(config)


def test_an_interrupted_join_goes_on(config, tmp_path):
    first = dataclasses.replace(config, input_data_pattern=str(tmp_path / "train0.tfrecord"))
    join_embeddings(first)
    done = tmp_path / "joined" / "train0.tfrecord"
    modified = done.stat().st_mtime_ns
    summary = join_embeddings(config)
    assert (summary.num_videos, summary.num_missing) == (9, 2)
    assert done.stat().st_mtime_ns == modified
    record = json.loads((tmp_path / "joined" / "join.json").read_text())
    assert record["files"]["train1.tfrecord"]["missing"] == 2
    # A kill after the file appeared and before join.json listed it:
    del record["files"]["train1.tfrecord"]
    (tmp_path / "joined" / "join.json").write_text(json.dumps(record))
    assert join_embeddings(config) == summary


def test_a_directory_of_another_join_is_refused(config, tmp_path):
    join_embeddings(config)
    others = tmp_path / "others"
    Embeddings.write(others, ["v0"], np.zeros((1, 3), np.float32), "another")
    with pytest.raises(ValueError, match="is of a join with embeddings a model, not another"):
        join_embeddings(dataclasses.replace(config, embeddings_dir=str(others)))
    other = dataclasses.replace(config, feature_name="embedding")
    with pytest.raises(ValueError, match="with feature_name cdml, not embedding"):
        join_embeddings(other)
    write_records(tmp_path / "train0.tfrecord", [b""])
    with pytest.raises(ValueError, match=r"train0\.tfrecord has 16 bytes, and had"):
        join_embeddings(config)


def test_files_of_another_origin_are_not_replaced(config, tmp_path):
    with pytest.raises(ValueError, match=r"already has .*train0\.tfrecord, and no join\.json"):
        join_embeddings(dataclasses.replace(config, output_dir=str(tmp_path)))


def test_records_that_cannot_be_joined_are_refused(config, tmp_path):
    def join(record):
        write_records(tmp_path / "odd.tfrecord", [record])
        odd = dataclasses.replace(config, input_data_pattern=str(tmp_path / "odd.tfrecord"))
        join_embeddings(odd)

    with pytest.raises(ValueError, match=r"odd\.tfrecord: video 'v1' already has a feature cdml"):
        join(video_record(b"v1", [0], {"cdml": np.zeros(3)}))
    frames = {"rgb": np.zeros((2, 4), np.uint8)}
    with pytest.raises(ValueError, match="'v1' has no float feature, so it is no video-level"):
        join(frame_record(b"v1", [0], frames))
    with pytest.raises(ValueError, match=r"odd\.tfrecord: record 0 .*it has no id"):
        join(video_record(b"v1", [0], {"mean_rgb": np.zeros(4)}, id_name="name"))


def test_corrupt_records_are_left_out_up_to_a_number(config, tmp_path):
    path = tmp_path / "train0.tfrecord"
    content = bytearray(path.read_bytes())
    content[-10] ^= 255
    path.write_bytes(content)
    with pytest.raises(ValueError, match=r"record 4 .*does not match its checksum"):
        join_embeddings(config)
    summary = join_embeddings(dataclasses.replace(config, max_bad_records=1))
    assert summary.num_videos == 8
    assert "skipped 1 bad record" in summary.problems
    config = dataclasses.replace(config, max_bad_records=1)
    assert join_embeddings(config) == summary  # nothing left to do, nothing forgotten


def test_two_files_of_one_name_are_refused(config, tmp_path):
    (tmp_path / "more").mkdir()
    write_records(tmp_path / "more" / "train0.tfrecord", [])
    pattern = f"{config.input_data_pattern},{tmp_path}/more/train0.tfrecord"
    with pytest.raises(ValueError, match="would have one name in the output"):
        join_embeddings(dataclasses.replace(config, input_data_pattern=pattern))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"embeddings_dir": " "}, "--embeddings_dir must be given"),
        ({"missing": "skip"}, "--missing=skip: must be one of zeros, error"),
        ({"max_bad_records": -1}, "--max_bad_records must be at least 0; received -1"),
    ],
)
def test_wrong_flags_are_refused(options, message):
    flags = {"input_data_pattern": "a", "embeddings_dir": "b", "output_dir": "c"}
    with pytest.raises(ValueError, match=message):
        JoinConfig(**{**flags, **options})
