"""The flag that names a recipe of `yt8m train-embedding`, without TensorFlow."""

from dataclasses import dataclass
from pathlib import Path

from yt8m_models.program.option import Options, option

EMBEDDING_RECIPES = {path.stem: str(path) for path in sorted(Path(__file__).parent.glob("*.flags"))}


@dataclass(frozen=True)
class EmbeddingRecipeConfig(Options):
    """Settings of a paper, which other flags change."""

    recipe: str = option(
        "",
        "Flags of a file of the package, as if they were given, unless the command line gives "
        "others.",
        choices=tuple(EMBEDDING_RECIPES),
    )
