"""The directive `drawing`: boxes and arrows, as an SVG within the page.

    ```{drawing} NetVLAD: residuals of the frames, summed by cluster
    frames 0,0 data: frames x_t / T × D
    means 0,1 trained: means μ_k / K × D
    pool 1,0 step: Σ_t P(k|x_t) (x_t - μ_k) / K × D
    frames means -> pool
    ```

The argument is what the drawing says to who cannot see it. A line is a box: its name, column and
row, its kind (`data`, `step` or `trained`), its text and, after ` / `, a note. Or arrows, from each
box before the sign to the one after it. `x_t` is x with a subscript. Colours are those of the page,
light or dark.
"""

import html
import re
from dataclasses import dataclass
from typing import Any

BOX_WIDTH, BOX_HEIGHT = 154, 54
COLUMN, ROW = 191, 76
MARGIN = 2  # four columns are as wide as a page
KINDS = ("data", "step", "trained")

_BOX = re.compile(r"(\w+) ([\d.]+),([\d.]+) (\w+): (.+)")
_SUBSCRIPT = re.compile(r"_(\w{1,2})(?!\w)")
_ARROWS = re.compile(r"([\w ]+) -> (\w+)")


@dataclass(frozen=True)
class Box:
    """A box, whose upper left corner is at `(x, y)`."""

    x: float
    y: float
    kind: str
    text: str
    note: str

    @property
    def middle(self) -> float:
        """Of its height."""
        return self.y + BOX_HEIGHT / 2


def setup(app: Any) -> dict[str, bool]:
    """Called by Sphinx."""
    from docutils import nodes
    from sphinx.util.docutils import SphinxDirective

    class DrawingDirective(SphinxDirective):
        required_arguments = 1
        final_argument_whitespace = True
        has_content = True

        def run(self) -> list[Any]:
            try:
                picture = svg(self.arguments[0], list(self.content))
            except ValueError as error:
                raise self.error(str(error)) from None
            drawing = f'<div class="drawing" tabindex="0">{picture}</div>'
            return [nodes.raw("", drawing, format="html")]

    app.add_directive("drawing", DrawingDirective)
    return {"parallel_read_safe": True}


def svg(title: str, lines: list[str]) -> str:
    """The picture of a description.

    Raises:
        ValueError: a line is neither a box nor arrows, a kind is unknown, or an arrow is of a box
            that is not there; the message has the line.
    """
    boxes: dict[str, Box] = {}
    arrows: list[tuple[Box, Box]] = []
    for line in filter(None, map(str.strip, lines)):
        if found := _BOX.fullmatch(line):
            name, column, row, kind, text = found.groups()
            if kind not in KINDS:
                raise ValueError(f"a box must be one of {', '.join(KINDS)}; received {line}")
            text, _, note = text.partition(" / ")
            x, y = MARGIN + float(column) * COLUMN, MARGIN + float(row) * ROW
            boxes[name] = Box(x, y, kind, text, note)
        elif (found := _ARROWS.fullmatch(line)) and {*line.replace("->", "").split()} <= {*boxes}:
            arrows += [(boxes[name], boxes[found[2]]) for name in found[1].split()]
        else:
            raise ValueError(f"a line must be a box, or arrows between boxes; received {line}")
    width = max(box.x for box in boxes.values()) + BOX_WIDTH + MARGIN
    height = max(box.y for box in boxes.values()) + BOX_HEIGHT + MARGIN
    parts = [_arrow(start, end) for start, end in arrows] + [_box(box) for box in boxes.values()]
    label = html.escape(title)
    return (
        f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" height="{height:g}" '
        f'role="img" aria-label="{label}"><title>{label}</title>{"".join(parts)}</svg>'
    )


def _box(box: Box) -> str:
    x, middle = box.x + BOX_WIDTH / 2, box.middle
    lines = [("text", box.text, middle if not box.note else middle - 9)]
    lines += [("note", box.note, middle + 11)] if box.note else []
    texts = [
        f'<text class="{name}" x="{x:g}" y="{y:g}">{_typeset(text)}</text>'
        for name, text, y in lines
    ]
    return (
        f'<rect class="{box.kind}" x="{box.x:g}" y="{box.y:g}" width="{BOX_WIDTH}" '
        f'height="{BOX_HEIGHT}" rx="6"/>{"".join(texts)}'
    )


def _typeset(text: str) -> str:
    """A text with `x_t` as x and a subscript."""
    lowered = r'<tspan class="subscript" dy="4">\1</tspan><tspan dy="-4">&#8203;</tspan>'
    return _SUBSCRIPT.sub(lowered, html.escape(text))


def _arrow(start: Box, end: Box) -> str:
    """A curve from the right side of a box to the left of another; straight within a column."""
    if start.x == end.x:
        x = start.x + BOX_WIDTH / 2
        down = end.y > start.y
        y0, y1 = (start.y + BOX_HEIGHT, end.y) if down else (start.y, end.y + BOX_HEIGHT)
        tip = y1 - 7 if down else y1 + 7
        return (
            f'<path class="arrow" d="M{x:g},{y0:g} L{x:g},{tip:g}"/>'
            f'<path class="tip" d="M{x:g},{y1:g} l-4,{tip - y1:g} h8 z"/>'
        )
    x0, y0, x1, y1 = start.x + BOX_WIDTH, start.middle, end.x, end.middle
    end_x = x1 - 7
    start_x = end_x - (COLUMN - BOX_WIDTH - 7)  # the curve is between two columns
    turn = (start_x + end_x) / 2
    return (
        f'<path class="arrow" d="M{x0:g},{y0:g} L{start_x:g},{y0:g} '
        f'C{turn:g},{y0:g} {turn:g},{y1:g} {end_x:g},{y1:g}"/>'
        f'<path class="tip" d="M{x1:g},{y1:g} l-7,-4 v8 z"/>'
    )
