"""The flag that names a recipe of `yt8m sweep`, without Optuna."""

from dataclasses import dataclass

from yt8m_models.program.option import Options
from yt8m_models.recipes.config import recipe_option, recipes_beside

SWEEP_RECIPES = recipes_beside(__file__)


@dataclass(frozen=True)
class SweepRecipeConfig(Options):
    """The search of a paper, which other flags change."""

    recipe: str = recipe_option(SWEEP_RECIPES)
