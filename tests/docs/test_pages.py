"""Tests of how the site reads docstrings and links, and of the commands on its pages."""

import re
import shlex

import pytest
from check_links import broken_links
from docstrings import as_rest
from root_pages import site_links

from yt8m_models.__main__ import PROGRAMS, program


def test_formulas_of_docstrings_keep_their_lines():
    docstring = """\
Sums.

    a |n| = 1
    b = 2

Text.

Args:
    size: K.
    rate: of it; and
        so on.

Inputs: frames, and
    a mask.
Output: a sum.
"""
    assert as_rest(docstring.splitlines()) == [
        *("Sums.", "", "::", "", "    a |n| = 1", "    b = 2", "", "Text.", "", "Args:"),
        *(r"    size: K\.", "    rate: of it; and", "        so on.", "", ""),
        *("**Inputs:** frames, and", "a mask.", "", "**Output:** a sum."),
    ]


@pytest.mark.parametrize(
    ("link", "expected"),
    [
        ("[video](docs/video.md#extract)", "[video](video.md#extract)"),
        ("[how](CONTRIBUTING.md)", "[how](contributing.md)"),
        ("[`recipes`](yt8m_models/recipes)", "`recipes`"),
        ("[paper](https://example.org/a)", "[paper](https://example.org/a)"),
        ("[above](#train)", "[above](#train)"),
    ],
)
def test_links_of_pages_of_the_root(link, expected):
    assert site_links(f"See {link}.") == f"See {expected}."


def test_links_and_files_that_are_not_there_are_found(tmp_path):
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "b.html").write_text('<h2 id="here">b</h2><a href="../a.html">a</a>')
    (tmp_path / "a.html").write_text(
        '<link rel="stylesheet" href="missing.css"><script src="https://example.org/x.js"></script>'
        '<a href="sub/b.html#here">1</a><a href="sub/b.html#there">2</a><a href="c.html">3</a>'
        '<a href="https://example.org">4</a><img src="data:image/png;base64,AA"><a href="#">5</a>'
    )
    assert broken_links(tmp_path) == [
        "a.html links to c.html, which is not there",
        "a.html loads https://example.org/x.js, which is not of the site",
        "a.html links to missing.css, which is not there",
        "a.html links to sub/b.html#there; the page has no such place",
    ]


ORIGINALS = {"train.py": "train", "inference.py": "inference", "eval": "eval", "eval.py": "eval"}


def _commands(text):
    """The name and the flags of each command of the programs in the blocks of a page."""
    for block in re.findall(r"^ *```(?:sh|console)\n(.*?)^ *```", text, re.M | re.S):
        for line in block.replace("\\\n", " ").splitlines():
            words = shlex.split(line.removeprefix("$ "), comments=True)
            while words and "=" in words[0]:
                del words[0]  # a variable of the environment
            if words[:1] == ["yt8m"]:
                if "--" in words:  # of yt8m sweep: behind it is another program
                    yield words[words.index("--") + 1], words[words.index("--") + 2 :]
                    words = words[: words.index("--")]
                yield words[1], words[2:]
            elif words[:1] == ["python"]:
                name, *rest = [word for word in words[1:] if word != "-m"]
                if name in ORIGINALS:
                    yield ORIGINALS[name], rest


def test_commands_are_found():
    text = "```sh\nA=1 yt8m eval --x \\\n  --y=2  # a note\npython -m eval --z\npython a.py\n"
    text += "yt8m sweep --a -- train --b\n```\n"
    expected = [("eval", ["--x", "--y=2"]), ("eval", ["--z"])]
    assert list(_commands(text)) == [*expected, ("train", ["--b"]), ("sweep", ["--a"])]


def test_commands_of_the_pages_have_programs_and_flags_that_there_are(docs):
    known = {name: {word.partition("=")[0] for word in program(name).words()} for name in PROGRAMS}
    known |= {"completion": set(), "--help": set(), "NAME": {"--help"}}
    more = {"--help", "--flagfile"}
    pages = [*docs.rglob("*.md"), docs.parent / "README.md"]
    pages = [path for path in pages if path.parent.name != "programs"]  # which are made of them
    count = 0
    for path in pages:
        for name, words in _commands(path.read_text("utf-8")):
            count += 1
            assert name in known, f"{path.name}: there is no program {name}"
            flags = {word.partition("=")[0] for word in words if word.startswith("--")}
            assert flags <= known[name] | more, (
                f"{path.name}: yt8m {name} has no {flags - known[name]}"
            )
    assert count > 60
