"""The flag that names a recipe, without TensorFlow (see `yt8m_models.program.command`)."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from yt8m_models.program.option import Options, option


def recipes_beside(module: str) -> dict[str, str]:
    """The files of flags beside a module, by the names of the recipes."""
    return {path.stem: str(path) for path in sorted(Path(module).parent.glob("*.flags"))}


def recipe_option(recipes: dict[str, str]) -> Any:
    """The field that names one of them."""
    return option(
        "",
        "Flags of a file of the package, as if they were given, unless the command line gives "
        "others.",
        choices=tuple(recipes),
    )


RECIPES = recipes_beside(__file__)


@dataclass(frozen=True)
class RecipeConfig(Options):
    """Settings of a paper, which other flags change."""

    recipe: str = recipe_option(RECIPES)
