"""`yt8m split-log`: splits a watch log in two by time."""

from yt8m_models.graph.split_log.config import SplitLogConfig
from yt8m_models.program.command import Arguments, Program

PROGRAM = Program(
    "yt8m split-log",
    "Splits a watch log by time, for training and for tests. Videos that nobody watched before are "
    "cold-start videos: all of their rows before that time are left out, so that nothing of them "
    "trains.",
    SplitLogConfig,
    needs_tensorflow=False,
)


@PROGRAM.main
def main(arguments: Arguments) -> None:
    from yt8m_models.graph.split_log.splitting import TEST, TRAIN, split_log

    config = arguments[SplitLogConfig]
    summary = split_log(config, progress=True)
    print(
        f"{summary.num_train:,} rows before {summary.first_test_time} in "
        f"{config.output_dir}/{TRAIN}, {summary.num_test:,} from then on in "
        f"{config.output_dir}/{TEST}; {summary.num_cold_test:,} of these are of the "
        f"{summary.num_cold_videos:,} cold-start videos"
    )
    if summary.num_left_out:
        print(f"left out {summary.num_left_out:,} earlier impressions of cold-start videos")


if __name__ == "__main__":
    PROGRAM.run()
