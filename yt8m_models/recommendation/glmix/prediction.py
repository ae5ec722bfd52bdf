"""Probabilities of GLMix for the pairs in files."""

import numpy as np
import pandas as pd

from yt8m_models.data.video_ids import UNKNOWN, VideoIds, as_bytes, nothing_in_common
from yt8m_models.graph.watch_log import USER, VIDEO, read_events
from yt8m_models.program.progress import Progress
from yt8m_models.recommendation.mixed_effects.config import GLMixConfig
from yt8m_models.recommendation.mixed_effects.glmix import load_with_embeddings
from yt8m_models.storage.whole_file import whole_file


def predict(config: GLMixConfig, progress: bool = False) -> tuple[str, str | None]:
    """Writes P(y = 1) of each pair in `config.watch_log` to `config.output`, in their order.

    Memory is that of a block of rows, whatever the files have. They need no label.

    Returns:
        What was predicted, and what pairs were left out or `None`, as sentences.

    Raises:
        ValueError: as of `load_with_embeddings` and `read_events`; there are no pairs, or
            none is of a video that has an embedding.
    """
    glmix, embeddings = load_with_embeddings(config)
    num_pairs = num_known = num_new = 0
    unknown_video = ""
    bar = Progress(unit="pairs", description="predicting", enabled=progress)
    with bar, whole_file(config.output, "w") as file:
        file.write("user_id,video_id,score\n")
        for events in read_events(config):
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
        if not num_pairs:
            raise ValueError(f"there are no pairs in {config.watch_log}")
        if embeddings is not None and not num_known:
            raise ValueError(
                nothing_in_common(
                    *(f"the log {config.watch_log}", [unknown_video]),
                    *(f"the embeddings in {config.embeddings_dir}", embeddings.ids),
                )
            )
    text = (
        f"{num_known:,} predictions in {config.output}, {num_new:,} of them for new users, by the "
        "fixed effect"
    )
    if not unknown_video:
        return text, None
    return text, (
        f"left out {num_pairs - num_known:,} pairs: their videos have no embedding, e.g. "
        f"{unknown_video!r}"
    )


def _rows_of(ids: VideoIds, column: pd.Series) -> np.ndarray:
    """The row of each id of a column in `ids`, int64 `(n,)`; `UNKNOWN` for those not there."""
    codes, values = pd.factorize(column)
    return ids.rows(as_bytes(values))[codes]
