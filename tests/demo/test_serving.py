"""Tests of the demo's page, in a browser and by Gradio's client."""

import dataclasses
import os
import socket
from urllib.parse import urlsplit

import pytest

pytest.importorskip("gradio", reason="needs the extra `demo`")

from yt8m_models.demo import serving


@pytest.fixture(scope="module")
def url(describer, demo_config):
    """The address of a page that is served on loopback."""
    gradio = serving._gradio()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    page = serving.make_page(describer, gradio)
    config = dataclasses.replace(demo_config, port=port, max_megabytes=1)
    yield serving.launch(page, config, gradio)
    page.close(verbose=False)


@pytest.fixture
def page(browser, url):
    """The page in the browser, which asks no other machine."""
    page = browser.new_page(viewport={"width": 1280, "height": 1400})
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.goto(url)
    page.get_by_role("button", name="Describe").wait_for()
    yield page
    hosts = {urlsplit(each).hostname for each in asked if each.startswith(("http", "ws"))}
    assert hosts == {"127.0.0.1"}
    page.close()


def test_a_clip_is_described(page, clips):
    page.locator("input[type=file]").first.set_input_files(str(clips / "both.mp4"))
    page.get_by_text("0:05 <i>Blue</i>").wait_for()
    assert page.get_by_text("0:00 Red").count()
    assert page.get_by_test_id("textbox").input_value() == "16 frames"
    assert page.get_by_text("0:05.0 – 0:08.0").count()
    page.get_by_text("Labels over time").wait_for()
    page.locator("canvas, svg.marks").first.wait_for()
    if target := os.environ.get("DEMO_SCREENSHOT"):
        page.screenshot(path=target)


def test_errors_are_messages(page, clips):
    page.locator("input[type=file]").first.set_input_files(str(clips / "broken.mp4"))
    message = page.get_by_text("broken.mp4: ")
    message.wait_for()
    assert "Traceback" not in page.content()
    assert str(clips) not in message.inner_text()


def test_without_a_clip(page):
    page.get_by_role("button", name="Describe").click()
    page.get_by_text("Choose a clip first.").wait_for()


def test_by_the_client(url, clips, tmp_path):
    client = pytest.importorskip("gradio_client", reason="needs the extra `demo`")
    api = client.Client(url, verbose=False)
    clip = client.handle_file(str(clips / "red.mp4"))
    facts, labels, pictures, _, segments, *_ = api.predict(clip, api_name="/describe")
    assert facts == "2 frames"
    assert labels["label"] == "Red"
    assert [each["label"] for each in labels["confidences"]] == ["Red", "Green"]
    assert [each["caption"] for each in pictures] == ["0:00  Red"]
    assert segments["data"][0][0] == "0:00.0 – 0:01.0"


def test_large_files_are_refused(url, tmp_path):
    client = pytest.importorskip("gradio_client", reason="needs the extra `demo`")
    (tmp_path / "large.mp4").write_bytes(bytes(1_500_000))
    api = client.Client(url, verbose=False)
    with pytest.raises(Exception, match=r"413|[Ss]ize|too large"):
        api.predict(client.handle_file(str(tmp_path / "large.mp4")), api_name="/describe")


def test_a_port_that_is_taken_is_named(url, describer, demo_config):
    gradio = serving._gradio()
    config = dataclasses.replace(demo_config, port=urlsplit(url).port)
    with pytest.raises(OSError, match=rf"--host=127\.0\.0\.1 --port={config.port}; is the port"):
        serving.launch(serving.make_page(describer, gradio), config, gradio)
