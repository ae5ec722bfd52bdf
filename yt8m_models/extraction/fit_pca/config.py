"""What to fit a PCA on, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class FitPCAConfig(Options):
    """The features, and where their PCA goes."""

    input_data_pattern: str = option(
        "",
        "Records of any level, or .npy arrays of floats with a row for each frame or video: file "
        "patterns with commas between, or @file with a path a line.",
        required=True,
    )
    feature_name: str = option(
        "rgb",
        "Feature of the records: a feature list of bytes, which are dequantised, or of floats such "
        "as MediaPipe's RGB/feature/floats; or a video-level feature such as mean_rgb. Arrays have "
        "no names.",
        required=True,
    )
    output_dir: str = option(
        "",
        "Directory for mean.npy, eigenvals.npy and eigenvecs.npy, as of YouTube-8M, and pca.json; "
        "local. A run that was interrupted goes on there.",
        required=True,
    )
    components: int | None = option(
        None,
        "Components to keep, those of the greatest variance.",
        at_least=1,
        unless_given="1024, or all where there are fewer",
    )
    max_bad_records: int = option(
        0,
        "Leave out up to this many corrupt or malformed records instead of stopping at the first.",
        at_least=0,
    )
