"""`yt8m train-ubm`: trains the universal background model."""

from yt8m_models.gmm.config import FrameFormat, UBMConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m train-ubm",
    "Trains the universal background model (UBM), a Gaussian mixture of the frames of many videos, "
    "for --pooling=vlad and --pooling=sgmm, and for --init_clusters_from; and resumes where an "
    "earlier run in the same --output_dir stopped.",
    UBMConfig,
    FrameFormat,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.gmm.trainer import train_ubm

    train_ubm(arguments[UBMConfig], arguments[FrameFormat].data())


if __name__ == "__main__":
    PROGRAM.run()
