"""How the cost of the collaborative half grows: from a watch log to recommendations, by program.

Each program runs in a process of its own, which has run it on a few videos before, so that neither
imports nor compilation count; on what the programs before it have written. Made data are those of
`benchmarks.watch_data`, and the model is the paper's network, 4000-256, hardly trained.
"""

import gc
import re
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.point import Point
from benchmarks.process import in_own_process, private_peak_mb
from benchmarks.timing import timed
from benchmarks.watch_data import FEATURES, ROWS_A_USER, video_name, write_log, write_records
from yt8m_models import run_program
from yt8m_models.program.option import Options, option

_ROWS_A_VIDEO = 10
_FEATURE_SIZES = (1024, 128)
_SMALL = (200, 2000)
_NETWORK = {"fusion": "late", "hidden_size": 4000, "embedding_size": 256}
_INDEX_QUERIES, _GRAPH_QUERIES = 1000, 200
_PLACE = re.compile(r"{at}/(\w+)")


@dataclass(frozen=True)
class CollaborativeConfig(Options):
    """Sizes of what is watched."""

    num_videos: tuple[int, ...] = option(
        (10_000, 100_000, 1_000_000),
        "Numbers of videos, each with a log of ten rows a video. A million take 7 GB on disk.",
        required=True,
        at_least=1000,
    )
    max_rows: int = option(
        100_000_000,
        "Rows of a log at most. Of several that have them, the one of the fewest videos counts.",
        at_least=10_000,
    )

    @property
    def worlds(self) -> list[tuple[int, int]]:
        """The sizes: videos and rows of the log."""
        videos = sorted(set(self.num_videos))
        return [(number, min(_ROWS_A_VIDEO * number, self.max_rows)) for number in videos]


@dataclass(frozen=True)
class Step:
    """A run of a program.

    Attributes:
        program: its name.
        axis: which size makes it larger: `videos`, `rows` or `users`.
        makes: what it writes, as a name in the directory of a world.
        flags: its flags, with `{at}` for that directory, `{model}` for that of the model and
            `{out}` for what it writes.
        variant: what sets it apart from other runs of the program.
        count: how many of `unit` it does; as many as `axis` says unless given.
        unit: what it does, in the plural.
    """

    program: str
    axis: str
    makes: str
    flags: dict[str, Any] = field(default_factory=dict)
    variant: str = ""
    count: int | None = None
    unit: str = ""

    @property
    def part(self) -> str:
        """What a table calls it."""
        return self.program + (self.variant and f", {self.variant}")

    @property
    def takes(self) -> set[str]:
        """The names of what it reads."""
        return {name for text in map(str, self.flags.values()) for name in _PLACE.findall(text)}

    def run(self, at: Path, model: Path, out: Path) -> None:
        """Runs it in this process."""
        places = {"at": at, "model": model, "out": out}
        run_program(
            self.program,
            **{
                name: value.format(**places) if isinstance(value, str) else value
                for name, value in self.flags.items()
            },
        )


def _index(name: str, variant: str, **settings: Any) -> tuple[Step, Step]:
    """An index, and a search in it."""
    made = {"embeddings_dir": "{at}/embeddings", "output_dir": "{out}"}
    found = {"index_dir": f"{{at}}/{name}", "query_video_ids": "@{at}/queries", "output": "{out}"}
    return (
        Step("build-index", "videos", name, made | settings, variant),
        Step("search", "videos", f"found_{name}", found, variant, _INDEX_QUERIES, "queries"),
    )


_DATA = {"feature_names": ",".join(FEATURES), "feature_sizes": ",".join(map(str, _FEATURE_SIZES))}
_LOG = {"watch_log": "{at}/log/*.parquet"}
STEPS = (
    Step("build-graph", "rows", "graph", {**_LOG, "output_dir": "{out}"}),
    Step(
        "build-features",
        "videos",
        "features",
        {"data_pattern": "{at}/records/*.tfrecord", "output_dir": "{out}", **_DATA},
    ),
    Step(
        "embed",
        "videos",
        "embeddings",
        {"train_dir": "{model}", "features_dir": "{at}/features", "output_dir": "{out}"},
    ),
    *_index("exact", "exact"),
    *_index("four_bits", "4 bits", bits=4),
    *_index("lists", "inverted lists", approximate=True),
    Step(
        "recommend", "users", "recommended", {**_LOG, "index_dir": "{at}/lists", "output": "{out}"}
    ),
    Step(
        "glmix",
        "rows",
        "glmix",
        {
            **_LOG,
            "embeddings_dir": "{at}/embeddings",
            "glmix_dir": "{out}",
            "min_watched_seconds": 30,
        },
        unit="events",
    ),
    Step(
        "evaluate-retrieval",
        "videos",
        "quality",
        {
            "graph_dir": "{at}/graph",
            "embeddings_dirs": "embeddings={at}/embeddings",
            "bits": "32",
            "max_queries": _GRAPH_QUERIES,
            "output_dir": "{out}",
        },
        count=2 * _GRAPH_QUERIES,
        unit="queries",
    ),
)
PARTS = tuple(dict.fromkeys(step.program for step in STEPS))


