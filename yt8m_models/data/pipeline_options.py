"""How a pipeline reads: batches, epochs, order, frames and tolerance. Imports no TensorFlow."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PipelineOptions:
    """How `Pipeline` reads its records.

    Attributes:
        batch_size: examples in a batch.
        num_epochs: passes over the files; None reads for ever.
        shuffle: new order of the files, and of the examples in a buffer, in each epoch.
        seed: of the order and of the sampled frames. The same seed gives the same batches.
        sample_frames: frames drawn from each video; 0 takes all. Video- and segment-level
            examples are not sampled.
        sample_random_frames: draw single frames, with replacement; otherwise one run of frames.
        num_readers: files read at the same time.
        drop_remainder: leave out a last batch that is not full.
        deterministic: the order depends on nothing but the seed; False may be faster.
        skip_empty_videos: leave out (and count) videos without frames.
        max_bad_records: so many bad records are skipped and counted, one more is an error. Above 0
            each record is checked in Python: about a third of the speed.
        num_workers: workers that share the files.
        worker_index: which of them this one is, from 0.
        pad_to_max_frames: pad all videos to `max_frames`, so that the shape is static.

    Raises:
        ValueError: a value is out of range.
    """

    batch_size: int
    num_epochs: int | None = 1
    shuffle: bool = False
    seed: int = 0
    sample_frames: int = 0
    sample_random_frames: bool = True
    num_readers: int = 8
    drop_remainder: bool = False
    deterministic: bool = True
    skip_empty_videos: bool = False
    max_bad_records: int = 0
    num_workers: int = 1
    worker_index: int = 0
    pad_to_max_frames: bool = False

    def __post_init__(self) -> None:
        for name in ("batch_size", "num_readers", "num_workers"):
            self._require_at_least(name, 1)
        for name in ("seed", "sample_frames", "max_bad_records", "worker_index"):
            self._require_at_least(name, 0)
        if self.num_epochs is not None:
            self._require_at_least("num_epochs", 1)
        if self.worker_index >= self.num_workers:
            raise ValueError(
                f"worker_index must be less than num_workers; received {self.worker_index} "
                f"and {self.num_workers}"
            )

    def _require_at_least(self, name: str, least: int) -> None:
        if getattr(self, name) < least:
            raise ValueError(f"{name} must be at least {least}; received {getattr(self, name)}")
