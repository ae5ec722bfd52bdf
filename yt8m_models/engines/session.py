"""Sessions of Spark, and what their errors say."""

import contextlib
import os
import re
import shutil
import subprocess
import sys
import warnings
from collections.abc import Iterator
from typing import Any

from yt8m_models.program.extras import require

OLDEST_JAVA = 17
_VERSION = re.compile(r'version "(\d+)')
_MOST_LINES = 3


@contextlib.contextmanager
def spark_session(master: str, name: str) -> Iterator[Any]:
    """A session on a cluster, which ends with the block.

    Workers run this Python unless `PYSPARK_PYTHON` names another; this package must be installed
    there. A master on this machine is bound to its loopback address and shows no page.

    Args:
        master: such as `yarn`, `k8s://…`, `spark://host:7077` or `local[*]`.
        name: what the cluster calls the application.

    Raises:
        ValueError: PySpark or Java is not installed, Java is too old, or there is no such master.
    """
    # We hand it Arrow, and no pandas.
    warnings.filterwarnings("ignore", "PySpark does not yet fully support pandas", FutureWarning)
    require("pyspark", extra="spark")
    sql = require("pyspark.sql", extra="spark")
    require_java()
    os.environ.setdefault("PYSPARK_PYTHON", sys.executable)
    settings = {
        "spark.log.level": "ERROR",
        "spark.ui.showConsoleProgress": str(sys.stderr.isatty()).lower(),
    }
    if master.startswith("local"):
        loopback = dict.fromkeys(("spark.driver.host", "spark.driver.bindAddress"), "127.0.0.1")
        settings |= {**loopback, "spark.ui.enabled": "false"}
    builder = sql.SparkSession.builder.master(master).appName(name)
    for key, value in settings.items():
        builder = builder.config(key, value)
    try:
        session = builder.getOrCreate()
    except _spark_errors() as error:
        raise ValueError(f"--spark_master={master} cannot be used: {_text(error)}") from error
    try:
        yield session
    finally:
        session.stop()


@contextlib.contextmanager
def reporting_errors() -> Iterator[None]:
    """Makes an `OSError` of what Spark raises in the block, which says its first lines."""
    try:
        yield
    except _spark_errors() as error:
        raise OSError(f"Spark cannot finish its work: {_text(error)}") from error


def require_java() -> None:
    """Makes sure that there is a Java that Spark can run on.

    Raises:
        ValueError: there is none, or it is too old.
    """
    home = os.environ.get("JAVA_HOME")
    java = shutil.which(os.path.join(home, "bin", "java") if home else "java")
    needed = f"Spark needs Java {OLDEST_JAVA} or newer"
    if java is None:
        place = f"in JAVA_HOME={home}" if home else "on the PATH, and JAVA_HOME is not set"
        raise ValueError(f"{needed}; there is none {place}")
    printed = subprocess.run([java, "-version"], capture_output=True, text=True, check=False).stderr
    found = _VERSION.search(printed)
    if found is None or int(found[1]) < OLDEST_JAVA:
        raise ValueError(f"{needed}; {java} says {printed.strip().partition(os.linesep)[0]!r}")


def _spark_errors() -> tuple[type[Exception], ...]:
    errors = require("pyspark.errors", extra="spark")
    protocol = require("py4j.protocol", extra="spark")
    return (errors.PySparkException, protocol.Py4JError)


def _text(error: Exception) -> str:
    """The first lines of what was wrong on the side of Java, or else here."""
    java = getattr(error, "java_exception", None)
    text = str(error) if java is None else str(java.getMessage())
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return " ".join(lines[:_MOST_LINES])
