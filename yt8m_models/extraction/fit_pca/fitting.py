"""Fitting a PCA, file by file."""

import json
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import tensorflow as tf

from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.patterns import match_files
from yt8m_models.data.record_reader import BadRecord
from yt8m_models.extraction.fit_pca.config import FitPCAConfig
from yt8m_models.extraction.fit_pca.feature_rows import FeatureRows
from yt8m_models.extraction.pca import PCA, PCA_DIR, YOUTUBE8M_COMPONENTS, write_pca
from yt8m_models.extraction.streaming_pca import StreamingPCA
from yt8m_models.program.interruption import Interruption
from yt8m_models.program.progress import Progress
from yt8m_models.storage.array_archive import read_arrays, write_arrays
from yt8m_models.storage.same_flags import require_same_flags

_CHECKPOINT = "checkpoint.npz"
_SECONDS = 60.0


@dataclass(frozen=True)
class FitSummary:
    """A fitted PCA.

    Attributes:
        pca: as it was written.
        num_rows: frames or videos that it was fitted on.
        explained: the share of all variance that the first components keep together, after each
            component, `(components,)`.
        problems: what was left out, as a sentence; `None` where nothing was.
    """

    pca: PCA
    num_rows: int
    explained: np.ndarray
    problems: str | None


def fit_pca(
    config: FitPCAConfig, interruption: Interruption | None = None, progress: bool = False
) -> FitSummary | None:
    """Fits a PCA in one pass, and writes it as YouTube-8M's directory, which `read_pca` reads.

    Memory is that of a matrix of the feature's width. `checkpoint.npz` in `config.output_dir` keeps
    the sums, once a minute and when interrupted, until the PCA is written.

    Args:
        config: what to fit.
        interruption: its signal stops the pass.
        progress: show a progress bar on stderr.

    Returns:
        The PCA; `None` if interrupted.

    Raises:
        ValueError: a record or an array is bad (the file is named), there are fewer rows or
            dimensions than components, the directory already holds a PCA, or has the checkpoint of
            other flags or other files.
        OSError: a file cannot be written.
    """
    files = match_files(config.input_data_pattern, "input_data_pattern")
    PCA_DIR.prepare(config.output_dir)
    fitting = _Fitting(config, files)
    if not fitting.run(interruption, progress):
        return None
    return fitting.finish()


class _Fitting:
    """The pass over the files, and its checkpoint."""

    def __init__(self, config: FitPCAConfig, files: Sequence[str]) -> None:
        self.config = config
        self.files = files
        self.ledger = Ledger(config.max_bad_records)
        self.rows = FeatureRows(config.feature_name, self.ledger)
        self.sums: StreamingPCA | None = None
        self.position = (0, 0)  # the file, and the record or row of it, that comes next
        self.settings = {
            "input_data_pattern": config.input_data_pattern,
            "feature_name": config.feature_name,
        }
        self.contents = [[path, int(tf.io.gfile.stat(path).length)] for path in files]
        self.checkpoint = Path(config.output_dir, _CHECKPOINT)
        if self.checkpoint.exists():
            self._resume()

    def run(self, interruption: Interruption | None, progress: bool) -> bool:
        """Sums what is left; false if interrupted."""
        initial = self.sums.count if self.sums is not None else 0
        saved_at = time.monotonic()
        first, start = self.position
        with Progress(None, "rows", "PCA", initial=initial, enabled=progress) as bar:
            for number in range(first, len(self.files)):
                for rows, following in self.rows.blocks(self.files[number], start):
                    if self.sums is None:
                        self.sums = StreamingPCA(self.rows.size)
                    self.sums.add(rows)
                    self.position = (number, following)
                    bar.update(len(rows), files=f"{number + 1}/{len(self.files)}")
                    is_interrupted = interruption is not None and interruption.signal is not None
                    if is_interrupted or time.monotonic() - saved_at > _SECONDS:
                        self._save()
                        saved_at = time.monotonic()
                    if is_interrupted:
                        return False
                start = 0
        return True

    def finish(self) -> FitSummary:
        """Writes the PCA."""
        if self.sums is None:
            raise ValueError(f"--input_data_pattern={self.config.input_data_pattern} has no rows")
        number = self.config.components
        if number is None:
            number = min(YOUTUBE8M_COMPONENTS, self.sums.size)
        if not number <= min(self.sums.size, self.sums.count):
            raise ValueError(
                f"--components={number} needs as many dimensions and rows; there are "
                f"{self.sums.size} and {self.sums.count}"
            )
        fitted = self.sums.components(number)
        total = self.sums.total_variance
        explained = np.cumsum(fitted.variances) / total if total else np.ones(number)
        record = {
            **self.settings,
            "rows": self.sums.count,
            "total_variance": total,
            "explained": float(explained[-1]),
        }
        pca = write_pca(fitted, self.config.output_dir, record)
        self.checkpoint.unlink(missing_ok=True)
        return FitSummary(pca, self.sums.count, explained, self.ledger.summary())

    def _save(self) -> None:
        if self.sums is None:
            return
        state = {
            "settings": self.settings,
            "contents": self.contents,
            "position": self.position,
            "bad": self.ledger.bad,
        }
        write_arrays(str(self.checkpoint), {**self.sums.state(), "json": json.dumps(state)})

    def _resume(self) -> None:
        arrays = read_arrays(str(self.checkpoint))
        try:
            state = json.loads(str(arrays["json"]))
            sums, position = StreamingPCA.from_state(arrays), tuple(state["position"])
            settings, contents, bad = state["settings"], state["contents"], state["bad"]
        except (KeyError, ValueError, TypeError, RecursionError) as error:
            raise ValueError(f"{self.checkpoint} is no checkpoint of a PCA: {error!r}") from None
        require_same_flags(
            settings,
            self.settings,
            f"--output_dir={self.config.output_dir} has the checkpoint of another PCA:",
            "Give another --output_dir or the same flags.",
        )
        if contents != self.contents:
            raise ValueError(
                f"--input_data_pattern={self.config.input_data_pattern} has other files than when "
                f"{self.checkpoint} was written; choose another --output_dir"
            )
        self.sums, self.position = sums, (position[0], position[1])
        self.rows.size = sums.size
        for record in bad:
            self.ledger.add_bad(BadRecord(*record))
