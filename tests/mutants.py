"""Whether a test fails where the code is changed:

    python tests/mutants.py eval/ranking.py tests/eval/test_metrics.py --count=40

changes one place of a file at a time (a comparison, an operator, a number), runs the tests, which
should fail, and lists the changes that they did not find. Some change nothing that matters: each
is for a person to judge. The changed code is in the memory of a forked process alone.
"""

import argparse
import ast
import copy
import importlib.abc
import importlib.util
import os
import random
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

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
        operator = node.ops[0] if isinstance(node, ast.Compare) else getattr(node, "op", None)
        if other := _OTHERS.get(type(operator)):
            name = f"{type(operator).__name__} became {other.__name__}"
            yield node, name, lambda node=node, other=other: _set_operator(node, other())
        elif isinstance(operator, ast.Not | ast.USub):
            positive = ast.UAdd if isinstance(operator, ast.USub) else None
            name = f"{type(operator).__name__} was left out"
            yield node, name, lambda node=node, new=positive: _drop_operator(node, new)
        elif isinstance(node, ast.Constant) and isinstance(node.value, bool | int | float):
            new = not node.value if isinstance(node.value, bool) else node.value + 1
            name = f"{node.value} became {new}"
            yield node, name, lambda node=node, new=new: setattr(node, "value", new)


def _set_operator(node: ast.AST, operator: ast.AST) -> None:
    if isinstance(node, ast.Compare):
        node.ops[0] = operator
    else:
        node.op = operator


def _drop_operator(node: ast.UnaryOp, positive: type[ast.AST] | None) -> None:
    """`-x` becomes `+x`, and `not x` becomes `not not x`."""
    if positive:
        node.op = positive()
    else:
        node.operand = ast.copy_location(ast.UnaryOp(ast.Not(), node.operand), node)


class _Changed(importlib.abc.MetaPathFinder, importlib.abc.Loader):
    """Imports one module as a tree says it."""

    def __init__(self, module: str, path: Path, tree: ast.AST) -> None:
        self.module, self.path, self.tree = module, path, tree

    def find_spec(self, name, path, target=None):
        if name == self.module:
            return importlib.util.spec_from_file_location(name, self.path, loader=self)
        return None

    def exec_module(self, module) -> None:
        exec(compile(self.tree, str(self.path), "exec"), module.__dict__)


def status(path: Path, tree: ast.AST, tests: list[str], seconds: int) -> int:
    """What pytest returns for the changed module; -1 where it takes too long."""
    child = os.fork()
    if child == 0:
        signal.alarm(seconds)
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)
        os.dup2(1, 2)
        module = path.with_suffix("").as_posix().replace("/", ".")
        sys.meta_path.insert(0, _Changed(module, path, tree))
        os._exit(pytest.main(["-x", "-q", "-p", "no:cacheprovider", "-m", "not slow", *tests]))
    _, ended = os.waitpid(child, 0)
    return max(os.waitstatus_to_exitcode(ended), -1)


def survivors(path: Path, tests: list[str], count: int, seed: int) -> tuple[list[str], int]:
    """The changes that no test found, and how many there were.

    Raises:
        ValueError: the tests fail as the code is.
    """
    tree = ast.parse(path.read_text("utf-8"))
    start = time.monotonic()
    if status(path, tree, tests, 600):
        raise ValueError(f"{' '.join(tests)} must pass before {path} is changed")
    seconds = int(20 + 5 * (time.monotonic() - start))
    numbers = range(len(list(changes(tree))))
    chosen = sorted(random.Random(seed).sample(numbers, min(count, len(numbers))))
    found = []
    for number in chosen:
        changed = copy.deepcopy(tree)
        node, name, change = list(changes(changed))[number]
        change()
        ast.fix_missing_locations(changed)
        if status(path, changed, tests, seconds) == 0:
            line = f"{path}:{node.lineno}:{node.col_offset + 1}: {name}"
            print(line, flush=True)
            found.append(line)
    return found, len(chosen)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("source", type=Path, help="the file to change, as from here")
    parser.add_argument("tests", nargs="+", help="what pytest runs")
    parser.add_argument("--count", type=int, default=40, help="changes to try")
    parser.add_argument("--seed", type=int, default=0, help="of their choice")
    given = parser.parse_args()
    sys.path.insert(0, "")
    left, total = survivors(given.source, given.tests, given.count, given.seed)
    print(f"{total - len(left)} of {total} changes were found by the tests")


if __name__ == "__main__":
    main()
