"""The PCA of each feature, from one pass over the training records."""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import tensorflow as tf

from yt8m_models.annotation.annotate.config import AnnotateConfig
from yt8m_models.config import DataConfig
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.extraction.streaming_pca import Components, StreamingPCA
from yt8m_models.program.interruption import Interruption
from yt8m_models.program.progress import Progress
from yt8m_models.storage.array_archive import read_arrays, write_arrays
from yt8m_models.storage.whole_file import join

_FILE = "pca.npz"


def fit_pca(
    config: AnnotateConfig,
    files: Sequence[str],
    data: DataConfig,
    components: Sequence[int],
    interruption: Interruption,
) -> tuple[int, dict[str, Components]] | None:
    """Fits the PCA of each feature, or reads what an earlier run fitted.

    Returns:
        The number of training videos, and the PCA by the name of the feature; `None` if
        interrupted.

    Raises:
        ValueError: a record is bad, or there are fewer videos than components.
    """
    path = join(config.output_dir, _FILE)
    if tf.io.gfile.exists(path):
        names = {
            name: [f"{name}/{field}" for field in Components._fields] for name in data.feature_names
        }
        arrays = read_arrays(path, ["num_videos", *itertools.chain(*names.values())])
        return int(arrays["num_videos"]), {
            name: Components(*(arrays[field] for field in fields)) for name, fields in names.items()
        }
    fits = [StreamingPCA(size) for size in data.feature_sizes]
    ends = np.cumsum(data.feature_sizes)
    pipeline = Pipeline(files, data, pipeline_options(config))
    with Progress(description="PCA") as progress:
        for batch in pipeline:
            rows = batch["video_matrix"].numpy()
            for fit, end in zip(fits, ends, strict=True):
                fit.add(rows[:, end - fit.size : end])
            progress.update(len(rows))
            if interruption.signal is not None:
                return None
    if summary := pipeline.ledger.summary():
        print(f"Training records: {summary}")
    fitted = {}
    for name, number, fit in zip(data.feature_names, components, fits, strict=True):
        if fit.count < number:
            raise ValueError(
                f"the PCA of {name} has {number} components, which need as many training videos; "
                f"there are {fit.count}: choose fewer with --pca_components or --cdml_components"
            )
        try:
            fitted[name] = fit.components(number, config.whiten)
        except ValueError as error:
            raise ValueError(f"--whiten, feature {name}: {error}") from error
    arrays = {"num_videos": np.array(fits[0].count)}
    for name, found in fitted.items():
        arrays |= {f"{name}/{field}": value for field, value in found._asdict().items()}
    write_arrays(path, arrays)
    return fits[0].count, fitted


def pipeline_options(config: AnnotateConfig, **others: Any) -> PipelineOptions:
    """How records are read: each once and in any order, unless `others` say otherwise."""
    flags = ("batch_size", "num_readers", "max_bad_records")
    return PipelineOptions(**{**{name: getattr(config, name) for name in flags}, **others})
