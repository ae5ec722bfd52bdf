"""Pages of extractions."""

import json

import pytest

from yt8m_models.report.extraction_page import extraction_page
from yt8m_models.report.report.config import ReportConfig
from yt8m_models.report.report.reporting import write_report


def video(video_id, num_frames, has_sound=True, rgb=0.0):
    return {
        "id": video_id,
        "path": f"clips/{video_id}.mp4",
        "shard": "videos0000.tfrecord",
        "num_frames": num_frames,
        "has_sound": has_sound,
        "damaged_packets": 0,
        "clipped": {"rgb": rgb},
    }


MANIFEST = {
    "kind": "extraction",
    "settings": {"level": "frame", "rgb_model": {"name": "inception_v3", "size": 2048}},
    "is_finished": True,
    "videos": [video("a", 10, rgb=0.05), video("b/<b>", 30, False), video("c", 5)],
    "failures": [{"id": "bad", "path": "clips/bad.mp4", "reason": "no <video> stream"}],
}


@pytest.fixture
def directory(tmp_path, write_picture):
    (tmp_path / "manifest.json").write_text(json.dumps(MANIFEST))
    write_picture(tmp_path / "thumbnails", "a")
    write_picture(tmp_path / "thumbnails", "b/<b>")
    return tmp_path


@pytest.mark.parametrize("width", [375, 1280])
def test_videos_failures_and_pictures(directory, opened, width):
    write_report(ReportConfig(extraction_dir=str(directory), output=str(directory / "a.html")))
    page = opened(directory / "a.html", width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    values = [text.split("\n")[0] for text in page.locator(".facts dd").all_inner_texts()]
    # 0.05 of the 10 frames of one video, of 45 frames: 1.11 %
    assert values == ["3", "1", "45", "1", "1.11%"]
    assert page.locator(".card .name").all_inner_texts() == ["a", "b/<b>"]
    assert page.locator(".card img").count() == 2
    failures, videos, settings = page.locator("table").all()
    assert failures.locator("td").all_inner_texts() == ["bad", "clips/bad.mp4", "no <video> stream"]
    marked = videos.locator("tr.marked td").all_inner_texts()
    assert marked[:5] == ["a more than 1% clipped", "10", "yes", "0", "5.00%"]
    assert settings.locator("td").all_inner_texts() == [
        *("level", "frame", "rgb_model: name", "inception_v3", "rgb_model: size", "2048")
    ]


def test_an_unfinished_extraction_says_so(directory):
    record = {**MANIFEST, "is_finished": False, "videos": [], "failures": []}
    (directory / "manifest.json").write_text(json.dumps(record))
    page = extraction_page(str(directory), "")
    assert page.sections[0].note == "This extraction has not finished."


def test_a_large_extraction_makes_a_small_page(directory):
    videos = [video(f"a-long-id-of-a-video-{number}", 10) for number in range(20_000)]
    (directory / "manifest.json").write_text(json.dumps({**MANIFEST, "videos": videos}))
    page = extraction_page(str(directory), "")
    (section,) = (each for each in page.sections if each.title == "Videos")
    assert section.note == "The first 2,000 of 20,000."
    assert len(page.html()) < 2_000_000


def test_a_damaged_manifest_is_named(directory):
    (directory / "manifest.json").write_text(json.dumps({"kind": "extraction"}))
    with pytest.raises(ValueError, match=r"manifest\.json is not the manifest of an extraction"):
        extraction_page(str(directory), "")
