"""The flags of `yt8m cdml-tables`, without TensorFlow and NumPy."""

from dataclasses import dataclass
from typing import Any

from yt8m_models.embedding.config import FUSIONS
from yt8m_models.embedding.training.config import EmbeddingTrainConfig
from yt8m_models.experiments.common.config import ExperimentConfig
from yt8m_models.program.option import Options, option, same_option
from yt8m_models.retrieval.evaluation.config import BITS, EvaluateRetrievalConfig

TABLES = (1, 2, 3)
FIGURES = (3,)


@dataclass(frozen=True)
class CDMLConfig(ExperimentConfig):
    """What to compare, on which graph and features, and where the results go."""

    tables: tuple[int, ...] = option(
        TABLES,
        "Tables of the paper. 1: random vectors, raw content features and CDML, of the first "
        "feature and of all; 2: architectures; 3: bits of a dimension.",
        choices=TABLES,
    )
    figures: tuple[int, ...] = option(
        FIGURES, "3: quality over --embedding_sizes, and over --step_counts.", choices=FIGURES
    )
    graph_dir: str = same_option(EmbeddingTrainConfig, "graph_dir")
    features_dir: str = same_option(EmbeddingTrainConfig, "features_dir")
    feature_names: tuple[str, ...] = option(
        (), "Features, in order, e.g. mean_rgb,mean_audio; all of --features_dir unless given."
    )
    fusions: tuple[str, ...] = option(
        ("early", "late"), "Table 2: fusions of the features.", required=True, choices=FUSIONS
    )
    hidden_sizes: tuple[str, ...] = option(
        ("2560", "4000", "4000-512", "4000-1024"),
        "Table 2: widths of the hidden layers, with a dash between layers; none for no such layer.",
        required=True,
    )
    content_model: str = option(
        "early-2560",
        "Table 1: fusion and widths of the hidden layers of CDML, as in the names of table 2's "
        "rows; nothing for --fusion and --hidden_size.",
    )
    bits: tuple[str, ...] = option(
        (
            *("512x32", "256x32", "32x32"),
            *("128x8", "256x4", "512x2"),
            *("128x4", "256x2", "128x2"),
        ),
        "Table 3: bits of a dimension (32, 8, 4 or 2), with the width of the embedding before an "
        "x unless it is --embedding_size. Every other row is float32.",
        required=True,
        distinct=True,
    )
    embedding_sizes: tuple[int, ...] = option(
        (16, 32, 64, 128, 256, 512, 1024),
        "Figure 3: widths of the embedding.",
        at_least=1,
        distinct=True,
    )
    step_counts: tuple[int, ...] = option(
        (1000, 10000, 100000),
        "Figure 3: steps of training, each by a training of its own.",
        at_least=1,
        distinct=True,
    )
    top_k: int = same_option(EvaluateRetrievalConfig, "top_k")
    relevance: str = same_option(EvaluateRetrievalConfig, "relevance")
    max_queries: int = same_option(EvaluateRetrievalConfig, "max_queries")
    keep_embeddings: bool = option(
        False, "Keep the embeddings of each run; otherwise they are removed when it is measured."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        for entry in self.hidden_sizes:
            hidden_widths(entry, "hidden_sizes")
        content_architecture(self.content_model)
        for entry in self.bits:
            size_and_bits(entry)


def hidden_widths(entry: str, flag: str) -> tuple[int, ...]:
    """The widths that an entry such as `4000-1000` stands for.

    Args:
        entry: widths with dashes between, or `none`.
        flag: which has the entry, for the error.

    Raises:
        ValueError: it is not `none`, and not numbers of at least 1 with dashes between.
    """
    if entry == "none":
        return ()
    widths = entry.split("-")
    if not all(width.isdecimal() and int(width) for width in widths):
        raise ValueError(
            f"--{flag} must be none, or widths such as 4000 or 4000-1000; received {entry!r}"
        )
    return tuple(map(int, widths))


def content_architecture(entry: str) -> dict[str, Any]:
    """The fusion and the hidden layers that `--content_model` stands for; none where it is empty.

    Raises:
        ValueError: it is not a fusion, a dash and widths.
    """
    if not entry:
        return {}
    fusion, _, widths = entry.partition("-")
    if fusion not in FUSIONS:
        raise ValueError(
            f"--content_model must be a fusion ({', '.join(FUSIONS)}), a dash and widths, such as "
            f"early-2560; received {entry!r}"
        )
    return {"fusion": fusion, "hidden_size": hidden_widths(widths, "content_model")}


def size_and_bits(entry: str) -> tuple[int | None, int]:
    """The width, `None` for that of the flags, and the bits that an entry of `--bits` stands for.

    Raises:
        ValueError: it is neither bits, nor a width of at least 1, an x and bits.
    """
    width, x, bits = entry.rpartition("x")
    if bits not in map(str, BITS) or (x and not (width.isdecimal() and int(width))):
        raise ValueError(
            f"--bits={entry}: must be one of {', '.join(map(str, BITS))}, with a width of at least "
            "1 and an x before it or without"
        )
    return (int(width) if x else None), int(bits)


@dataclass(frozen=True)
class EmbeddingTrainingFlags(Options):
    """How every row is trained; the fields are those of `EmbeddingTrainConfig`.

    The defaults are of the paper's grids (section 4.1.1).
    """

    loss: str = same_option(EmbeddingTrainConfig, "loss")
    margin: float = same_option(EmbeddingTrainConfig, "margin", 0.3)
    mining: str = same_option(EmbeddingTrainConfig, "mining")
    negatives: str = same_option(EmbeddingTrainConfig, "negatives")
    sample_by_weight: bool = same_option(EmbeddingTrainConfig, "sample_by_weight")
    graded_negatives: float = same_option(EmbeddingTrainConfig, "graded_negatives")
    batch_size: int = same_option(EmbeddingTrainConfig, "batch_size")
    base_learning_rate: float = same_option(EmbeddingTrainConfig, "base_learning_rate")
    learning_rate_decay: float = same_option(EmbeddingTrainConfig, "learning_rate_decay", 0.998)
    learning_rate_decay_steps: int = same_option(EmbeddingTrainConfig, "learning_rate_decay_steps")
    max_steps: int = same_option(EmbeddingTrainConfig, "max_steps")
    optimizer: str = same_option(EmbeddingTrainConfig, "optimizer")
    clip_gradient_norm: float = same_option(EmbeddingTrainConfig, "clip_gradient_norm")
    clip_mode: str = same_option(EmbeddingTrainConfig, "clip_mode")
    jit_compile: bool = same_option(EmbeddingTrainConfig, "jit_compile")
    export_model_steps: int = same_option(EmbeddingTrainConfig, "export_model_steps")
    save_checkpoint_minutes: float = same_option(EmbeddingTrainConfig, "save_checkpoint_minutes")
    log_steps: int = same_option(EmbeddingTrainConfig, "log_steps", 100)
    validation_fraction: float = same_option(EmbeddingTrainConfig, "validation_fraction")
    validation_candidates: int = same_option(EmbeddingTrainConfig, "validation_candidates")
    validation_queries: int = same_option(EmbeddingTrainConfig, "validation_queries")
    eval_batch_size: int = same_option(EmbeddingTrainConfig, "eval_batch_size")

    def train_config(self, **where: Any) -> EmbeddingTrainConfig:
        """These flags with `where` to train, and on what."""
        values = {**vars(self), **where}
        return EmbeddingTrainConfig(keep_checkpoints=1, projector_videos=0, **values)