def measure(
    config: CollaborativeConfig,
    parts: Collection[str],
    known: Collection[tuple[str, str, int]],
    directory: Path,
) -> Iterator[Point]:
    """Measures what is not known yet, from small to large.

    Args:
        config: the sizes.
        parts: programs to measure.
        known: keys of the points that are there.
        directory: receives a directory for each world, which is removed when all of it is measured;
            what an interrupted run has left there is taken up. `TMPDIR` should be on a disk too.
    """
    known = set(known)
    with tempfile.TemporaryDirectory(dir=directory, prefix=".small-") as small:
        for num_videos, num_rows in config.worlds:
            sizes = {"videos": num_videos, "rows": num_rows, "users": num_rows // ROWS_A_USER}
            wanted = [
                step
                for step in STEPS
                if step.program in parts and (step.part, step.axis, sizes[step.axis]) not in known
            ]
            if not wanted:
                continue
            if not (Path(small) / "model").exists():
                in_own_process(make_small, Path(small), _NETWORK)
            at = directory / f".world-{num_videos}-{num_rows}"
            at.mkdir(exist_ok=True)
            plan = planned(wanted, {path.name for path in at.iterdir()})
            for number, step in enumerate(plan):
                for name in sorted(step.takes - {path.name for path in at.iterdir()}):
                    in_own_process(make_data, name, at, num_videos, num_rows)
                point = in_own_process(measured, step, at, Path(small), sizes)
                if step in wanted:
                    known.add(point.key)
                    yield point
                still = {name for later in plan[number + 1 :] for name in later.takes}
                for path in at.iterdir():
                    if path.name not in still:
                        _remove(path)
            shutil.rmtree(at)


def planned(wanted: Collection[Step], there: Collection[str]) -> list[Step]:
    """The steps that are wanted, and those that make what these take and is not there."""
    plan: list[Step] = []
    missing: set[str] = set()
    for step in reversed(STEPS):
        if step in wanted or step.makes in missing:
            plan.insert(0, step)
            missing |= step.takes - set(there)
    return plan


def make_small(directory: Path, network: dict[str, Any]) -> None:
    """A world of few videos, a model with these flags, and all that the steps make of them."""
    for name in _MADE:
        make_data(name, directory, *_SMALL)
    for step in STEPS[:2]:
        step.run(directory, directory, directory / step.makes)
    run_program(
        "train-embedding",
        train_dir=directory / "model",
        graph_dir=directory / "graph",
        features_dir=directory / "features",
        batch_size=100,
        max_steps=1,
        validation_fraction=0,
        projector_videos=0,
        jit_compile=False,
        **network,
    )
    for step in STEPS[2:]:
        step.run(directory, directory / "model", directory / step.makes)


def measured(step: Step, at: Path, small: Path, sizes: dict[str, int]) -> Point:
    """Runs a step, after the same on few videos, and keeps what it makes."""
    model = small / "model"
    with tempfile.TemporaryDirectory(dir=small) as scratch:
        step.run(small, model, Path(scratch) / "out")
    out = at / f".{step.makes}"
    _remove(out)
    gc.collect()
    (_, seconds), megabytes = private_peak_mb(lambda: timed(lambda: step.run(at, model, out)))
    written = [path for path in (out, *out.rglob("*")) if path.is_file()]
    bytes_on_disk = sum(path.stat().st_size for path in written)
    out.rename(at / step.makes)
    size = sizes[step.axis]
    return Point(
        step.part,
        step.axis,
        size,
        seconds,
        megabytes,
        bytes_on_disk,
        size if step.count is None else step.count,
        step.unit or step.axis,
    )


def make_data(name: str, at: Path, num_videos: int, num_rows: int) -> None:
    """Writes what the first steps take; whole or not at all."""
    partial = at / f".{name}"
    _remove(partial)
    _MADE[name](partial, num_videos, num_rows)
    partial.rename(at / name)


def _write_queries(path: Path, num_videos: int, num_rows: int) -> None:
    step = max(1, num_videos // _INDEX_QUERIES)
    numbers = range(0, num_videos, step)[:_INDEX_QUERIES]
    path.write_text("".join(f"{video_name(number)}\n" for number in numbers))


_MADE: dict[str, Callable[[Path, int, int], None]] = {
    "log": lambda path, num_videos, num_rows: write_log(path, num_rows, num_videos),
    "records": lambda path, num_videos, num_rows: write_records(path, num_videos, _FEATURE_SIZES),
    "queries": _write_queries,
}


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
