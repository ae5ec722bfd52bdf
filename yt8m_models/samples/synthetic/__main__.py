"""`yt8m synthetic`: writes synthetic YouTube-8M records."""

from yt8m_models.program.command import Arguments, Program
from yt8m_models.samples.synthetic.config import SyntheticConfig

PROGRAM = Program(
    "yt8m synthetic",
    "Writes synthetic records in the exact formats of YouTube-8M: long-tailed labels, frames that "
    "are noisy mixtures of what their classes look like. Write a validation set with another "
    "--seed and --prefix=validate.",
    SyntheticConfig,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.samples.synthetic.generator import write_synthetic

    config = arguments[SyntheticConfig]
    paths = write_synthetic(config, progress=True)
    print(f"{config.num_videos} videos in {len(paths)} files: {paths[0]} to {paths[-1]}")


if __name__ == "__main__":
    PROGRAM.run()
