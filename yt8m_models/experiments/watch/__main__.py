"""`yt8m watch-tables`: the tables of the DSGMM paper on what users watch."""

from yt8m_models.experiments.watch.config import (
    FrameEmbeddingFlags,
    WatchConfig,
    WatchTrainingFlags,
)
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m watch-tables",
    "Trains embeddings of frames on what is watched together before a time, over several seeds, "
    "and measures how well they tell what users watch from then on (AUC): by the similarity to "
    "what a user watched before (Table 6 of the DSGMM paper) and by GLMix (Table 7). results.csv, "
    "results.md and plots in --output_dir; the same command goes on where an interrupted one "
    "stopped.",
    WatchConfig,
    WatchTrainingFlags,
    FrameEmbeddingFlags,
)


@PROGRAM.main
def main(arguments: Arguments) -> int | None:
    from yt8m_models.experiments.watch.experiment import run_watch

    return run_watch(
        arguments[WatchConfig], arguments[WatchTrainingFlags], arguments[FrameEmbeddingFlags]
    )


if __name__ == "__main__":
    PROGRAM.run()
