"""MAP@K of a submission file of segments, as the 2019 challenge defines it."""

import numpy as np

from yt8m_models.prediction.score.hashes import hashes
from yt8m_models.prediction.score.rated_segments import RatedSegments
from yt8m_models.prediction.score.scores import Scores
from yt8m_models.prediction.segment_reader import read_segment_submission
from yt8m_models.program.progress import Progress


def score_segments(path: str, rated: RatedSegments, max_segments: int, bar: Progress) -> Scores:
    """Scores a submission of segments.

    Of the first `max_segments` of each class only those that are rated for it are looked at:

        AP(class) = Σ over its positives of (positives down to here / rank) / (all its positives)

    MAP is the mean over the classes that have a positive; one that the file lacks has AP 0.

    Args:
        path: the file.
        rated: the segments that count.
        max_segments: segments of a class that are looked at, 100,000 in the challenge.
        bar: counts the classes.

    Raises:
        ValueError: the file has no rated segment, a line is malformed, a class is there twice, or
            lists a rated segment twice; names file and line.
        OSError: the file cannot be read.
    """
    lines: dict[int, int] = {}
    aps: dict[int, float] = {}
    num_rated, example = 0, None
    for line, label, segments in read_segment_submission(path):
        if label in lines:
            raise ValueError(
                f"{path}, line {line}: class {label} is already in line {lines[label]}"
            )
        lines[label] = line
        example = segments[0] if example is None and segments else example
        bar.update()
        if label not in rated.by_class or not segments:
            continue
        known, is_positive = rated.by_class[label]
        wanted = hashes(segments[:max_segments])
        places = np.searchsorted(known[:-1], wanted)
        is_rated = known[places] == wanted
        places = places[is_rated]
        values, first = np.unique(places, return_index=True)
        if len(values) < len(places):
            again = np.setdiff1d(np.arange(len(places)), first)[0]
            segment = segments[int(np.flatnonzero(is_rated)[again])].decode(errors="replace")
            raise ValueError(f"{path}, line {line}: class {label} lists {segment!r} twice")
        num_rated += len(places)
        ranks = 1 + np.flatnonzero(is_positive[places])
        aps[label] = float(np.sum(np.arange(1, len(ranks) + 1) / ranks))
    if not num_rated:
        has = "no segment" if example is None else f"segments such as {_text(example)!r}"
        raise ValueError(
            f"{path} has no rated segment in common with --labels: it has {has}, and the records "
            f"rate segments such as {_text(rated.example)!r}"
        )
    positives = {label: int(part.is_positive.sum()) for label, part in rated.by_class.items()}
    classes = [label for label, count in positives.items() if count]
    counts = np.array([positives[label] for label in classes])
    of_classes = np.array([aps.get(label, 0.0) for label in classes]) / counts
    lacking = sum(label not in lines for label in classes)
    unrated = sum(label not in rated.by_class for label in lines)
    remarks = []
    if lacking:
        remarks.append(f"{lacking:,} classes of --labels are not in it, and count as 0")
    if unrated:
        remarks.append(f"{unrated:,} of its classes have no rated segment, and are left out")
    return Scores(
        file=path,
        kind="segments",
        counts={"classes": len(classes), "rated_segments": num_rated},
        metrics={f"map_at_{max_segments}": float(of_classes.mean())},
        classes=np.array(classes),
        positives=counts,
        aps=of_classes,
        remarks=tuple(remarks),
    )


def _text(segment: bytes) -> str:
    return segment.decode(errors="replace")
