"""What a server counts, in the text format of Prometheus."""

from collections import Counter
from collections.abc import Callable, Sequence

_SECONDS = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 10.0)
_SIZES = (1, 2, 4, 8, 16, 32, 64, 128)


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
    """The figures of a server.

    Args:
        num_waiting: gives how many videos wait for the model.

    Attributes:
        requests: for predictions, by the status of the answer.
        request_seconds: from the head of such a request to its answer.
        model_seconds: of each batch in the model.
        batch_videos: the size of each batch.
    """

    def __init__(self, num_waiting: Callable[[], int]) -> None:
        self.requests: Counter[int] = Counter()
        self.request_seconds = Histogram(_SECONDS)
        self.model_seconds = Histogram(_SECONDS)
        self.batch_videos = Histogram(_SIZES)
        self._num_waiting = num_waiting

    def add_batch(self, num_videos: int, seconds: float) -> None:
        """Counts a batch."""
        self.batch_videos.add(num_videos)
        self.model_seconds.add(seconds)

    def text(self) -> str:
        """All of them."""
        requests = [
            f'yt8m_requests_total{{status="{status}"}} {count}'
            for status, count in sorted(self.requests.items())
        ]
        families = [
            ("requests_total", "counter", "Requests for predictions.", requests),
            _histogram("request_seconds", "Time to answer a request.", self.request_seconds),
            _histogram("model_seconds", "Time of a batch in the model.", self.model_seconds),
            _histogram("batch_videos", "Videos in a batch.", self.batch_videos),
            (
                *("waiting_videos", "gauge", "Videos that wait for the model."),
                [f"yt8m_waiting_videos {self._num_waiting()}"],
            ),
        ]
        return "".join(
            f"# HELP yt8m_{name} {text}\n# TYPE yt8m_{name} {kind}\n"
            + "".join(f"{line}\n" for line in lines)
            for name, kind, text, lines in families
        )


def _histogram(name: str, text: str, values: Histogram) -> tuple[str, str, str, list[str]]:
    return name, "histogram", text, values.lines(f"yt8m_{name}")
