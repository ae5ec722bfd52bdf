"""Events with a label: whether a user watched a video."""

import numpy as np

from yt8m_models.graph.watch_log import IMPRESSION, LABEL, WATCHED
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.recommendation.user_events import UserEvents


def read_labelled_events(log: WatchLogOptions, min_watched_seconds: float) -> UserEvents:
    """Reads all events of a log, with 0 and 1 as values of `LABEL`.

    The label is the column `label`; or, where the files have none, 0 for an `impression` and 1 for
    all others, as in watch logs. With `min_watched_seconds` it is 1 for what was watched for
    longer: a valid watch (DSGMM section 3.4.1).

    Raises:
        ValueError: as of `read_events`; there are no events, or nothing that gives them a label.
    """
    of_labels = (IMPRESSION,) if min_watched_seconds else (LABEL, IMPRESSION)
    events = UserEvents.read(log, (WATCHED,) if min_watched_seconds else (), of_labels)
    if not len(events):
        raise ValueError(f"there are no events in {log.watch_log}")
    if min_watched_seconds:
        is_long = events.values[WATCHED] > min_watched_seconds
        is_watch = events.values.get(IMPRESSION, 0) != 1
        events.values[LABEL] = (is_long & is_watch).astype(np.float64)
    elif LABEL not in events.values:
        if IMPRESSION not in events.values:
            raise ValueError(
                f"the files of {log.watch_log} must all have a column {log.label_column}, or all "
                f"{log.impression_column}"
            )
        events.values[LABEL] = 1 - events.values[IMPRESSION]
    return events
