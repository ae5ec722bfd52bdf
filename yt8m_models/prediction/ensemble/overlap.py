"""Which videos several submission files have in common."""

from collections.abc import Sequence

import numpy as np

from yt8m_models.prediction.ensemble.lines import Lines


class Overlap:
    """Counts what files have in common, some videos at a time.

    Args:
        first_ids: the id of the first video of each file; `None` where a file has none.

    Attributes:
        num_partial: videos so far that not every file has.
    """

    def __init__(self, first_ids: Sequence[bytes | None]) -> None:
        self.first_ids = first_ids
        self.num_partial = 0
        self._shares = np.zeros(len(first_ids), bool)

    def add(self, lines: Lines) -> None:
        """Adds every line of some videos."""
        index: dict[bytes, int] = {}
        videos = [index.setdefault(video, len(index)) for video in lines.video_ids]
        is_in = np.zeros((len(index), len(self.first_ids)), bool)
        is_in[videos, lines.files] = True
        num_files = is_in.sum(axis=1)
        self.num_partial += int(np.sum(num_files < len(self.first_ids)))
        self._shares |= is_in[num_files > 1].any(axis=0)

    def check(self, paths: Sequence[str]) -> None:
        """Refuses files without a video, or with none that another of several files has."""
        for path, first_id in zip(paths, self.first_ids, strict=True):
            if first_id is None:
                raise ValueError(f"{path} has no video")
        if len(paths) == 1 or self._shares.all():
            return
        alone = int(np.flatnonzero(~self._shares)[0])
        examples = " and ".join(
            f"{(self.first_ids[file] or b'').decode(errors='replace')!r} is in {paths[file]}"
            for file in (alone, 1 if alone == 0 else 0)
        )
        raise ValueError(f"{paths[alone]} has no video in common with the other files: {examples}")
