"""The flags of features of video files, without TensorFlow and NumPy."""

import dataclasses
from dataclasses import dataclass
from fractions import Fraction

from yt8m_models.program.option import Options, option

VIDEOS_HELP = (
    "Video files: patterns with commas between, @file with a path a line, or a .csv with the "
    "columns path and, where wanted, video_id and labels. The id of a video is the name of its "
    "file without the suffix unless a CSV gives another."
)


@dataclass(frozen=True)
class ExtractionConfig(Options):
    """How features are made of video files.

    Raises:
        ValueError: `frames_per_second` is no positive number, or there is neither a picture nor a
            sound feature, or weights or a PCA of one that there is not.
    """

    frames_per_second: str = option(
        "1", "Frames that are taken of a second: a number or a fraction such as 1/3.", required=True
    )
    max_frames: int = option(
        300, "Frames of a video beyond this many are left out; 0 takes all.", at_least=0
    )
    audio_hop: float = option(
        1.0,
        "Seconds from one patch of sound to the next, of 0.96 s each: 1 as MediaPipe has it, 0.96 "
        "as AudioSet.",
        choices=(1.0, 0.96),
    )
    rgb_model: str = option(
        "inception_v3",
        "Network for the pictures: inception_v3 or another name of keras.applications, yt8m (the "
        "original graph), keras_hub:PRESET; or none.",
        required=True,
    )
    rgb_weights: str = option(
        "", "File of its weights; unless given, Keras downloads ImageNet's at the first use."
    )
    audio_model: str = option(
        "log_mel",
        "Network for the sound: log_mel (statistics of the spectrogram, without weights), vggish; "
        "or none.",
        required=True,
    )
    audio_weights: str = option("", "File of its weights.")
    rgb_pca: str = option(
        "",
        "PCA of the picture features: a folder or .tgz of YouTube-8M's mean.npy, eigenvals.npy and "
        "eigenvecs.npy, as yt8m fit-pca writes, or MediaPipe's .pb pair.",
    )
    audio_pca: str = option("", "PCA of the sound features; also AudioSet's .npz.")
    quantize: str = option(
        "yt8m",
        "Frames in 8 bits a value, from -2 to 2 as in YouTube-8M, or none: as floats, which "
        "--float_frames reads.",
        choices=("yt8m", "none"),
    )
    level: str = option(
        "frame",
        "Records of frames, or of videos: the means of their frames, as floats.",
        choices=("frame", "video"),
    )
    batch_size: int = option(32, "Pictures in a batch of the network.", at_least=1)
    num_threads: int = option(2, "Videos that are decoded at the same time.", at_least=1)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.rate <= 0:
            raise ValueError(
                f"--frames_per_second must be above 0; received {self.frames_per_second}"
            )
        if self.rgb_model == self.audio_model == "none":
            raise ValueError(
                "--rgb_model and --audio_model must not both be none: there is nothing to extract"
            )
        for kind in ("rgb", "audio"):
            for name in (f"{kind}_weights", f"{kind}_pca"):
                if getattr(self, f"{kind}_model") == "none" and getattr(self, name):
                    raise ValueError(
                        f"--{name} needs --{kind}_model; received {getattr(self, name)} with "
                        f"--{kind}_model=none"
                    )

    @property
    def rate(self) -> Fraction:
        """`frames_per_second` as a number."""
        try:
            return Fraction(self.frames_per_second)
        except (ValueError, ZeroDivisionError):
            raise ValueError(
                "--frames_per_second must be a number or a fraction such as 1/3; received "
                f"{self.frames_per_second}"
            ) from None

    @property
    def hop(self) -> Fraction:
        """`audio_hop` as an exact number."""
        return Fraction(str(self.audio_hop))

    @property
    def is_quantized(self) -> bool:
        """Whether records have 8 bits a value."""
        return self.level == "frame" and self.quantize == "yt8m"

    def feature_name(self, kind: str) -> str:
        """The name in records of the feature `rgb` or `audio`."""
        return kind if self.level == "frame" else f"mean_{kind}"

    @property
    def flags(self) -> dict[str, str | int | float]:
        """The flags that features depend on, by which they can be made again."""
        values = dataclasses.asdict(self)
        return {k: v for k, v in values.items() if k not in ("batch_size", "num_threads")}
