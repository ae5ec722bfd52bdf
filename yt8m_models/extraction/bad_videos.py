"""The account of videos that cannot be read."""


class BadVideos:
    """Counts videos that cannot be read, up to a bound.

    Args:
        bound: how many there may be, `--max_bad_videos`; any number where it is `None`.

    Attributes:
        count: how many there were.
    """

    def __init__(self, bound: int | None) -> None:
        self.bound = bound
        self.count = 0

    def add(self, reason: str) -> None:
        """Counts one.

        Raises:
            ValueError: it is one more than the bound.
        """
        self.count += 1
        if self.bound is not None and self.count > self.bound:
            raise ValueError(
                f"more than --max_bad_videos={self.bound} videos cannot be read: {reason}"
            )
