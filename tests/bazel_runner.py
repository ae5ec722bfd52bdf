"""What a py_test of `BUILD` runs: pytest on the test files that its arguments name."""

import sys

import pytest

if __name__ == "__main__":
    sys.exit(pytest.main(["-p", "no:cacheprovider", *sys.argv[1:]]))
