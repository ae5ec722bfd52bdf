"""The flag that names a recipe of `yt8m sweep`, without Optuna."""

from dataclasses import dataclass
from pathlib import Path

from yt8m_models.program.option import Options, option

SWEEP_RECIPES = {path.stem: str(path) for path in sorted(Path(__file__).parent.glob("*.flags"))}


@dataclass(frozen=True)
class SweepRecipeConfig(Options):
    """The search of a paper, which other flags change."""

    recipe: str = option(
        "",
        "Flags of a file of the package, as if they were given, unless the command line gives "
        "others.",
        choices=tuple(SWEEP_RECIPES),
    )
