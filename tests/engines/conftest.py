"""Sessions of Spark on this machine; without PySpark or Java 17 the tests here are skipped."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, NamedTuple

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
    import pyspark.sql  # noqa: F401

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
    with _session(pyspark, "local[2,3]") as session:
        yield session


class Cluster(NamedTuple):
    """A standalone cluster on the loopback address.

    Attributes:
        spark: a session on it.
        workers: the process of each worker, by the directory that it works in.
    """

    spark: Any
    workers: dict[Path, subprocess.Popen]

    def kill(self, directory):
        """Kills the worker that works in a directory, and what it has started."""
        (process,) = (worker for root, worker in self.workers.items() if root in directory.parents)
        os.killpg(process.pid, signal.SIGKILL)


@pytest.fixture(scope="module")
def cluster(pyspark, tmp_path_factory):
    """A master and two workers of one core, which end with the module."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    master, directories = f"spark://127.0.0.1:{port}", tmp_path_factory.mktemp("workers")
    started, workers = [], {}
    at_loopback = ["--host", "127.0.0.1", "--webui-port", "0"]

    def start(name, *arguments):
        program = Path(pyspark.__file__).parent / "bin" / "spark-class"
        command = [str(program), f"org.apache.spark.deploy.{name}", *at_loopback, *arguments]
        environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_DAEMON_MEMORY": "256m"}
        with (directories / f"{len(started)}.log").open("wb") as log:
            process = subprocess.Popen(
                command, env=environment, stdout=log, stderr=log, start_new_session=True
            )
        started.append(process)
        return process

    try:
        start("master.Master", "--port", str(port))
        _wait(lambda: _listens(port))
        for name in ("first", "second"):
            directory = directories / name
            worker = ["--cores", "1", "--memory", "1g", "--work-dir", str(directory), master]
            workers[directory] = start("worker.Worker", *worker)
        with _session(pyspark, master, {"spark.executor.memory": "512m"}) as session:
            tracker = session.sparkContext._jsc.sc().statusTracker()
            _wait(lambda: len(tracker.getExecutorInfos()) == 1 + len(workers))
            yield Cluster(session, workers)
    finally:
        for process in started:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


@contextlib.contextmanager
def _session(pyspark, master, settings=()):
    builder = pyspark.sql.SparkSession.builder.master(master).appName("tests")
    for key, value in {**SETTINGS, **dict(settings)}.items():
        builder = builder.config(key, value)
    session = builder.getOrCreate()
    try:
        yield session
    finally:
        session.stop()


def _listens(port):
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0


def _wait(is_true, seconds=300):
    end = time.monotonic() + seconds
    while not is_true():
        assert time.monotonic() < end, "the cluster does not start"
        time.sleep(0.1)
