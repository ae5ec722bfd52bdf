"""Work spread over the workers of a Spark cluster."""

import contextlib
import os
import shutil
import uuid
from collections.abc import Callable, Iterator, Sequence
from typing import Any, TypeVar

from yt8m_models.engines.session import reporting_errors

Item = TypeVar("Item")
Result = TypeVar("Result")


def spread(spark: Any, work: Callable[[Item], Result], items: Sequence[Item]) -> list[Result]:
    """What a function gives for each item, in their order; each item is a task of the cluster.

    Where a worker is lost, others do its tasks again: `work` must leave the same behind however
    often it is done, and whenever it stops, as whole files with fixed names are.

    Args:
        spark: the session.
        work: a function that the workers can import, or an instance of a class.
        items: such as paths of files.

    Raises:
        ValueError: of `work`, for the first item that has one; the task is not tried again.
        OSError: Spark cannot finish, such as where a task fails again and again.
    """
    if not items:
        return []
    tasks = spark.sparkContext.parallelize(items, len(items))
    with reporting_errors():
        outcomes = tasks.map(_Tried(work)).collect()
    for _, error in outcomes:
        if error is not None:
            raise error
    return [result for result, _ in outcomes]


def absolute(path: str) -> str:
    """A path as workers find it, whatever directory they are in; one with a scheme as it is."""
    return path if "://" in path or not path else os.path.abspath(path)


@contextlib.contextmanager
def parts_beside(output: str) -> Iterator[str]:
    """A hidden directory beside an output for what workers write, which goes with the block.

    Raises:
        ValueError: the output is not local.
    """
    if "://" in output:
        raise ValueError(f"{output} must be local with --engine=spark: workers map files beside it")
    parent, name = os.path.split(absolute(output.rstrip("/")))
    directory = os.path.join(parent, f".{name}.{uuid.uuid4().hex[:8]}.parts")
    os.makedirs(directory)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)


class _Tried:
    """A function that returns its `ValueError` beside its result, one of the two `None`."""

    def __init__(self, work: Callable[[Any], Any]) -> None:
        self.work = work

    def __call__(self, item: Any) -> tuple[Any, ValueError | None]:
        # Spark says how many threads a task may have; TensorFlow would take every core's.
        for name in ("TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
            os.environ.setdefault(name, os.environ.get("OMP_NUM_THREADS", "1"))
        try:
            return self.work(item), None
        except ValueError as error:
            return None, error
