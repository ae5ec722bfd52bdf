"""What to recommend from, as plain values. Imports neither TensorFlow nor NumPy."""

from dataclasses import dataclass

from yt8m_models.program.option import option
from yt8m_models.recommendation.history_options import HistoryOptions

MEAN, MAX = "mean", "max"
AGGREGATIONS = (MEAN, MAX)


@dataclass(frozen=True)
class RecommendConfig(HistoryOptions):
    """The index, and how many videos for whom."""

    index_dir: str = option("", "Index of the videos to recommend.", required=True)
    embeddings_dir: str = option(
        "",
        "Take the watched videos' embeddings from here, exact and also of videos outside the "
        "index; from the index unless given.",
    )
    output: str = option(
        "", "CSV file for user_id,rank,video_id,score; standard output unless given."
    )
    recommender_dir: str = option(
        "",
        "Also keep the index, the embeddings and what users watched here, for "
        "yt8m serve --recommender.",
    )
    top_k: int = option(20, "Videos for each user.", at_least=1)
    aggregation: str = option(
        MEAN,
        "A video's score: the mean or the max of its similarities to the history's videos.",
        choices=AGGREGATIONS,
    )
