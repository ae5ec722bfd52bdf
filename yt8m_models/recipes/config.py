"""The flag that names a recipe, without TensorFlow (see `yt8m_models.program.command`)."""

from dataclasses import dataclass
from pathlib import Path

from yt8m_models.program.option import Options, option

RECIPES = {path.stem: str(path) for path in sorted(Path(__file__).parent.glob("*.flags"))}


@dataclass(frozen=True)
class RecipeConfig(Options):
    """Settings of a paper, which other flags change."""

    recipe: str = option(
        "",
        "Flags of a file of the package, as if they were given, unless the command line gives "
        "others.",
        choices=tuple(RECIPES),
    )
