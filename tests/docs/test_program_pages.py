"""Tests of the pages of programs: every flag is there, with what its definition says."""

from dataclasses import dataclass

import program_pages
import pytest

from yt8m_models.__main__ import PROGRAMS, program
from yt8m_models.program.command import Program
from yt8m_models.program.option import Options, flags_of, option


@dataclass(frozen=True)
class _Config(Options):
    """What to draw, and how often.

    This line is not shown.
    """

    output_dir: str = option("", "Where <id>.jpg goes, as --times says.", required=True)
    times: int = option(3, "How often.", aliases=("repeat",), at_least=1, below=1000)
    colours: tuple[str, ...] = option((), "Colours.", choices=("red", "blue"), distinct=True)
    rate: float | None = option(None, "Speed.", above=0, unless_given="the model's")
    fast: bool = option(True, "")


def test_a_page_has_what_the_definitions_say(monkeypatch):
    described = Program("yt8m draw", "Draws *.png files.", _Config, positional="output_dir")
    monkeypatch.setattr(program_pages, "program", lambda name: described)
    assert program_pages.program_page("draw").splitlines() == [
        *("# yt8m draw", "", r"Draws \*.png files.", ""),
        *("```sh", "yt8m draw OUTPUT_DIR … [--flag=value …]", "```", ""),
        *("```{program} yt8m draw", "```", "", "## What to draw, and how often", ""),
        "````{option} --output_dir=TEXT",
        *(r"Where \<id\>.jpg goes, as `--times` says.", "", "*text; required*", "````", ""),
        "````{option} --times=N, --repeat=N",
        *("How often.", "", "*whole number at least 1 and below 1,000; default `3`*", "````", ""),
        *("````{option} --colours=A,B,…", "Colours.", ""),
        "*any of `red` `blue`; several with commas between, no two alike; optional*",
        *("````", "", "````{option} --rate=X", "Speed.", ""),
        "*number above 0; unless given, the model's*",
        *("````", "", "````{option} --[no]fast", "*switch; default `true`*", "````"),
    ]


@pytest.mark.parametrize("name", PROGRAMS)
def test_every_flag_is_on_the_page_of_its_program(name):
    lines = program_pages.program_page(name).splitlines()
    shown = [line.removeprefix("````{option} ") for line in lines if "{option}" in line]
    names = [
        [each.partition("=")[0].replace("[no]", "") for each in line.split(", ")] for line in shown
    ]
    assert names == [
        [f"--{flag}" for flag in (field.name, *field.metadata["aliases"])]
        for group in program(name).groups
        for field, _ in flags_of(group)
    ]


def test_pages_are_written_once_and_those_of_no_program_go(tmp_path):
    directory = tmp_path / "programs"
    program_pages.write_pages(directory)
    assert {path.stem for path in directory.iterdir()} == {*PROGRAMS, "index"}
    (directory / "gone.md").write_text("# yt8m gone\n")
    (directory / "train.md").write_text("# something else\n")
    before = (directory / "eval.md").stat().st_mtime_ns
    program_pages.write_pages(directory)
    assert not (directory / "gone.md").exists()
    assert (directory / "train.md").read_text("utf-8") == program_pages.program_page("train")
    assert (directory / "eval.md").stat().st_mtime_ns == before


def test_the_index_links_to_every_page():
    page = program_pages.index_page()
    assert all(f"| [`yt8m {name}`]({name}.md) | " in page for name in PROGRAMS)
