"""Tests of the drawings: where boxes and arrows are, and that those of the pages fit."""

import re
from xml.etree import ElementTree

import drawings
import pytest

DRAWING = re.compile(r"```{drawing} (.+)\n((?:.+\n)+)```")
LETTER, SMALL_LETTER = 7.2, 6.3  # widths of most letters, in the sizes of site.css


def test_a_box_and_an_arrow():
    lines = ["a 0,0 data: x_t < y / T × D", "b 1,0.5 step: sum", "a -> b"]
    root = ElementTree.fromstring(drawings.svg('A "sum"', lines))
    assert root.get("viewBox") == "0 0 349 96"
    assert root.get("aria-label") == root.findtext("title") == 'A "sum"'
    boxes = [(each.get("class"), each.get("x"), each.get("y")) for each in root.iter("rect")]
    assert boxes == [("data", "2", "2"), ("step", "193", "40")]
    assert ["".join(text.itertext()) for text in root.iter("text")] == [
        "xt\u200b < y",
        "T × D",
        "sum",
    ]
    assert root.find("text/tspan").get("class") == "subscript"
    arrow, tip = (path.get("d") for path in root.iter("path"))
    assert arrow == "M156,29 L156,29 C171,29 171,67 186,67"
    assert tip.startswith("M193,67 ")


@pytest.mark.parametrize(
    ("rows", "expected"), [((0, 1), "M79,56 L79,71"), ((1, 0), "M79,78 L79,63")]
)
def test_an_arrow_within_a_column_is_straight(rows, expected):
    lines = [f"a 0,{rows[0]} data: x", f"b 0,{rows[1]} data: y", "a -> b"]
    (arrow, _) = ElementTree.fromstring(drawings.svg("", lines)).iter("path")
    assert arrow.get("d") == expected


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("b 1,0 thing: y", "data, step, trained; received b 1,0 thing: y"),
        ("a -> b", "a box, or arrows between boxes; received a -> b"),
        ("b at 1,0", "a box, or arrows between boxes; received b at 1,0"),
    ],
)
def test_a_wrong_line_is_named(line, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        drawings.svg("", ["a 0,0 data: x", line])


def test_drawings_of_the_pages_fit(docs):
    found = [
        (path.name, *match)
        for path in docs.rglob("*.md")
        for match in DRAWING.findall(path.read_text("utf-8"))
    ]
    assert len(found) >= 15
    for page, title, lines in found:
        root = ElementTree.fromstring(drawings.svg(title, lines.splitlines()))
        assert float(root.get("width")) <= 736, f"{page}: {title} is wider than a page"
        for text in root.iter("text"):
            words = "".join(text.itertext())
            width = len(words) * (LETTER if text.get("class") == "text" else SMALL_LETTER)
            assert width <= drawings.BOX_WIDTH + 8, f"{page}: {words} is wider than its box"


def test_every_pooling_is_on_the_page_of_poolings(docs):
    from yt8m_models.poolings import POOLINGS

    page = (docs / "explanation" / "poolings.md").read_text("utf-8")
    assert {name for name in POOLINGS if f"`{name}`" not in page} == set()
