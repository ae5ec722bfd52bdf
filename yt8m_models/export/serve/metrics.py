"""What a server counts, in the text format of Prometheus."""

from collections import Counter
from collections.abc import Callable, Sequence

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)

PREDICTIONS, SEARCHES, RECOMMENDATIONS = "predictions", "searches", "recommendations"
_NAMES = {
    PREDICTIONS: ("yt8m_", "model"),
    SEARCHES: ("yt8m_search_", "index"),
    RECOMMENDATIONS: ("yt8m_recommend_", "recommender"),
}


class Histogram:
    """Counts values by the bounds that they do not exceed.

    Args:
        bounds: ascending; values above the last one are counted too.
    """

    def __init__(self, bounds: Sequence[float]) -> None:
        self.bounds = bounds
        self.sum = 0.0
        self._counts = [0] * (len(bounds) + 1)

    @property
    def count(self) -> int:
        return sum(self._counts)

    def add(self, value: float) -> None:
        """Counts a value."""
        self.sum += value
        self._counts[sum(value > bound for bound in self.bounds)] += 1

    def lines(self, name: str) -> list[str]:
        """Its lines under a name."""
        bounds = [*(f"{bound:g}" for bound in self.bounds), "+Inf"]
        total, lines = 0, []
        for bound, count in zip(bounds, self._counts, strict=True):
            total += count
            lines.append(f'{name}_bucket{{le="{bound}"}} {total}')
        return [*lines, f"{name}_sum {self.sum:.9g}", f"{name}_count {total}"]


class Metrics:
    """The figures of what is posted to one path.

    Args:
        num_waiting: gives how many videos wait to be answered.
        kind: `predictions`; `searches`, whose figures are `yt8m_search_…`; or `recommendations`,
            whose figures are `yt8m_recommend_…`.

    Attributes:
        requests: by the status of the answer.
        request_seconds: from the head of such a request to its answer.
        batch_seconds: of each batch in the model, the index or the recommender.
        batch_videos: the size of each batch.
    """

    def __init__(self, num_waiting: Callable[[], int], kind: str = PREDICTIONS) -> None:
        self.kind = kind
        self.requests: Counter[int] = Counter()
        self.request_seconds = Histogram(_SECONDS)
        self.batch_seconds = Histogram(_SECONDS)
        self.batch_videos = Histogram(_SIZES)
        self._num_waiting = num_waiting

    def add_batch(self, num_videos: int, seconds: float) -> None:
        """Counts a batch."""
        self.batch_videos.add(num_videos)
        self.batch_seconds.add(seconds)

    def text(self) -> str:
        """All of them."""
        prefix, where = _NAMES[self.kind]
        requests = [
            f'{prefix}requests_total{{status="{status}"}} {count}'
            for status, count in sorted(self.requests.items())
        ]
        families = [
            ("requests_total", "counter", f"Requests for {self.kind}.", requests),
            *(
                (name, "histogram", text, values.lines(f"{prefix}{name}"))
                for name, text, values in (
                    ("request_seconds", "Time to answer a request.", self.request_seconds),
                    (f"{where}_seconds", f"Time of a batch in the {where}.", self.batch_seconds),
                    ("batch_videos", "Videos in a batch.", self.batch_videos),
                )
            ),
            (
                *("waiting_videos", "gauge", f"Videos that wait for the {where}."),
                [f"{prefix}waiting_videos {self._num_waiting()}"],
            ),
        ]
        return "".join(
            f"# HELP {prefix}{name} {text}\n# TYPE {prefix}{name} {kind}\n"
            + "".join(f"{line}\n" for line in lines)
            for name, kind, text, lines in families
        )
