"""Tests of mutation testing: what is changed, and that changes without a test are listed."""

import os
import subprocess
import sys
from pathlib import Path

MUTANTS = Path(__file__).with_name("mutants.py")

SOURCE = """\
def is_large(x: int = 3) -> bool:
    return x > 2 and not x < -5
"""


def _run(tmp_path, tests, *flags):
    (tmp_path / "sizes.py").write_text(SOURCE)
    (tmp_path / "test_sizes.py").write_text(tests)
    command = [sys.executable, str(MUTANTS), "sizes.py", "test_sizes.py", *flags]
    environment = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}  # which is quicker
    return subprocess.run(
        command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False
    )


def test_changes_that_no_test_finds_are_listed(tmp_path):
    tests = (
        "from sizes import is_large\n\ndef test():\n    assert is_large(3) and not is_large(2)\n"
    )
    printed = _run(tmp_path, tests)
    assert printed.stderr == ""
    assert printed.stdout.splitlines() == [
        "sizes.py:1:23: 3 became 4",
        "sizes.py:2:26: Lt became LtE",
        "sizes.py:2:31: 5 became 6",
        "5 of 8 changes were found by the tests",
    ]
    assert (tmp_path / "sizes.py").read_text() == SOURCE


def test_tests_must_pass_first(tmp_path):
    failed = _run(tmp_path, "def test():\n    assert False\n")
    assert failed.returncode == 1
    assert "test_sizes.py must pass before sizes.py is changed" in failed.stderr
