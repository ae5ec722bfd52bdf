"""The models that are compared: each set of features with each number of mixtures."""

import dataclasses
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from yt8m_models.annotation.annotate.config import CDML, AnnotateConfig
from yt8m_models.annotation.annotate.measure import VIDEO_MAP
from yt8m_models.config import DataConfig
from yt8m_models.storage.result_file import read_result
from yt8m_models.storage.whole_file import join

RESULT = "result.json"
ADAM, FINAL = "Adam", "RPROP"


@dataclass(frozen=True)
class Run:
    """One model to train.

    Attributes:
        data: the features it takes, and the number of classes.
        components: dimensions that block PCA keeps of each.
        num_mixtures: experts of each class.
        directory: its checkpoints, curves and result.
    """

    data: DataConfig
    components: tuple[int, ...]
    num_mixtures: int
    directory: str

    @property
    def features(self) -> str:
        """The features, as in `mean_rgb+mean_audio`."""
        return "+".join(self.data.feature_names)

    def result(self) -> list[dict[str, Any]] | None:
        """Its rows of the results, one for each stage; `None` while it is not done.

        Raises:
            ValueError: the file is not a result.
        """
        return read_result(
            join(self.directory, RESULT),
            lambda rows: [{**row, VIDEO_MAP: row.get(VIDEO_MAP, math.nan)} for row in rows],
        )


def plan(config: AnnotateConfig, data: DataConfig, components: Sequence[int]) -> list[Run]:
    """All runs: by number of mixtures, each feature alone if asked, and all of them.

    All come without the compared feature and with it.

    Args:
        config: the flags.
        data: all features of the records.
        components: dimensions that block PCA keeps of each.
    """
    compared = CDML if config.cdml_dir else config.compare_without
    features = list(zip(data.feature_names, data.feature_sizes, components, strict=True))
    without = [each for each in features if each[0] != compared]
    sets = [without, features] if compared else [features]
    singles = bool(config.genome_dir) if config.single_features is None else config.single_features
    if singles and len(without) > 1:
        sets = [*([each] for each in without), *sets]
    runs = []
    for mixtures in config.num_mixtures:
        for names, sizes, kept in (zip(*each, strict=True) for each in sets):
            directory = join(config.output_dir, "runs", "+".join(names), f"mixtures{mixtures}")
            run_data = DataConfig(names, sizes, num_classes=data.num_classes)
            runs.append(Run(run_data, kept, mixtures, directory))
    return runs


def check(config: AnnotateConfig, data: DataConfig) -> None:
    """Refuses flags that do not fit each other.

    Raises:
        ValueError: `--pca_components` do not fit the features, or `--compare_without` is none of
            them, or the only one; or the records have the feature that `--cdml_dir` would add.
    """
    names, sizes, kept = data.feature_names, data.feature_sizes, config.pca_components
    if len(kept) != len(names) or any(
        not 1 <= number <= size for number, size in zip(kept, sizes, strict=True)
    ):
        raise ValueError(
            "--pca_components must be a number for each of --feature_names, at least 1 and at most "
            f"its size; received {','.join(map(str, kept))} for {','.join(names)} of sizes "
            f"{','.join(map(str, sizes))}"
        )
    if config.compare_without and (config.compare_without not in names or len(names) == 1):
        raise ValueError(
            "--compare_without must be one of several --feature_names; received "
            f"{config.compare_without} and {','.join(names)}"
        )
    if config.cdml_dir and CDML in names:
        raise ValueError(
            f"--cdml_dir adds the feature {CDML}, which --feature_names has already; "
            f"--compare_without={CDML} compares with and without that of the records"
        )


def with_cdml(
    config: AnnotateConfig, data: DataConfig, size: int
) -> tuple[DataConfig, tuple[int, ...]]:
    """The features with the embeddings of `--cdml_dir` as one more, and the components of all.

    Raises:
        ValueError: `--cdml_components` are more than the embeddings have dimensions.
    """
    kept = size if config.cdml_components is None else config.cdml_components
    if not 1 <= kept <= size:
        raise ValueError(
            f"--cdml_components must be at least 1 and at most {size}, the size of the embeddings "
            f"in {config.cdml_dir}; received {kept}"
        )
    joined = dataclasses.replace(
        data, feature_names=(*data.feature_names, CDML), feature_sizes=(*data.feature_sizes, size)
    )
    return joined, (*config.pca_components, kept)
