"""Sessions of Spark on this machine; without PySpark or Java 17 the tests here are skipped."""

import os
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
# Few partitions for few rows; workers import this tree wherever they run.
SETTINGS = {
    "spark.driver.memory": "1g",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.ui.enabled": "false",
    "spark.log.level": "ERROR",
    "spark.sql.shuffle.partitions": "2",
}


@pytest.fixture(scope="session")
def pyspark():
    """PySpark, where Java can run it."""
    module = pytest.importorskip("pyspark", reason="needs the extra `spark`")
    from yt8m_models.engines.session import require_java

    try:
        require_java()
    except ValueError as error:
        pytest.skip(str(error))
    os.environ["PYSPARK_PYTHON"] = sys.executable
    os.environ["PYTHONPATH"] = os.pathsep.join(
        filter(None, [str(ROOT), os.environ.get("PYTHONPATH")])
    )
    return module


@pytest.fixture(scope="module")
def spark(pyspark):
    """Two workers in this process' JVM, which try a task three times."""
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2,3]").appName("tests")
    for key, value in SETTINGS.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    yield session
    session.stop()
