"""The flags of `yt8m movielens`, without TensorFlow and NumPy."""

import math
from dataclasses import dataclass

from yt8m_models.program.option import Options, option

TABLES = (4, 5)
FIGURES = (5,)
AGGREGATIONS = ("mean", "max")
ALL, ABOVE_MEAN = "all", "above_mean"
BASELINES = ("svd", "nmf", "item_mean", "popularity", "constant")
TITLES, CDML = "titles", "cdml"

_AT_LEAST = {
    "min_test": 1,
    "top_k": 1,
    "title_features": 1,
    "svd_factors": 1,
    "svd_epochs": 1,
    "nmf_factors": 1,
    "nmf_epochs": 1,
    "cdml_steps": 0,
    "cdml_embedding_size": 1,
    "cdml_batch_size": 1,
    "cdml_min_likes": 1,
}


@dataclass(frozen=True)
class MovieLensConfig(Options):
    """What to compare, on which ratings, and where the results go.

    Raises:
        ValueError: a value is missing, unknown or outside its range; the message names the flag.
    """

    ratings: str = option(
        "",
        "Ratings: MovieLens' ratings.csv (userId,movieId,rating) or RecBole's .inter "
        "(user_id, item_id, rating).",
    )
    items: str = option(
        "",
        "Movies: MovieLens' movies.csv (movieId,title,genres) or RecBole's .item. Only "
        f"--features={TITLES} needs them.",
    )
    features: tuple[str, ...] = option(
        (TITLES,),
        "Vectors of the movies, with commas between; each is compared. A directory of embeddings "
        "or of features, or an .npz file with ids and features, by movie id; name=PATH gives it a "
        f"name. {TITLES} makes vectors from titles, years and genres.",
    )
    output_dir: str = option("", "Directory for the results, and for the runs they come from.")
    tables: tuple[int, ...] = option(
        TABLES,
        "Tables of the paper. 4: aggregation and history; 5: --training_counts ratings a user.",
    )
    figures: tuple[int, ...] = option(
        FIGURES, "Figures of the paper. 5: --figure_counts training ratings a user."
    )
    seeds: tuple[int, ...] = option((0, 1, 2, 3, 4), "Each split is drawn with each of these.")
    train_fraction: float = option(
        0.5, "Table 4: the part of each user's ratings that is for training."
    )
    training_counts: tuple[int, ...] = option(
        (10, 20, 50), "Table 5: training ratings N of each user."
    )
    figure_counts: tuple[int, ...] = option(
        (2, 3, 5, 7, 10, 15, 20, 30, 50), "Figure 5: training ratings N of each user."
    )
    min_test: int = option(10, "Users with fewer test ratings than this are left out.")
    aggregations: tuple[str, ...] = option(
        AGGREGATIONS, f"How similarities to a history are put together: {', '.join(AGGREGATIONS)}."
    )
    histories: tuple[str, ...] = option(
        (ALL, ABOVE_MEAN, "3", "4", "5"),
        "Table 4: which training ratings are a user's history: all, above_mean (above the user's "
        "mean), or a number of stars at least. A user of whom nothing is left keeps all of them.",
    )
    history: str = option(ABOVE_MEAN, "Table 5 and Figure 5: one of --histories.")
    baselines: tuple[str, ...] = option(
        BASELINES,
        f"What to compare with: {', '.join(BASELINES)}. svd and nmf are those of scikit-surprise.",
    )
    svd_factors: int = option(100, "SVD: number of factors.")
    svd_epochs: int = option(20, "SVD: passes over the training ratings.")
    nmf_factors: int = option(15, "NMF: number of factors.")
    nmf_epochs: int = option(50, "NMF: passes over the training ratings.")
    title_features: int = option(64, f"--features={TITLES}: dimensions.")
    cdml_steps: int = option(
        0,
        "Compare a CDML embedding too, whose input is the first of --features. It is trained for "
        "as many steps on movies that the same users like (--history), in the training ratings of "
        "each split; 0 trains none.",
    )
    cdml_hidden: tuple[int, ...] = option((256,), "CDML: widths of the hidden layers.")
    cdml_embedding_size: int = option(64, "CDML: width of the embedding.")
    cdml_batch_size: int = option(1000, "CDML: triplets in a batch.")
    cdml_learning_rate: float = option(0.001, "CDML: learning rate.")
    cdml_min_likes: int = option(2, "CDML: movies are neighbours where as many users like both.")
    top_k: int = option(10, "NDCG looks at this many of a user's ranked test movies.")
    relevant_stars: float = option(
        4.0, "Average precision: a movie with at least this many stars is a relevant one."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for name in ("ratings", "output_dir"):
            if not getattr(self, name).strip():
                raise ValueError(f"--{name} must be given; received nothing")
        if TITLES in self.features and not self.items.strip():
            raise ValueError(f"--items must be given for --features={TITLES}; received nothing")
        for name, known in (
            ("tables", TABLES),
            ("figures", FIGURES),
            ("aggregations", AGGREGATIONS),
            ("baselines", BASELINES),
        ):
            if unknown := [value for value in getattr(self, name) if value not in known]:
                raise ValueError(
                    f"--{name} must be of {', '.join(map(str, known))}; "
                    f"received {', '.join(map(str, unknown))}"
                )
        if not self.tables and not self.figures:
            raise ValueError("--tables or --figures must name one; received neither")
        for name, least in (("seeds", 0), ("training_counts", 1), ("figure_counts", 1)):
            values = getattr(self, name)
            if not values or min(values) < least or len(set(values)) < len(values):
                raise ValueError(
                    f"--{name} must be different numbers of at least {least}; "
                    f"received {','.join(map(str, values)) or 'none'}"
                )
        for name in ("features", "aggregations", "histories"):
            values = getattr(self, name)
            if not values or len(set(values)) < len(values):
                raise ValueError(
                    f"--{name} must name at least one, each once; "
                    f"received {','.join(values) or 'none'}"
                )
        for name, least in _AT_LEAST.items():
            if getattr(self, name) < least:
                raise ValueError(
                    f"--{name} must be at least {least}; received {getattr(self, name)}"
                )
        if not 0 < self.train_fraction < 1:
            raise ValueError(
                f"--train_fraction must be between 0 and 1; received {self.train_fraction}"
            )
        if not 0 < self.cdml_learning_rate < math.inf:
            raise ValueError(
                f"--cdml_learning_rate must be positive; received {self.cdml_learning_rate}"
            )
        if not math.isfinite(self.relevant_stars):
            raise ValueError(f"--relevant_stars must be a number; received {self.relevant_stars}")
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
