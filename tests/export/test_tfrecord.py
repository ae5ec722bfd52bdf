"""Reading TFRecord files without TensorFlow: what TensorFlow reads, and what it refuses."""

import numpy as np
import pytest

from yt8m_models.config import DataConfig
from yt8m_models.data import record_reader
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.data.records import frame_record, write_records
from yt8m_models.export.crc32c import masked_crc32c
from yt8m_models.export.tfrecord import interleaved, read_records, records_of_bytes


@pytest.mark.parametrize("size", [0, 1, 3, 4, 255, 4095, 4096, 4097, 4352, 70_001])
def test_checksum_of_many_bytes_is_that_of_one_after_the_other(size):
    content = np.random.default_rng(size).integers(0, 256, size, np.uint8).tobytes()
    assert masked_crc32c(content) == record_reader.masked_crc32c(content)


@pytest.fixture
def shard(tmp_path):
    """Three records of very different sizes, in a file."""
    records = [b"a", bytes(range(256)) * 40, b""]
    write_records(tmp_path / "shard", records)
    return tmp_path / "shard", records


def test_records_in_their_order(shard):
    path, records = shard
    assert list(read_records(str(path))) == list(enumerate(records))
    assert list(records_of_bytes(path.read_bytes(), "it")) == list(enumerate(records))


@pytest.mark.parametrize(
    "damage",
    [
        lambda content: content[:30] + b"\xff" + content[31:],  # in the second record's length
        lambda content: content[:500] + b"\xff" + content[501:],  # in its content
        lambda content: content[:5000],
        lambda content: content[:-3],
        lambda content: b"",
        lambda content: b"\x1f\x8b" + content,
        lambda content: b"no record at all",
    ],
)
def test_damaged_files_as_the_reader_by_tensorflow_has_them(shard, damage):
    path, _ = shard
    path.write_bytes(damage(path.read_bytes()))
    found = list(read_records(str(path)))
    assert found == list(record_reader.read_records(str(path)))
    assert any(isinstance(content, record_reader.BadRecord) for _, content in found)


def test_checksums_of_contents_may_be_left_out(shard):
    path, records = shard
    content = path.read_bytes()
    path.write_bytes(content[:500] + bytes([content[500] ^ 1]) + content[501:])
    found = [content for _, content in read_records(str(path), check=False)]
    assert (found[0], found[2], len(found[1])) == (records[0], records[2], len(records[1]))


@pytest.mark.parametrize(("path", "message"), [("gone", "cannot be"), ("gs://b/c", "only local")])
def test_a_file_that_cannot_be_opened(path, message):
    with pytest.raises(ValueError, match=f"{path}: .*{message}"):
        list(read_records(path))


@pytest.mark.parametrize("num_readers", [1, 2, 3, 8])
def test_the_order_is_that_of_the_pipeline(tmp_path, num_readers):
    """Files of 0 to 4 groups of 8, some not full, more and fewer of them than readers."""
    data = DataConfig(("rgb",), (2,), frame_features=True, num_classes=3)
    files = []
    for number, count in enumerate([3, 30, 8, 1, 17, 9]):
        frames = {"rgb": np.zeros((1, 2), np.uint8)}
        ids = [b"%d-%d" % (number, place) for place in range(count)]
        files.append(str(tmp_path / f"{number}"))
        write_records(files[-1], [frame_record(video_id, [], frames) for video_id in ids])
    pipeline = Pipeline(files, data, PipelineOptions(5, num_readers=num_readers))
    expected = [video_id for batch in pipeline for video_id in batch["video_ids"].numpy()]
    names = {file: number for number, file in enumerate(files)}
    found = [b"%d-%d" % (names[file], n) for file, n, _ in interleaved(files, num_readers, 8)]
    assert found == expected
