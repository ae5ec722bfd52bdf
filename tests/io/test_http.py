"""Records over http:// from a server that answers range requests."""

import pytest

READ = """
    import sys
    import tensorflow as tf
    from yt8m_models.program.command import exit_cleanly
    from yt8m_models.data.patterns import match_files
    files = match_files(sys.argv[1])
    records = [record.numpy() for record in tf.data.TFRecordDataset(files)]
    print(len(files), [(record[:1], len(record)) for record in records])
    exit_cleanly(0)
"""


@pytest.fixture
def shards(http_server):
    """Two shards of three records, 300 kB each: more than one range of 256 KiB a record."""
    from yt8m_models.data.records import write_records

    for name in ("a", "b"):
        write_records(http_server.directory / f"{name}.tfrecord", [name.encode() * 300_000] * 3)
    return [f"{http_server.url}/{name}.tfrecord" for name in ("a", "b")]


def test_records_are_read_by_ranges(shards, http_server, run):
    output = run(",".join(shards), code=READ)
    a, b = (b"a", 300_000), (b"b", 300_000)
    assert output == f"2 {[a, a, a, b, b, b]}\n"
    assert len(http_server.ranges) > 2
    assert None not in http_server.ranges


def test_list_of_urls(shards, tmp_path, run):
    (tmp_path / "list").write_text("\n".join(shards))
    assert run(f"@{tmp_path / 'list'}", code=READ).startswith("2 ")


def test_url_that_does_not_exist_is_named(shards, http_server, run):
    error = run(f"{shards[0]},{http_server.url}/none.tfrecord", code=READ, status=1)
    assert f"no file matches '{http_server.url}/none.tfrecord'" in error


def test_server_that_does_not_answer_is_named(run):
    error = run("http://127.0.0.1:9/a.tfrecord", code=READ, status=1)
    assert "cannot list the files of 'http://127.0.0.1:9/a.tfrecord'" in error
