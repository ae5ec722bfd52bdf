"""What to convert, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.config import DataConfig
from yt8m_models.program.option import Options, option, same_option

AUTO, YT8M, AUDIOSET, MEDIAPIPE = "auto", "yt8m", "audioset", "mediapipe"


@dataclass(frozen=True)
class ConvertConfig(Options):
    """The records to convert, what they are, and where the converted ones go."""

    input_data_pattern: str = option(
        "",
        "Records to convert: file patterns with commas between, or @file with a path a line. A .pb "
        "is one of MediaPipe's media sequences, as it is outside of record files.",
        required=True,
    )
    output_dir: str = option(
        "",
        "Directory for the converted records, in files named as the input's (.pb becomes "
        ".tfrecord), and conversion.json. A run that was interrupted goes on there.",
        required=True,
    )
    from_format: str = option(
        AUTO,
        "What the records are: mediapipe (media sequences with RGB/feature/floats and "
        "AUDIO/feature/floats), audioset (audio_embedding), yt8m (of 2017, whose id is video_id, "
        "or 2018, of any level), or auto: as the first record looks.",
        aliases=("from",),
        choices=(AUTO, MEDIAPIPE, AUDIOSET, YT8M),
    )
    to_format: str = option(
        YT8M,
        "What they become: yt8m (bytes of YouTube-8M's frame-level records of 2018) or mediapipe "
        "(media sequences of dequantised floats).",
        aliases=("to",),
        choices=(YT8M, MEDIAPIPE),
    )
    feature_keys: tuple[str, ...] = option(
        (),
        "Feature lists of the input, in the order of --feature_names. Unless given those of its "
        "format that the first record has.",
        distinct=True,
    )
    feature_names: tuple[str, ...] = option(
        (),
        "What the lists of --feature_keys are called in the output, e.g. rgb,audio.",
        distinct=True,
    )
    id_key: str = option(
        "",
        "Context feature with the id. Unless given the first of clip/media_id, example/id, id, "
        "video_id that is there, else the name of the file in clip/data_path.",
    )
    label_key: str = option(
        "",
        "Context feature with the class ids. Unless given the first of clip/label/index, "
        "example/label, labels that is there; without one a video has no labels.",
    )
    rgb_pca: str = option(
        "",
        "PCA for the floats of rgb before they are quantised, such as MediaPipe's unreduced 2,048: "
        "YouTube-8M's directory or .tgz, MediaPipe's .pb pair, or what yt8m fit-pca wrote.",
    )
    audio_pca: str = option("", "PCA for the floats of audio, as --rgb_pca, or AudioSet's .npz.")
    unequal_frames: str = same_option(DataConfig, "unequal_frames")
    max_bad_records: int = option(
        0, "Leave out up to this many corrupt records instead of stopping at the first.", at_least=0
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.feature_keys) != len(self.feature_names):
            raise ValueError(
                "--feature_keys and --feature_names must have equally many entries; received "
                f"{','.join(self.feature_keys) or 'nothing'} and "
                f"{','.join(self.feature_names) or 'nothing'}"
            )
