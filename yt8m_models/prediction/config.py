"""The flags of the inference program, without TensorFlow (see `yt8m_models.program.command`)."""

from dataclasses import dataclass

from yt8m_models.config import UNEQUAL_FRAMES
from yt8m_models.program.option import Options, option, same_option
from yt8m_models.training.config import TrainConfig


@dataclass(frozen=True)
class ModelSource(Options):
    """Where the model comes from, and where it is packed.

    Raises:
        ValueError: neither or both of `train_dir` and `input_model_tgz` are given.
    """

    train_dir: str = option(
        "",
        "The directory that the model was trained in, or that of a run of yt8m annotate, "
        "runs/FEATURES/mixturesN.",
    )
    checkpoint: str = option(
        "auto",
        "latest, best (lowest validation loss), the path of a checkpoint, or auto: the best where "
        "the training was validated, the latest otherwise.",
        required=True,
    )
    input_model_tgz: str = option(
        "", "A model packed by --output_model_tgz, to use instead of --train_dir."
    )
    untar_model_dir: str = option(
        "/tmp/yt8m-model", "Where --input_model_tgz is unpacked; made where it is missing."
    )
    output_model_tgz: str = option(
        "", "Also pack the model, its flags and one checkpoint without the optimizer, in this .tgz."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        require_one_source(self.train_dir, self.input_model_tgz, self.checkpoint)


@dataclass(frozen=True)
class RecordFlags(Options):
    """The format of the records. It is that of the training: other values are an error."""

    feature_names: tuple[str, ...] | None = option(None, "Features to read, e.g. rgb,audio.")
    feature_sizes: tuple[str, ...] | None = option(None, "Width of each feature, e.g. 1024,128.")
    frame_features: bool | None = option(None, "Records are frame level; otherwise video level.")
    float_frames: bool | None = option(None, "Frames are floats; otherwise 8 bits a value.")
    num_classes: int | None = option(None, "Number of classes.")
    max_frames: int | None = option(
        None,
        "Frames of a video beyond this many are left out. May differ from the training.",
        at_least=1,
    )
    unequal_frames: str | None = option(
        None,
        "Videos whose features differ in their number of frames, as in training: trim, pad or "
        "error. May differ from the training.",
        choices=UNEQUAL_FRAMES,
    )


@dataclass(frozen=True)
class InferenceConfig(Options):
    """What to predict, and where to write it."""

    input_data_pattern: str = option(
        "",
        "Records to predict: file patterns with commas between, or @file with a path a line.",
        required=True,
    )
    output_file: str = option(
        "", "The submission file, CSV. It appears whole at the end, or not at all.", required=True
    )
    top_k: int = option(
        20, "Classes to write for each video, or to consider for each segment.", at_least=1
    )
    segment_labels: bool = option(
        False, "Predict the 5-frame segments of frame-level videos; writes Class,Segments lines."
    )
    segment_max_pred: int = option(100000, "Segments to write for each class at most.", at_least=1)
    segment_label_ids_file: str = option(
        "",
        "CSV of the class ids to write for segments, or all. Unless given, the 1,000 classes that "
        "the 2019 challenge rates; every class where the model has others than YouTube-8M's.",
    )
    batch_size: int = option(
        8192,
        "Videos in a batch at most. Batches are never larger than 128 frame-level or 1024 "
        "video-level videos, so that memory stays bounded.",
        at_least=1,
    )
    num_readers: int = option(
        8,
        "Files that are read in parallel; videos are written in an order that depends on it alone.",
        at_least=1,
    )
    sample_frames: int = option(
        0, "Frames sampled per video, from --seed; 0 takes every frame.", at_least=0
    )
    seed: int = option(0, "Seed of the sampled frames.", at_least=0)
    max_bad_records: int = same_option(TrainConfig, "max_bad_records")
    run_once: bool = option(
        True, "Changes nothing, because inference ends in any case: WILLOW's commands have it."
    )
    jit_compile: bool = option(
        False, "Compile the forward pass with XLA, and pad every video to the same length for it."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.segment_labels and self.sample_frames:
            raise ValueError(
                "--sample_frames does not go with --segment_labels, which predicts every segment "
                f"of 5 frames; received {self.sample_frames}"
            )
        require_segment_flags(self.segment_labels, self.segment_label_ids_file)


def require_spreadable(config: InferenceConfig) -> None:
    """Refuses what depends on all files at once, where each is predicted by a worker.

    Raises:
        ValueError: segments are ranked over all videos, or frames drawn by the place of a file.
    """
    for name in ("segment_labels", "sample_frames"):
        if value := getattr(config, name):
            raise ValueError(
                f"--{name} goes with --engine=local, which sees all files; received "
                f"{str(value).lower()} with --engine=spark"
            )


def require_one_source(train_dir: str, input_model_tgz: str, checkpoint: str) -> None:
    """Refuses flags that name no model, or two.

    Raises:
        ValueError: not exactly one of a directory and an archive is given, or a checkpoint is to be
            chosen from an archive.
    """
    if bool(train_dir) == bool(input_model_tgz):
        raise ValueError(
            "give either --train_dir or --input_model_tgz; received "
            f"--train_dir={train_dir!r} and --input_model_tgz={input_model_tgz!r}"
        )
    if input_model_tgz and checkpoint != "auto":
        raise ValueError(
            "--checkpoint chooses from --train_dir; --input_model_tgz holds one checkpoint; "
            f"received --checkpoint={checkpoint}"
        )


def require_segment_flags(segment_labels: bool, segment_label_ids_file: str) -> None:
    """Raises a `ValueError` where classes of segments are named, and no segments are wanted."""
    if segment_label_ids_file and not segment_labels:
        raise ValueError(
            "--segment_label_ids_file goes with --segment_labels; received "
            f"{segment_label_ids_file} without it"
        )
