"""The flag that names a recipe of `yt8m train-embedding`, without TensorFlow."""

from dataclasses import dataclass

from yt8m_models.program.option import Options
from yt8m_models.recipes.config import recipe_option, recipes_beside

EMBEDDING_RECIPES = recipes_beside(__file__)


@dataclass(frozen=True)
class EmbeddingRecipeConfig(Options):
    """Settings of a paper, which other flags change."""

    recipe: str = recipe_option(EMBEDDING_RECIPES)
