"""The flags of `yt8m movielens`, without TensorFlow and NumPy."""

import math
from dataclasses import dataclass

from yt8m_models.experiments.common.config import ExperimentConfig
from yt8m_models.program.option import option

TABLES = (4, 5)
FIGURES = (5,)
AGGREGATIONS = ("mean", "max")
MORE_AGGREGATIONS = ("top_2_mean", "top_3_mean", "top_5_mean", "variance")
ALL, ABOVE_MEAN = "all", "above_mean"
IMPUTED_SVDS = ("svd_item_mean", "svd_global_mean")
BASELINES = ("svd", *IMPUTED_SVDS, "nmf", "item_mean", "popularity", "constant")
TITLES, CDML = "titles", "cdml"


@dataclass(frozen=True)
class MovieLensConfig(ExperimentConfig):
    """What to compare, on which ratings, and where the results go."""

    tables: tuple[int, ...] = option(
        TABLES,
        "Tables of the paper. 4: aggregation and history; 5: --training_counts ratings a user.",
        choices=TABLES,
    )
    figures: tuple[int, ...] = option(
        FIGURES,
        "Figures of the paper. 5: --figure_counts training ratings a user.",
        choices=FIGURES,
    )
    ratings: str = option(
        "",
        "Ratings: MovieLens' ratings.csv (userId,movieId,rating), ratings.dat or u.data, or "
        "RecBole's .inter (user_id, item_id, rating).",
        required=True,
    )
    items: str = option(
        "",
        "Movies: MovieLens' movies.csv (movieId,title,genres), movies.dat or u.item, or RecBole's "
        ".item. Only "
        f"--features={TITLES} needs them.",
    )
    features: tuple[str, ...] = option(
        (TITLES,),
        "Vectors of the movies, with commas between; each is compared. A directory of embeddings "
        "or of features, or an .npz file with ids and features, by movie id; name=PATH gives it a "
        f"name. {TITLES} makes vectors from titles, years and genres.",
        required=True,
        distinct=True,
    )
    trailers: str = option(
        "",
        "The trailer of each movie, a CSV file with movieId and youtubeId (or video_id): paths of "
        "--features then have vectors by video id. Movies without a trailer have none.",
    )
    seeds: tuple[int, ...] = option(
        (0, 1, 2, 3, 4),
        "Each split is drawn with each of these.",
        required=True,
        at_least=0,
        distinct=True,
    )
    train_fraction: float = option(
        0.5, "Table 4: the part of each user's ratings that is for training.", above=0, below=1
    )
    training_counts: tuple[int, ...] = option(
        (10, 20, 50),
        "Table 5: training ratings N of each user.",
        required=True,
        at_least=1,
        distinct=True,
    )
    figure_counts: tuple[int, ...] = option(
        (2, 3, 5, 7, 10, 15, 20, 30, 50),
        "Figure 5: training ratings N of each user.",
        required=True,
        at_least=1,
        distinct=True,
    )
    min_test: int = option(10, "Users with fewer test ratings than this are left out.", at_least=1)
    aggregations: tuple[str, ...] = option(
        AGGREGATIONS,
        "How similarities to a history are put together: their mean, their max, the mean of the "
        "2, 3 or 5 largest, or their variance.",
        required=True,
        choices=(*AGGREGATIONS, *MORE_AGGREGATIONS),
        distinct=True,
    )
    histories: tuple[str, ...] = option(
        (ALL, ABOVE_MEAN, "3", "4", "5"),
        "Table 4: which training ratings are a user's history: all, above_mean (above the user's "
        "mean), or a number of stars at least. A user of whom nothing is left keeps all of them.",
        required=True,
        distinct=True,
    )
    history: str = option(ABOVE_MEAN, "Table 5 and Figure 5: one of --histories.")
    baselines: tuple[str, ...] = option(
        BASELINES,
        "What to compare with. svd and nmf are those of scikit-surprise, of which svd learns "
        "biases of users and movies; svd_item_mean and svd_global_mean are plain truncated SVDs "
        "of the matrix with that mean where there is no rating.",
        choices=BASELINES,
    )
    svd_factors: int = option(100, "SVD: number of factors.", at_least=1)
    imputed_svd_rank: int = option(
        5, "svd_item_mean and svd_global_mean: rank, 5 in the paper.", at_least=1
    )
    svd_epochs: int = option(20, "SVD: passes over the training ratings.", at_least=1)
    nmf_factors: int = option(15, "NMF: number of factors.", at_least=1)
    nmf_epochs: int = option(50, "NMF: passes over the training ratings.", at_least=1)
    title_features: int = option(64, f"--features={TITLES}: dimensions.", at_least=1)
    cdml_steps: int = option(
        0,
        "Compare a CDML embedding too, whose input is the first of --features. It is trained for "
        "as many steps on movies that the same users like (--history), in the training ratings of "
        "each split; 0 trains none.",
        at_least=0,
    )
    cdml_hidden_size: tuple[int, ...] = option(
        (256,), "CDML: widths of the hidden layers.", aliases=("cdml_hidden",)
    )
    cdml_embedding_size: int = option(64, "CDML: width of the embedding.", at_least=1)
    cdml_batch_size: int = option(1000, "CDML: triplets in a batch.", at_least=1)
    cdml_learning_rate: float = option(0.001, "CDML: learning rate.", above=0)
    cdml_min_likes: int = option(
        2, "CDML: movies are neighbours where as many users like both.", at_least=1
    )
    top_k: int = option(10, "NDCG looks at this many of a user's ranked test movies.", at_least=1)
    relevant_stars: float = option(
        4.0, "Average precision: a movie with at least this many stars is a relevant one."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if TITLES in self.features and not self.items.strip():
            raise ValueError(f"--items must be given for --features={TITLES}; received nothing")
        for history in self.histories:
            min_stars(history)
        if self.history not in self.histories:
            raise ValueError(
                f"--history must be one of --histories={','.join(self.histories)}; "
                f"received {self.history}"
            )


def min_stars(history: str) -> float | None:
    """The stars that a rating needs to be part of a history; `None` where stars do not matter.

    Raises:
        ValueError: the name is not that of a history.
    """
    if history in (ALL, ABOVE_MEAN):
        return None
    try:
        stars = float(history)
    except ValueError:
        stars = math.nan
    if not math.isfinite(stars):
        raise ValueError(
            f"--histories must be {ALL}, {ABOVE_MEAN} or numbers of stars; received {history!r}"
        )
    return stars
