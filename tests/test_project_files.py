"""Tests of the files around the code: image, constraints, changelog, hosted checks."""

import re
from pathlib import Path

import pytest

import yt8m_models

ROOT = Path(__file__).resolve().parents[1]


def _read(path):
    if not (ROOT / path).exists():
        pytest.skip(f"{path} is not in this copy of the tree")
    return (ROOT / path).read_text("utf-8")


def _targets():
    return set(re.findall(r"^([a-z-]+):.*##", _read("Makefile"), re.M))


def test_every_target_of_make_is_documented_and_phony():
    (phony,) = re.findall(r"^\.PHONY: ((?:.*\\\n)*.*)", _read("Makefile"), re.M)
    assert set(phony.replace("\\\n", " ").split()) == _targets()


def test_the_hosted_checks_run_parts_of_ci_run():
    workflow = _read(".github/workflows/checks.yml")
    (matrix,) = re.findall(r"target: \[(.+)\]", workflow)
    wanted = set(matrix.replace(",", " ").split()) | {"test"}
    (all_targets,) = re.findall(r"targets=\((setup .+)\)", _read(".ci/run"))
    assert set(all_targets.split()) == wanted | {"setup"} <= _targets()
    assert re.findall(r"\.ci/run (\S+)$", workflow, re.M) == ["test"]


def test_the_changelog_has_this_version_or_what_is_unreleased():
    headings = re.findall(r"^## \[(.+?)\](?: - (\d{4}-\d\d-\d\d))?$", _read("CHANGELOG.md"), re.M)
    assert headings[0][0] in ("Unreleased", yt8m_models.__version__)
    assert all(date for name, date in headings if name != "Unreleased")


def test_the_image_installs_the_constraints_and_runs_as_a_user():
    """As linters of such files ask: a fixed base, nothing cached, no root, and files that exist."""
    lines = _read("Dockerfile").replace("\\\n", " ").splitlines()
    words = [line.split() for line in lines if line and line[0] not in "# "]
    bases = [line[1] for line in words if line[0] == "FROM"]
    assert bases == ["python:3.11-slim-bookworm", "runtime", "runtime"]
    (install,) = (line for line in lines if "pip install" in line)
    assert "--no-cache-dir" in install
    assert "--constraint constraints.txt" in install
    extras = re.search(r"'\.\[(.+?)\]'", install)[1].split(",")
    assert set(extras) <= set(re.findall(r'^        "(\w+)": \[', _read("setup.py"), re.M))
    users = [line[1] for line in words if line[0] == "USER"]
    assert users == ["1000", "0", "1000"]
    ignored = _read(".dockerignore").splitlines()
    for _, *sources, _ in (line for line in words if line[0] == "COPY"):
        for source in sources:
            assert (ROOT / source).exists(), f"{source} is not there"
            assert f"!{source}" in ignored, f"{source} is left out by .dockerignore"


def test_the_quickstart_of_the_image_needs_no_other_target():
    """With `--old-file=setup` make takes the image's environment for that of `make setup`."""
    assert "make --old-file=setup VENV=/opt/venv/bin quickstart" in _read("Dockerfile")
    assert re.search(r"^quickstart: setup  ##", _read("Makefile"), re.M)


def test_constraints_name_one_version_of_each_package():
    lines = [line for line in _read("constraints.txt").splitlines() if not line.startswith("#")]
    pins = dict(re.fullmatch(r"([a-z0-9][a-z0-9-]*)==(\d\S*)", line).groups() for line in lines)
    assert len(pins) == len(lines) > 100
    assert {"tensorflow", "keras", "numpy", "pandas", "absl-py", "pytest", "sphinx"} <= set(pins)


def test_the_citation_names_the_papers_and_no_version():
    citation = _read("CITATION.cff")
    assert "arXiv:2012.11673" in citation
    assert "Collaborative Deep Metric Learning" in citation
    assert not re.search(r"^version:", citation, re.M)  # which is in one place, the package
