"""Tests of `yt8m`: the programs by name, the overview and the completion of shells."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from yt8m_models import __version__
from yt8m_models.__main__ import GROUPS, PROGRAMS, program, run, run_program

ROOT = Path(__file__).resolve().parents[1]


def yt8m(*argv, **environment):
    command = [sys.executable, "-m", "yt8m_models", *argv]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)


def test_every_program_has_a_name_and_a_line():
    packages = {
        path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for package in ("eval", "yt8m_models")
        for path in (ROOT / package).rglob("__main__.py")
    }
    assert set(PROGRAMS.values()) == packages - {"yt8m_models"}
    lines = [line for group in GROUPS.values() for _, line in group.values()]
    assert len(lines) == len(set(lines)) == len(PROGRAMS)


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_calls_itself_by_its_name(name):
    assert program(name).name == f"yt8m {name}"
    assert program(name).help().startswith(f"usage: yt8m {name} ")


def test_a_program_by_name_in_python(tmp_path, capsys):
    sizes = {"feature_names": ["a"], "feature_sizes": [3]}
    run_program(
        "synthetic", output_dir=tmp_path, num_videos=7, num_shards=1, level="video", **sizes
    )
    run_program("inspect", pattern=tmp_path / "*.tfrecord", json=True)
    assert ": 7,\n" in capsys.readouterr().out
    with pytest.raises(ValueError, match=r"no program 'syntetic': did you mean synthetic"):
        run_program("syntetic")
    with pytest.raises(ValueError, match="--num_shards must be at least 1; received 0"):
        run_program("synthetic", output_dir=tmp_path, num_shards=0)


@pytest.mark.parametrize("argv", [[], ["--help"], ["help"]])
def test_the_overview_has_every_program_in_a_line(argv):
    printed = yt8m(*argv)
    assert printed.returncode == 0, printed.stderr
    lines = printed.stdout.splitlines()
    assert [line.split()[0] for line in lines if line[:2] == "  " != line[1:3]] == [
        *PROGRAMS,
        "completion",
        "--version",
    ]
    assert max(map(len, lines)) < 80


def test_the_overview_and_every_help_import_no_tensorflow():
    code = (
        "import sys\n"
        "from yt8m_models.__main__ import PROGRAMS, program\n"
        "for name in PROGRAMS: program(name).help()\n"
        "print({'tensorflow', 'keras', 'numpy', 'pandas'} & set(sys.modules))\n"
    )
    printed = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True
    )
    assert printed.stdout == "set()\n"


def test_a_wrong_name_is_answered_with_the_nearest(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["yt8m", "recomend", "--top_k=3"])
    with pytest.raises(SystemExit) as exit_:
        run()
    assert exit_.value.code == 2
    assert "there is no program 'recomend': did you mean recommend" in capsys.readouterr().err


def test_the_flags_go_to_the_program():
    failed = yt8m("search", "--index_dir=nowhere", "--topk=3")
    assert failed.returncode == 2
    assert failed.stderr.startswith("yt8m search: Unknown command line flag 'topk'. Did you mean")


def test_the_version():
    assert yt8m("--version").stdout == f"yt8m {__version__}\n"


@pytest.fixture
def on_path(tmp_path, monkeypatch):
    """Makes `yt8m` a command of the shells that a test starts."""
    command = tmp_path / "yt8m"
    command.write_text(f'#!/bin/sh\ncd {ROOT} && exec {sys.executable} -m yt8m_models "$@"\n')
    command.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("yt8m rec", ["recommend"]),
        ("yt8m build-", ["build-features", "build-graph", "build-index"]),
        ("yt8m search --query_v", ["--query_video_ids="]),
        ("yt8m train --nosam", ["--nosample_random_frames"]),
        ("yt8m train --pooling=netv", ["netvlad"]),
        ("yt8m nothing --x", []),
    ],
)
@pytest.mark.skipif(shutil.which("bash") is None, reason="there is no bash")
def test_bash_completes(on_path, typed, expected):
    script = (
        "source <(yt8m completion bash); compopt() { :; }\n"
        'COMP_LINE="$1" COMP_POINT=${#1}; read -ra COMP_WORDS <<< "$1"\n'
        '_yt8m; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    printed = subprocess.run(
        ["bash", "-c", script, "-", typed], capture_output=True, text=True, check=True
    )
    assert sorted(printed.stdout.split()) == expected


@pytest.mark.skipif(shutil.which("zsh") is None, reason="there is no zsh")
@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        (["yt8m", "build-"], ["build-features", "build-graph", "build-index"]),
        (["yt8m", "train", "--pooling=netv"], ["--pooling=netvlad"]),
    ],
)
def test_zsh_completes(on_path, typed, expected):
    script = (
        "compdef() { :; }; source <(yt8m completion zsh)\n"
        'compadd() { local a; for a in "$@"; do\n'
        'if [[ $a == "$PREFIX"* ]] { print -- $a }; done; true }\n'
        "compset() { false }; _files() { true }\n"
        'words=("$@"); CURRENT=$#; PREFIX="${@[-1]}"; _yt8m'
    )
    printed = subprocess.run(
        ["zsh", "-c", script, "-", *typed], capture_output=True, text=True, check=True
    )
    assert sorted(printed.stdout.split()) == expected


def test_completion_of_an_unknown_shell():
    failed = yt8m("completion", "fish")
    assert failed.returncode == 2
    assert "completion takes the name of a shell, bash or zsh" in failed.stderr
