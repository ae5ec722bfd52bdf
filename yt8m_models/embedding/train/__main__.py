"""`yt8m train-embedding`: trains an embedding on triplets of a co-watch graph."""

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.program.command import Arguments, Program
from yt8m_models.recipes.embedding.config import EMBEDDING_RECIPES, EmbeddingRecipeConfig

PROGRAM = Program(
    "yt8m train-embedding",
    "Trains an embedding of videos, so that videos watched together are near each other, on "
    "triplets of a co-watch graph; and resumes where an earlier run in the same --train_dir "
    "stopped.",
    EmbeddingRecipeConfig,
    EmbeddingTrainConfig,
    EmbeddingConfig,
    recipes=EMBEDDING_RECIPES,
)


@PROGRAM.main
def main(arguments: Arguments) -> int | None:
    from yt8m_models.embedding.training.trainer import train

    return train(arguments[EmbeddingTrainConfig], arguments[EmbeddingConfig])["signal"]


if __name__ == "__main__":
    PROGRAM.run()
