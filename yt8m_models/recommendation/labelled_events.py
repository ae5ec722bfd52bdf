"""Events with a label: whether a user watched a video."""

from collections.abc import Sequence

from yt8m_models.graph.watch_log import IMPRESSION, LABEL, WATCHED
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.recommendation.user_events import UserEvents


def read_labelled_events(
    log: WatchLogOptions, min_watched_seconds: float, memory_limit: str = ""
) -> UserEvents:
    """Reads all events of a log, with 0 and 1 as values of `LABEL`.

    The label is the column `label`; or, where the files have none, 0 for an `impression` and 1 for
    all others, as in watch logs. With `min_watched_seconds` it is 1 for what was watched for
    longer: a valid watch (DSGMM section 3.4.1).

    Raises:
        ValueError: as of `UserEvents.read`; there are no events, or nothing that gives them a
            label.
    """

    def label(columns: Sequence[str]) -> dict[str, str]:
        is_watch = f"{IMPRESSION} <> 1" if IMPRESSION in columns else "true"
        if min_watched_seconds:
            # What an impression has may be no number, which to the engine is more than all are.
            seconds = f"CASE WHEN isnan({WATCHED}) THEN 0 ELSE coalesce({WATCHED}, 0) END"
            is_long = f"{seconds} > {min_watched_seconds!r}"
            return {LABEL: f"CAST({is_long} AND {is_watch} AS DOUBLE)"}
        if LABEL not in columns and IMPRESSION not in columns:
            raise ValueError(
                f"the files of {log.watch_log} must all have a column {log.label_column}, or all "
                f"{log.impression_column}"
            )
        return {LABEL: LABEL if LABEL in columns else f"1 - {IMPRESSION}"}

    required = (WATCHED,) if min_watched_seconds else ()
    optional = (IMPRESSION,) if min_watched_seconds else (LABEL, IMPRESSION)
    events = UserEvents.read(log, required, optional, memory_limit=memory_limit, values=label)
    if not len(events):
        raise ValueError(f"there are no events in {log.watch_log}")
    return events
