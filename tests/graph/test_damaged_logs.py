"""Watch logs that are damaged: read, or refused by an error that names the file."""

import bz2
import gzip
import lzma
import zipfile

import duckdb
import numpy as np
import pytest

from tests.mutations import mutated, outcome
from yt8m_models.graph.watch_log import IMPRESSION, RATING, TIME, USER, VIDEO, read_events
from yt8m_models.graph.watch_log_options import WatchLogOptions

KINDS = ["csv", "csv.gz", "csv.bz2", "csv.xz", "csv.zip", "csv.zst", "parquet"]
NUM_ROWS = 200


def _write_log(directory, kind):
    rows = [
        f"u{i % 5},v{i % 13},2026-01-{1 + i % 28:02}T2015Z,{i % 2},{i % 5}" for i in range(NUM_ROWS)
    ]
    text = "\n".join(["user_id,video_id,timestamp,impression,rating", *rows, ""])
    plain, path = directory / "events.csv", directory / f"log.{kind}"
    plain.write_text(text)
    table = f"COPY (FROM read_csv('{plain}', all_varchar = true)) TO '{path}'"
    if kind == "parquet":
        duckdb.sql(f"{table} (FORMAT parquet)")
    elif kind == "csv.zst":
        duckdb.sql(f"{table} (FORMAT csv, HEADER, COMPRESSION zstd)")
    elif kind == "csv.zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
            archive.write(plain, "events.csv")
    else:
        pack = {
            "csv": bytes,
            "csv.gz": gzip.compress,
            "csv.bz2": bz2.compress,
            "csv.xz": lzma.compress,
        }
        path.write_bytes(pack[kind](text.encode()))
    return path


def _read_log(path):
    blocks = list(read_events(WatchLogOptions(watch_log=str(path)), (TIME,), (IMPRESSION, RATING)))
    for block in blocks:
        assert (block[USER].str.len() > 0).all()
        assert (block[VIDEO].str.len() > 0).all()
        assert block[TIME].dtype == np.int64
        assert np.isfinite(block[RATING]).all() if RATING in block else True
    return sum(map(len, blocks))


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("count", [10, pytest.param(300, marks=pytest.mark.slow)])
def test_damaged_logs_are_read_or_named(tmp_path, kind, count):
    path = _write_log(tmp_path, kind)
    content = path.read_bytes()
    assert _read_log(path) == NUM_ROWS
    rng = np.random.default_rng(count)
    for number in range(count):
        path.write_bytes(mutated(content, rng))
        num_rows, message = outcome(lambda: _read_log(path))
        assert path.name in message if message else num_rows <= 2 * NUM_ROWS, number


@pytest.mark.parametrize("kind", KINDS[1:])
@pytest.mark.parametrize("count", [6, pytest.param(100, marks=pytest.mark.slow)])
def test_a_part_of_a_compressed_log_is_never_taken_for_all(tmp_path, kind, count):
    path = _write_log(tmp_path, kind)
    content = path.read_bytes()
    for end in np.linspace(0, len(content) - 1, count).astype(int):
        path.write_bytes(content[:end])
        num_rows, message = outcome(lambda: _read_log(path))
        assert path.name in message, (end, num_rows)
