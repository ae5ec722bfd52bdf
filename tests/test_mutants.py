"""Tests of mutation testing: what is changed, and that changes without a test are listed."""

import os
import subprocess
import sys
from pathlib import Path

MUTANTS = Path(__file__).with_name("mutants.py")

SOURCE = """\
def is_large(x: int = 3) -> bool:
    return x > 2 and not x < -5


def is_unused(x: int) -> bool:
    return 0 <= x == 7
"""


def _run(tmp_path, tests, *flags):
    """Of `rooms/sizes.py` and `tests/rooms`, beside tests of something else that fail."""
    for name, text in (
        ("rooms/sizes.py", SOURCE),
        ("tests/rooms/test_sizes.py", tests),
        ("tests/rooms/test_colours.py", "def test():\n    assert False\n"),
    ):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    command = [sys.executable, str(MUTANTS), *flags]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # which is quicker
    return subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )


def test_changes_that_no_test_finds_are_listed(tmp_path):
    tests = (
        "from rooms.sizes import is_large\n\n"
        "def test():\n    assert is_large(3) and not is_large(2)\n"
    )
    printed = _run(tmp_path, tests, "rooms")
    assert printed.stderr == ""
    assert printed.stdout.splitlines() == [
        "rooms/sizes.py:1:23: 3 became 4",
        "rooms/sizes.py:2:26: Lt became LtE",
        "rooms/sizes.py:2:31: 5 became 6",
        "rooms/sizes.py:6:12: LtE became Lt",
        "rooms/sizes.py:6:12: Eq became NotEq",
        "rooms/sizes.py:6:12: 0 became 1",
        "rooms/sizes.py:6:22: 7 became 8",
        "12 changes: 5 were found by the tests, 7 were not",
    ]
    assert (tmp_path / "rooms/sizes.py").read_text() == SOURCE


def test_without_a_test_that_runs_a_file_nothing_is_found(tmp_path):
    tests = "import rooms.sizes\n\ndef test():\n    assert rooms.sizes\n"
    printed = _run(tmp_path, tests, "rooms/sizes.py", "--count=2")
    assert printed.stdout.splitlines()[-1] == "2 changes: 0 were found by the tests, 2 were not"


def test_tests_must_pass_first(tmp_path):
    passing = "def test():\n    pass\n"
    failed = _run(tmp_path, passing, "rooms", "--tests", "tests/rooms/test_colours.py")
    assert failed.returncode == 1
    assert failed.stderr == "tests/rooms/test_colours.py must pass before code is changed\n"
