"""Probabilities of GLMix for the pairs in files."""

import contextlib
import shutil
from collections.abc import Sequence
from dataclasses import replace
from functools import lru_cache, partial
from typing import IO, Any, NamedTuple

import numpy as np
import pandas as pd

from yt8m_models.data.patterns import match_files
from yt8m_models.data.video_ids import UNKNOWN, VideoIds, as_bytes, nothing_in_common
from yt8m_models.embedding.embeddings import Embeddings
from yt8m_models.engines.spread import absolute, parts_beside, spread
from yt8m_models.graph.watch_log import USER, VIDEO, read_events
from yt8m_models.program.progress import Progress
from yt8m_models.recommendation.mixed_effects.config import GLMixConfig
from yt8m_models.recommendation.mixed_effects.glmix import GLMix, load_with_embeddings
from yt8m_models.storage.whole_file import join, whole_file


def predict(
    config: GLMixConfig, progress: bool = False, spark: Any = None
) -> tuple[str, str | None]:
    """Writes P(y = 1) of each pair in `config.watch_log` to `config.output`, in their order.

    Memory is that of a block of rows, whatever the files have. They need no label.

    Args:
        config: the pairs, the model and the embeddings.
        progress: show a progress bar on stderr.
        spark: a `SparkSession` whose workers each predict files, as of `EngineOptions.session`;
            they find all paths as they are here. `None` for this process.

    Returns:
        What was predicted, and what pairs were left out or `None`, as sentences.

    Raises:
        ValueError: as of `load_with_embeddings` and `read_events`; there are no pairs, or
            none is of a video that has an embedding.
        OSError: Spark cannot finish its work.
    """
    model = load_with_embeddings(config)
    bar = Progress(unit="pairs", description="predicting", enabled=progress)
    parts = contextlib.nullcontext("") if spark is None else parts_beside(config.output)
    with parts as directory, bar, whole_file(config.output, "w") as file:
        file.write("user_id,video_id,score\n")
        if spark is None:
            done = _predict(config, model, None, file, bar)
        else:
            done = _predict_spread(spark, config, directory, file, bar)
        if not done.num_pairs:
            raise ValueError(f"there are no pairs in {config.watch_log}")
        embeddings = model[1]
        if embeddings is not None and not done.num_known:
            raise ValueError(
                nothing_in_common(
                    *(f"the log {config.watch_log}", [done.unknown_video]),
                    *(f"the embeddings in {config.embeddings_dir}", embeddings.ids),
                )
            )
    text = (
        f"{done.num_known:,} predictions in {config.output}, {done.num_new:,} of them for new "
        "users, by the fixed effect"
    )
    if not done.unknown_video:
        return text, None
    return text, (
        f"left out {done.num_pairs - done.num_known:,} pairs: their videos have no embedding, e.g. "
        f"{done.unknown_video!r}"
    )


class _Done(NamedTuple):
    """How many pairs there were, how many of known videos, and of those how many of new users."""

    num_pairs: int
    num_known: int
    num_new: int
    unknown_video: str


def _predict(
    config: GLMixConfig,
    model: tuple[GLMix, Embeddings | None],
    paths: Sequence[str] | None,
    file: IO[str],
    bar: Progress,
) -> _Done:
    """Writes the lines of the pairs in some files, or in all of the log."""
    glmix, embeddings = model
    num_pairs = num_known = num_new = 0
    unknown_video = ""
    for events in read_events(config, paths=paths):
        if embeddings is None:
            video_rows = np.zeros(len(events), np.int64)
        else:
            video_rows = _rows_of(embeddings.ids, events[VIDEO])
        is_known = video_rows != UNKNOWN
        known, video_rows = events[is_known], video_rows[is_known]
        user_rows = _rows_of(glmix.users, known[USER])
        scores = np.empty(len(known))
        for block in glmix.blocks(len(known)):
            of_block = video_rows[block]
            if embeddings is None or not glmix.size:
                vectors = np.zeros((len(of_block), 0), np.float32)
            else:
                vectors = embeddings.take(of_block)
            scores[block] = glmix.predict(user_rows[block], vectors)
        known.assign(score=scores).to_csv(file, header=False, index=False, float_format="%.6g")
        num_pairs += len(events)
        num_known += len(known)
        num_new += int(np.sum(user_rows == UNKNOWN))
        if not unknown_video and len(known) < len(events):
            unknown_video = str(events[VIDEO].iloc[int(is_known.argmin())])
        bar.update(len(events))
    return _Done(num_pairs, num_known, num_new, unknown_video)


def _predict_spread(
    spark: Any, config: GLMixConfig, directory: str, file: IO[str], bar: Progress
) -> _Done:
    """As of `_predict`, with the lines of each file of the log from a worker."""
    there = replace(
        config, glmix_dir=absolute(config.glmix_dir), embeddings_dir=absolute(config.embeddings_dir)
    )
    files = match_files(config.watch_log)
    work = partial(_predict_file, there, directory)
    done = spread(spark, work, [(n, absolute(path)) for n, path in enumerate(files)])
    for number in range(len(files)):
        with open(_part(directory, number), encoding="utf-8", newline="") as lines:
            shutil.copyfileobj(lines, file)
    *counts, unknown = zip(*done, strict=True)
    num_pairs, num_known, num_new = map(sum, counts)
    bar.update(num_pairs)
    return _Done(num_pairs, num_known, num_new, next(filter(None, unknown), ""))


def _predict_file(config: GLMixConfig, directory: str, item: tuple[int, str]) -> _Done:
    """What a worker does with a file; it opens the model once in a run."""
    number, path = item
    with whole_file(_part(directory, number), "w") as file:
        return _predict(config, _opened(config, directory), [path], file, Progress(enabled=False))


@lru_cache(maxsize=1)
def _opened(config: GLMixConfig, run: str) -> tuple[GLMix, Embeddings | None]:
    return load_with_embeddings(config)


def _part(directory: str, number: int) -> str:
    return join(directory, f"{number:05}.csv")


def _rows_of(ids: VideoIds, column: pd.Series) -> np.ndarray:
    """The row of each id of a column in `ids`, int64 `(n,)`; `UNKNOWN` for those not there."""
    codes, values = pd.factorize(column)
    return ids.rows(as_bytes(values))[codes]
