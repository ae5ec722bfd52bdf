"""`BUILD` and `setup.py` describe the tree: sources, imports, programs and tests."""

import ast
import runpy
from pathlib import Path

import pytest

import yt8m_models
from yt8m_models.__main__ import PROGRAMS, run

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("yt8m_models", "losses", "eval", "benchmarks")


def _glob(include, exclude=(), allow_empty=False):
    left_out = {path for pattern in exclude for path in ROOT.glob(pattern)}
    return sorted(
        path.relative_to(ROOT).as_posix()
        for pattern in include
        for path in ROOT.glob(pattern)
        if path.is_file() and path not in left_out
    )


@pytest.fixture(scope="module")
def targets():
    """The targets of `BUILD`, name to attributes; Starlark is a subset of Python."""
    found = {}

    def rule(kind):
        def declare(name, **attributes):
            assert name not in found, f"{name} is declared twice"
            found[name] = {"kind": kind, "srcs": [], "deps": [], **attributes}

        return declare

    kinds = ("py_library", "py_binary", "py_test")
    names = {kind: rule(kind) for kind in kinds}
    ignored = dict.fromkeys(("load", "package", "exports_files"), lambda *args, **kwargs: None)
    names |= {"glob": _glob, "filegroup": lambda **attributes: None, **ignored}
    exec((ROOT / "BUILD").read_text("utf-8"), names)
    return found


@pytest.fixture(scope="module")
def target_of(targets):
    """Each source of a library or a binary, to the target that it belongs to."""
    owners = {}
    for name, target in targets.items():
        for source in target["srcs"] if target["kind"] != "py_test" else ():
            assert source not in owners, f"{source} is in {owners.get(source)} and in {name}"
            owners[source] = name
    return owners


def test_build_has_every_source_once(target_of):
    expected = _glob([f"{package}/**/*.py" for package in PACKAGES] + ["train.py", "inference.py"])
    assert sorted(source for source in target_of if not source.startswith("tests/")) == expected


def test_build_has_the_binaries(targets):
    mains = [target["main"] for target in targets.values() if target["kind"] == "py_binary"]
    benchmarks, evaluation = "benchmarks/__main__.py", "eval/__main__.py"
    command = "yt8m_models/__main__.py"
    assert sorted(mains) == [benchmarks, evaluation, "inference.py", "train.py", command]


def test_build_has_a_test_for_every_test_file(targets):
    tests = {
        target["srcs"][0]: target["args"]
        for target in targets.values()
        if target["kind"] == "py_test"
    }
    assert tests == {source: [source] for source in _glob(["tests/**/test_*.py"])}


def _imported_sources(source):
    """The files of this tree that a file imports."""
    found = set()
    for node in ast.walk(ast.parse((ROOT / source).read_text("utf-8"))):
        if isinstance(node, ast.Import):
            modules = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{source} has a relative import"
            modules = [_submodule(node.module, alias.name) for alias in node.names]
        else:
            continue
        paths = (_source(module) for module in modules)
        found |= {path for path in paths if path is not None}
    return found


def _submodule(module, name):
    return f"{module}.{name}" if _source(f"{module}.{name}") else module


def _source(module):
    """The file of a module of this tree; `None` for other modules."""
    if module.partition(".")[0] not in PACKAGES:
        return None
    path = module.replace(".", "/")
    files = (f"{path}.py", f"{path}/__init__.py")
    return next((file for file in files if (ROOT / file).is_file()), None)


def test_build_has_exactly_the_dependencies_that_are_imported(targets, target_of):
    declared, imported = {}, {}
    for name, target in targets.items():
        if target["kind"] == "py_library" and name != "testing":
            declared[name] = sorted(dep.removeprefix(":") for dep in target["deps"])
            owners = {
                target_of[path] for source in target["srcs"] for path in _imported_sources(source)
            }
            imported[name] = sorted(owners - {name})
    assert declared == imported


def test_build_has_no_cycle(targets):
    """A target's dependencies are finished before it is: depth-first search meets none twice."""
    finished, open_ = set(), []

    def visit(name):
        assert name not in open_, f"cycle: {' -> '.join([*open_, name])}"
        if name in finished:
            return
        open_.append(name)
        for dep in targets[name]["deps"]:
            visit(dep.removeprefix(":"))
        finished.add(open_.pop())

    for name in targets:
        visit(name)


@pytest.fixture(scope="module")
def metadata():
    """What `setup.py` passes to setuptools."""
    setuptools = pytest.importorskip("setuptools", reason="setuptools is not installed")
    received = {}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(setuptools, "setup", lambda **arguments: received.update(arguments))
        patch.chdir(ROOT)
        runpy.run_path(str(ROOT / "setup.py"))
    return received


def test_version_is_that_of_the_package(metadata):
    assert metadata["version"] == yt8m_models.__version__


def test_wheel_has_every_package_and_nothing_else(metadata):
    packages = {
        path.parent.relative_to(ROOT).as_posix().replace("/", ".")
        for package in ("yt8m_models", "losses", "eval")
        for path in (ROOT / package).rglob("*.py")
    }
    assert set(metadata["packages"]) == packages


def test_wheel_has_the_data_of_the_packages(metadata):
    found = {
        path
        for package, patterns in metadata["package_data"].items()
        for pattern in patterns
        for path in (ROOT / package.replace(".", "/")).glob(pattern)
    }
    others = [
        path
        for package in ("yt8m_models", "losses", "eval")
        for path in (ROOT / package).rglob("*.*")
        if path.suffix not in (".py", ".pyc")
    ]
    assert found == set(others)
    assert {ROOT / package / "py.typed" for package in ("yt8m_models", "losses", "eval")} <= found


def test_yt8m_is_the_one_console_script(metadata):
    assert metadata["entry_points"] == {"console_scripts": ["yt8m = yt8m_models.__main__:run"]}
    assert callable(run)


def test_the_contracts_name_every_program_and_room():
    tomllib = pytest.importorskip("tomllib", reason="Python 3.10 has no tomllib")
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["tool"]["importlinter"]
    (programs,) = (
        contract["modules"]
        for contract in contracts["contracts"]
        if contract["type"] == "independence"
    )
    rooms = {"yt8m_models.training", "yt8m_models.prediction", "yt8m_models.export", "eval"}
    assert set(programs) == (set(PROGRAMS.values()) - rooms) | {"eval.program"}


def test_no_package_has_more_than_4000_lines():
    rooms = [path for path in (ROOT / "yt8m_models").iterdir() if (path / "__init__.py").exists()]
    assert len(rooms) > 10
    for room in [*rooms, ROOT / "eval", ROOT / "losses"]:
        sources = [path.read_text("utf-8") for path in room.rglob("*.py")]
        num_lines = sum(len(source.splitlines()) for source in sources)
        assert 0 < num_lines <= 4000, f"{room.name} has {num_lines:,} lines; move a part of it out"


def test_extras(metadata):
    extras = {"io", "recommend", "video", "report", "demo", "export", "onnx", "serve", "hub"}
    extras |= {"jax", "torch", "spark", "sweep", "quickstart", "docs", "dev"}
    assert set(metadata["extras_require"]) == extras
    assert any(
        requirement.startswith("tensorflow-io==0.37.1")
        for requirement in metadata["extras_require"]["io"]
    )
