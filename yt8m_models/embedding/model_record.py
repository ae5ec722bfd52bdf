"""`embedding_model.json`: which embedding model a training directory has."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from yt8m_models.embedding.config import EmbeddingConfig
from yt8m_models.storage.result_file import read_result
from yt8m_models.storage.whole_file import join
from yt8m_models.training.train_dir import EMBEDDING_RECORD, write_record

_ADDED = {"sample_by_weight": False, "graded_negatives": 0.0}  # older records lack them
_MAY_CHANGE = ("loss", "margin", "mining", "negatives", "sample_by_weight", "graded_negatives")


@dataclass(frozen=True)
class ModelRecord:
    """An embedding model, its features, and what a training must keep when it resumes.

    Attributes:
        config: the model.
        names: its features, in order.
        sizes: their widths.
        training: flags of the training, by name.
    """

    config: EmbeddingConfig
    names: Sequence[str]
    sizes: Sequence[int]
    training: dict[str, Any] = field(default_factory=dict)

    @classmethod
    def read(cls, train_dir: str) -> "ModelRecord":
        """The record of a training directory.

        Raises:
            ValueError: there is none, or it cannot be understood.
        """
        path = join(train_dir, EMBEDDING_RECORD)
        record = read_result(path, cls._parse, "the record of an embedding")
        if record is None:
            raise ValueError(
                f"no {EMBEDDING_RECORD} in --train_dir={train_dir}: no embedding was trained there "
                "(yt8m train-embedding)"
            )
        return record

    @classmethod
    def _parse(cls, record: dict[str, Any]) -> "ModelRecord":
        return cls(
            EmbeddingConfig.from_record(record["model"]),
            tuple(record["feature_names"]),
            tuple(record["feature_sizes"]),
            {**_ADDED, **record["training"]},
        )

    def write(self, train_dir: str) -> None:
        """Writes the record as of `write_record`; the flags that say what is learnt may change.

        Raises:
            ValueError: the directory belongs to another model or training.
        """
        write_record(
            train_dir,
            EMBEDDING_RECORD,
            self._content(),
            self._flat(),
            lambda: ModelRecord.read(train_dir)._flat(),
            "training",
            _MAY_CHANGE,
        )

    def _content(self) -> dict[str, Any]:
        return {
            "model": self.config.record(),
            "feature_names": list(self.names),
            "feature_sizes": list(self.sizes),
            "training": self.training,
        }

    def _flat(self) -> dict[str, Any]:
        """All values by the name of their flag."""
        content = self._content()
        del content["model"]
        return {**vars(self.config), **content.pop("training"), **content}
