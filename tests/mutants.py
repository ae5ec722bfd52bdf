"""Whether a test fails where the code is changed:

    python tests/mutants.py eval yt8m_models/layers/dsgmm.py --count=20

changes one place of a file at a time (a comparison, an operator, a number), runs the tests that run
the file, of which one should fail, and lists the changes that none found. Some change nothing that
matters: each is for a person to judge. The changed code is in the memory of a forked process alone.

The tests of `yt8m_models/layers/dsgmm.py` are `tests/layers/test_dsgmm.py`, or where there is no
such file, `tests/layers`. They run once as the code is, to see which of them run which lines.
"""

import argparse
import ast
import copy
import importlib
import importlib.abc
import importlib.util
import json
import linecache
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

_OTHERS: dict[type[ast.AST], type[ast.AST]] = {}
for _one, _other in [
    *((ast.Lt, ast.LtE), (ast.Gt, ast.GtE), (ast.Eq, ast.NotEq), (ast.Is, ast.IsNot)),
    *((ast.In, ast.NotIn), (ast.Add, ast.Sub), (ast.Mult, ast.Div), (ast.And, ast.Or)),
]:
    _OTHERS |= {_one: _other, _other: _one}


def changes(tree: ast.AST) -> Iterator[tuple[ast.AST, str, Callable[[], None]]]:
    """The places of a tree that can be changed: the node, what it becomes, and what does it."""
    annotations = {
        id(part)
        for node in ast.walk(tree)
        for name in ("annotation", "returns")
        for part in ast.walk(getattr(node, name, None) or ast.Pass())
    }
    for node in ast.walk(tree):
        if id(node) in annotations:
            continue
        if isinstance(node, ast.Compare):
            for place, operator in enumerate(node.ops):
                if other := _OTHERS.get(type(operator)):
                    yield (
                        node,
                        _became(operator, other),
                        lambda node=node, place=place, new=other: node.ops.__setitem__(
                            place, new()
                        ),
                    )
        elif other := _OTHERS.get(type(operator := getattr(node, "op", None))):
            name = _became(operator, other)
            yield node, name, lambda node=node, new=other: setattr(node, "op", new())
        elif isinstance(operator, ast.Not | ast.USub):
            positive = ast.UAdd if isinstance(operator, ast.USub) else None
            name = f"{type(operator).__name__} was left out"
            yield node, name, lambda node=node, new=positive: _drop_operator(node, new)
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
            new = not node.value if isinstance(node.value, bool) else node.value + 1
            name = f"{node.value} became {new}"
            yield node, name, lambda node=node, new=new: setattr(node, "value", new)


def _became(operator: ast.AST, other: type[ast.AST]) -> str:
    return f"{type(operator).__name__} became {other.__name__}"


