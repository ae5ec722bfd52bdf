"""The flags of `yt8m split-log`, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.graph.split_time_options import SplitTimeOptions
from yt8m_models.graph.watch_log_options import WatchLogOptions
from yt8m_models.program.option import option


@dataclass(frozen=True)
class SplitLogConfig(SplitTimeOptions, WatchLogOptions):
    """The watch log to split, and where the two parts go."""

    output_dir: str = option(
        "",
        "Directory that receives train.csv and test.csv, cold_start_videos.txt, and at last "
        "split_log.json; local.",
        required=True,
    )
