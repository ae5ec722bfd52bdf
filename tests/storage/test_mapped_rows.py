import mmap

import numpy as np
import pytest

from yt8m_models.storage import mapped_rows
from yt8m_models.storage.mapped_rows import pages_of, take_rows

PAGE = mmap.PAGESIZE


@pytest.fixture
def on_disk(tmp_path):
    """Rows of 1,000 bytes, and the file that they lie in."""
    values = np.random.default_rng(0).integers(0, 256, (300, 1000)).astype(np.uint8)
    np.save(tmp_path / "values.npy", values)
    mapped = np.load(tmp_path / "values.npy", mmap_mode="r")
    return values, np.asarray(mapped), mapped


@pytest.mark.parametrize("memory", [1, 1 << 40])
@pytest.mark.parametrize("columns", [slice(None), slice(900, 1000)])
def test_takes_the_same_rows_of_files_larger_and_smaller_than_memory(
    on_disk, memory, columns, monkeypatch
):
    monkeypatch.setattr(mapped_rows, "memory_bytes", lambda: memory)
    values, array, _ = on_disk
    for rows in (np.array([299, 0, 7, 7, 150]), np.arange(20, 90), np.array([], int)):
        np.testing.assert_array_equal(take_rows(array[:, columns], rows), values[rows, columns])
        np.testing.assert_array_equal(take_rows(values, rows), values[rows])


@pytest.mark.parametrize("columns", [slice(0, 1000), slice(900, 1000)])
@pytest.mark.parametrize("rows", [[0, 299], [7, 7, 150], [*range(20, 90)], [4], [4, 8]])
def test_asks_for_the_pages_of_the_rows_and_no_others(on_disk, columns, rows):
    _, array, file = on_disk
    first = file.offset + 1000 * np.array(rows) + columns.start
    wanted = {
        page
        for start in first.tolist()
        for page in range(start // PAGE, (start + columns.stop - columns.start - 1) // PAGE + 1)
    }
    found = pages_of(array[:, columns], file, np.array(rows))
    pages = [page for start, size in found for page in range(start // PAGE, (start + size) // PAGE)]
    assert set(pages) == wanted
    assert len(pages) == len(wanted)
    assert all(start % PAGE == size % PAGE == 0 for start, size in found)


def test_rows_of_large_files_are_asked_for_before_they_are_taken(on_disk, monkeypatch):
    _, array, file = on_disk
    asked = []
    monkeypatch.setattr(mapped_rows, "memory_bytes", lambda: 2 * file.nbytes - 2)
    monkeypatch.setattr(
        mapped_rows, "pages_of", lambda *arguments: asked.append(arguments[2].tolist()) or []
    )
    take_rows(array, np.array([9, 3]))
    monkeypatch.setattr(mapped_rows, "memory_bytes", lambda: 2 * file.nbytes)
    take_rows(array, np.array([5]))
    assert asked == [[3, 9]]


@pytest.mark.parametrize(("limit", "expected"), [("4096\n", 4096), ("max\n", None), (None, None)])
def test_memory_is_that_of_the_container(limit, expected, tmp_path, monkeypatch):
    monkeypatch.setattr(mapped_rows, "_CGROUP", tmp_path / "memory.max")
    if limit is not None:
        (tmp_path / "memory.max").write_text(limit)
    of_machine = mapped_rows.os.sysconf("SC_PAGE_SIZE") * mapped_rows.os.sysconf("SC_PHYS_PAGES")
    assert mapped_rows.memory_bytes.__wrapped__() == (expected or of_machine)