def _drop_operator(node: ast.UnaryOp, positive: type[ast.AST] | None) -> None:
    """`-x` becomes `+x`, and `not x` becomes `not not x`."""
    if positive:
        node.op = positive()
    else:
        node.operand = ast.copy_location(ast.UnaryOp(ast.Not(), node.operand), node)


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module as a tree says it."""

    def __init__(self, path: Path, tree: ast.AST) -> None:
        self.module = path.with_suffix("").as_posix().replace("/", ".")
        self.path, self.tree = path, tree

    def find_spec(self, name, path, target=None):
        if name == self.module:
            return importlib.util.spec_from_file_location(name, self.path, loader=self)
        return None

    def exec_module(self, module) -> None:
        name, source = str(self.path), ast.unparse(self.tree)
        # TensorFlow compiles functions from what Python says their source is.
        linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
        exec(compile(source, name, "exec"), module.__dict__)


class _Lines:
    """While pytest runs: which lines of the sources each test runs in its thread."""

    def __init__(self, sources: Iterable[Path]) -> None:
        self.of_tests: dict[str, dict[str, set[int]]] = {str(path): {} for path in sources}
        self.sources = {str(path.resolve()): str(path) for path in sources}
        self.test = ""

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_protocol(self, item):
        self.test = item.nodeid
        sys.settrace(self.trace)
        try:
            return (yield)
        finally:
            sys.settrace(None)

    def trace(self, frame, event, argument):
        source = self.sources.get(frame.f_code.co_filename)
        if source is None:
            return None
        self.of_tests[source].setdefault(self.test, set()).add(frame.f_lineno)
        return self.trace


class _Only:
    """Lets pytest run these tests, in this order."""

    def __init__(self, tests: Sequence[str]) -> None:
        self.places = {test: place for place, test in enumerate(tests)}

    def pytest_collection_modifyitems(self, items):
        items[:] = sorted(
            (item for item in items if item.nodeid in self.places),
            key=lambda item: self.places[item.nodeid],
        )


def _forked(work: Callable[[], Any], seconds: int) -> Any:
    """What work in a process of its own gives, as JSON; `None` if it ends otherwise or is late."""
    with tempfile.TemporaryFile("w+") as result:
        child = os.fork()
        if child == 0:
            signal.alarm(seconds)
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
            os.dup2(1, 2)
            json.dump(work(), result)
            result.flush()
            os._exit(0)
        os.waitpid(child, 0)
        result.seek(0)
        return json.loads(result.read() or "null")


def _pytest(tests: Iterable[str], plugin: object) -> int:
    flags = ["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow"]
    return int(pytest.main([*flags, *tests], plugins=[plugin]))


def _as_it_is(sources: Sequence[Path], tests: Sequence[str]) -> list[Any]:
    """Runs tests of the code as it is.

    Returns:
        What pytest returns; for each source, the lines that each test runs; and the installed
        packages that were imported.
    """
    lines = _Lines(sources)
    status = _pytest(tests, lines)
    found = {
        source: {test: sorted(numbers) for test, numbers in of_tests.items()}
        for source, of_tests in lines.of_tests.items()
    }
    installed = (
        name.partition(".")[0]
        for name, module in list(sys.modules.items())
        if "site-packages" in (getattr(module, "__file__", None) or "")
    )
    return [status, found, list(dict.fromkeys(installed))]


def _with_change(path: Path, tree: ast.AST, tests: Sequence[str]) -> int:
    """What pytest returns for a changed module."""
    sys.meta_path.insert(0, _Changed(path, tree))
    return _pytest(dict.fromkeys(test.partition("::")[0] for test in tests), _Only(tests))


def survivors(
    path: Path, lines: dict[str, list[int]], count: int, seed: int, seconds: int
) -> tuple[int, int]:
    """Prints the changes of a file that no test found; how many, and of how many.

    Args:
        path: the file.
        lines: those that each test runs; other tests are left out.
        count: changes to try.
        seed: of their choice.
        seconds: tests that take longer have found the change.
    """
    tree = ast.parse(path.read_text("utf-8"))
    nodes = [node for node, _, _ in changes(tree)]
    places = [(node.lineno, node.col_offset, number) for number, node in enumerate(nodes)]
    chosen = sorted(random.Random(seed).sample(places, min(count, len(places))))
    num_left = 0
    for *_, number in chosen:
        changed = copy.deepcopy(tree)
        node, name, change = list(changes(changed))[number]
        change()
        # Those that run the place come first; what is made at import matters to all.
        tests = sorted(lines, key=lambda test: node.lineno not in lines[test])
        if not tests or _forked(lambda: _with_change(path, changed, tests), seconds) == 0:  # noqa: B023
            print(f"{path}:{node.lineno}:{node.col_offset + 1}: {name}", flush=True)
            num_left += 1
    return num_left, len(chosen)


def _tests_of(source: Path) -> str:
    """The file of tests, or the folder, that is to the tests what the source is to the code."""
    parts = source.parent.parts
    folder = Path("tests", *(parts[1:] if parts[:1] == ("yt8m_models",) else parts))
    file = folder / f"test_{source.stem}.py"
    return str(file if file.exists() else folder)


def _sources(given: Iterable[Path]) -> Iterator[Path]:
    for path in given:
        files = sorted(path.glob("*.py")) if path.is_dir() else [path]
        yield from (file for file in files if not file.name.startswith("__"))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("sources", nargs="+", type=Path, help="files and folders, as from here")
    parser.add_argument("--tests", nargs="+", help="what pytest runs instead")
    parser.add_argument("--count", type=int, default=40, help="changes to try of each file")
    parser.add_argument("--seed", type=int, default=0, help="of their choice")
    given = parser.parse_args()
    sys.path.insert(0, "")
    sources = list(_sources(given.sources))
    tests = given.tests or list(dict.fromkeys(map(_tests_of, sources)))
    start = time.monotonic()
    status, lines, installed = _forked(lambda: _as_it_is(sources, tests), 3600) or (1, {}, [])
    if status:
        sys.exit(f"{' '.join(tests)} must pass before code is changed")
    seconds = int(20 + 5 * (time.monotonic() - start))
    for name in installed:  # once, and not in each process
        importlib.import_module(name)
    num_left = total = 0
    for path in sources:
        left, tried = survivors(path, lines[str(path)], given.count, given.seed, seconds)
        num_left, total = num_left + left, total + tried
    print(f"{total} changes: {total - num_left} were found by the tests, {num_left} were not")


if __name__ == "__main__":
    main()
