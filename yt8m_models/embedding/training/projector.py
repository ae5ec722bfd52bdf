"""What TensorBoard's embedding projector shows of a training.

In `train_dir/train`: tensors.tsv, an embedding a line; metadata.tsv, the id of its video and the
names of its classes; and projector_config.pbtxt, which names both.
"""

import io
from collections.abc import Sequence

import numpy as np
import pandas as pd

from yt8m_models.data.bad_records import Ledger
from yt8m_models.data.patterns import match_files
from yt8m_models.data.record_identity import identified_records
from yt8m_models.embedding.embedder import Embedder
from yt8m_models.embedding.loading import load_embedding_model
from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.features.table import Table
from yt8m_models.storage.text_file import read_text
from yt8m_models.storage.whole_file import join, write_text
from yt8m_models.training.train_dir import SUMMARIES

_NAME = "videos"


def write_projector(config: EmbeddingTrainConfig, table: Table) -> None:
    """Embeds some videos, drawn at random, with the model that was kept, and writes the files.

    Raises:
        ValueError: the records or the vocabulary cannot be read.
    """
    count = min(config.projector_videos, len(table))
    if count == 0:
        return
    rng = np.random.default_rng([config.seed, 2])
    rows = np.sort(rng.choice(len(table), count, replace=False))
    model, _ = load_embedding_model(config.train_dir)
    embeddings = Embedder(model, table, config.eval_batch_size)(rows)
    ids = table.ids[rows].tolist()
    metadata = [_text(video_id) for video_id in ids]
    if config.projector_records:
        classes = _classes(ids, config.projector_records, config.vocabulary)
        metadata = ["id\tclasses"] + [
            f"{video}\t{names}" for video, names in zip(metadata, classes, strict=True)
        ]
    directory = join(config.train_dir, SUMMARIES)
    lines = ["\t".join(f"{value:.6g}" for value in embedding) for embedding in embeddings.tolist()]
    write_text(join(directory, "tensors.tsv"), "\n".join(lines) + "\n")
    write_text(join(directory, "metadata.tsv"), "\n".join(metadata) + "\n")
    write_text(
        join(directory, "projector_config.pbtxt"),
        f'embeddings {{\n  tensor_name: "{_NAME}"\n  tensor_shape: {count}\n'
        f"  tensor_shape: {embeddings.shape[1]}\n"
        '  tensor_path: "tensors.tsv"\n  metadata_path: "metadata.tsv"\n}\n',
    )


def _classes(ids: Sequence[bytes], records: str, vocabulary: str) -> list[str]:
    """The names of each video's classes, with commas between; empty where there is no record."""
    names = _class_names(vocabulary) if vocabulary else {}
    wanted = set(ids)
    labels: dict[bytes, list[int]] = {}
    ledger = Ledger(0)
    for file in match_files(records):
        for _, identity in identified_records(file, ledger):
            if identity.video_id in wanted:
                labels[identity.video_id] = identity.labels
    return [
        ", ".join(_text(names.get(label, f"class {label}")) for label in labels.get(video_id, []))
        for video_id in ids
    ]


def _class_names(path: str) -> dict[int, str]:
    try:
        table = pd.read_csv(io.StringIO(read_text(path)), usecols=["Index", "Name"])
    except (OSError, ValueError) as error:
        raise ValueError(f"--vocabulary: cannot read {path}: {error}") from None
    return {
        int(index): str(name)
        for index, name in zip(table["Index"], table["Name"], strict=True)
        if isinstance(name, str)
    }


def _text(value: bytes | str) -> str:
    """A value as one cell of a table."""
    text = value.decode(errors="replace") if isinstance(value, bytes) else value
    return " ".join(text.split())
