"""The flags that say where a program works, without PySpark."""

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from yt8m_models.program.option import Options, option

LOCAL, SPARK = "local", "spark"
THIS_MACHINE = "local[*]"


@dataclass(frozen=True)
class EngineOptions(Options):
    """Where the work is done.

    Raises:
        ValueError: as of `Options`; or a master is given without `--engine=spark`.
    """

    engine: str = option(
        LOCAL,
        "In this process (local), or in the workers of a Spark cluster (spark), which read and "
        "write the same files. The output is the same.",
        choices=(LOCAL, SPARK),
    )
    spark_master: str = option(
        THIS_MACHINE,
        "--engine=spark: the cluster, such as yarn, k8s://…, spark://host:7077, or local[*], the "
        "cores of this machine. Other settings of Spark come from its spark-defaults.conf.",
        required=True,
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.engine != SPARK and self.spark_master != THIS_MACHINE:
            raise ValueError(
                f"--spark_master goes with --engine=spark; received {self.spark_master} with "
                f"--engine={self.engine}"
            )

    @contextlib.contextmanager
    def session(self, program: str) -> Iterator[Any]:
        """A session of Spark, which ends with the block; `None` for the local engine.

        Args:
            program: what the cluster calls the application.

        Raises:
            ValueError: as of `spark_session`.
        """
        if self.engine == LOCAL:
            yield None
            return
        from yt8m_models.engines.session import spark_session

        with spark_session(self.spark_master, program) as session:
            yield session
