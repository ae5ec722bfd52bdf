"""The flags of engines, and what is said where Spark cannot run; needs neither PySpark nor Java."""

import sys

import pytest

from yt8m_models.engines.options import EngineOptions
from yt8m_models.engines.session import require_java, spark_session
from yt8m_models.graph.build_graph.__main__ import PROGRAM


def test_the_local_engine_has_no_session():
    with EngineOptions().session("yt8m build-graph") as session:
        assert session is None


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"engine": "flink"}, "--engine=flink: must be one of local, spark"),
        ({"engine": "spark", "spark_master": ""}, "--spark_master must be given"),
        (
            {"spark_master": "yarn"},
            "--spark_master goes with --engine=spark; received yarn with --engine=local",
        ),
    ],
)
def test_wrong_flags_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        EngineOptions(**options)


def test_the_program_takes_the_flags():
    flags = ["--watch_log=log.csv", "--output_dir=graph", "--engine=spark", "--spark_master=yarn"]
    assert PROGRAM.parse(flags)[EngineOptions] == EngineOptions("spark", "yarn")
    assert PROGRAM.parse(flags[:2])[EngineOptions] == EngineOptions("local", "local[*]")


def test_pyspark_that_is_not_installed(monkeypatch):
    monkeypatch.setitem(sys.modules, "pyspark", None)
    with (
        pytest.raises(ValueError, match=r"pyspark is needed .* 'yt8m-models\[spark\]'"),
        spark_session("local[*]", "tests"),
    ):
        pass


@pytest.mark.parametrize(
    ("version", "message"),
    [
        ("", r"needs Java 17 or newer; there is none in JAVA_HOME=.*jdk"),
        ('openjdk version "11.0.2" 2019-01-15', r"needs Java 17 .*/bin/java says 'openjdk .*11"),
        ("no Java", r"needs Java 17 or newer; .*/bin/java says 'no Java'"),
        ('openjdk version "17.0.15" 2025-04-15', ""),
        ('java version "25" 2025-09-16 LTS', ""),
    ],
)
def test_java_must_be_there_and_new(tmp_path, monkeypatch, version, message):
    monkeypatch.setenv("JAVA_HOME", str(tmp_path / "jdk"))
    if version:
        java = tmp_path / "jdk" / "bin" / "java"
        java.parent.mkdir(parents=True)
        java.write_text(f"#!/bin/sh\necho '{version}' >&2\n")
        java.chmod(0o755)
    if message:
        with pytest.raises(ValueError, match=message):
            require_java()
    else:
        require_java()


def test_no_java_at_all(monkeypatch, tmp_path):
    monkeypatch.delenv("JAVA_HOME", raising=False)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ValueError, match="none on the PATH, and JAVA_HOME is not set"):
        require_java()
