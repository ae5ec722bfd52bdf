"""Galleries of searches."""

import pytest

from yt8m_models.report.gallery import Gallery, read_titles


@pytest.fixture
def titles(tmp_path, write_csv):
    path = tmp_path / "titles.csv"
    write_csv(path, [["video_id", "title"], ["q", 'A <i>"title"</i>'], ["a", "First"]])
    return str(path)


@pytest.mark.parametrize("width", [375, 1280])
def test_a_row_for_each_query(tmp_path, titles, write_picture, opened, width):
    write_picture(tmp_path / "pictures", "q")
    write_picture(tmp_path / "pictures", "<b>")
    gallery = Gallery("index", titles, str(tmp_path / "pictures"), 5)
    gallery.add("q", [("a", 0.98765), ("<b>", -0.25)])
    gallery.add("lonely", [])
    gallery.write(str(tmp_path / "a.html"))
    page = opened(tmp_path / "a.html", width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    first, second = page.locator(".related").all()
    assert first.locator(".query .name").inner_text() == 'A <i>"title"</i>'
    assert first.locator(".query .id").inner_text() == "q"
    assert first.locator("ol .name").all_inner_texts() == ["1 First", "2 <b>"]
    assert first.locator("ol b").all_inner_texts() == ["0.988", "-0.250"]
    assert page.locator("img").count() == 2
    assert page.locator(".no-picture").count() == 2
    assert second.locator(".query .name").inner_text() == "lonely"


def test_large_galleries_stay_small(tmp_path, write_picture):
    """1,200 videos at most, and 3 MB of pictures; this noise takes some 19 kB a picture."""
    for number in range(10):
        write_picture(tmp_path / "pictures", f"v{number}")
    gallery = Gallery("index", "", str(tmp_path / "pictures"), 5000)
    for number in range(500):
        gallery.add(f"v{number}", [(f"v{each}", 0.5) for each in range(9)])
    gallery.write(str(tmp_path / "a.html"))
    assert 2_500_000 < (tmp_path / "a.html").stat().st_size < 4_000_000
    text = (tmp_path / "a.html").read_text()
    assert text.count('class="related"') == 120
    assert "380 further queries are left out." in text
    assert "pictures are left out, so that the page is small." in text


def test_titles_need_their_columns(tmp_path, write_csv):
    write_csv(tmp_path / "a.csv", [["id", "title"], ["a", "b"]])
    with pytest.raises(
        ValueError, match=r"a\.csv must have the columns video_id, title; it has id"
    ):
        read_titles(str(tmp_path / "a.csv"))
    with pytest.raises(OSError, match=r"--titles=.*none\.csv cannot be read"):
        read_titles(str(tmp_path / "none.csv"))
