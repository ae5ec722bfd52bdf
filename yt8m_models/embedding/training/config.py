"""The flags of `yt8m train-embedding`, without TensorFlow and NumPy."""

from dataclasses import dataclass

from yt8m_models.embedding.config import MININGS
from yt8m_models.program.option import Options, option, same_option
from yt8m_models.training.config import TrainConfig, check_init_from

LOSSES = {
    "hinge": "TripletHingeLoss",
    "log": "TripletLogLoss",
    "exponential": "TripletExponentialLoss",
}


@dataclass(frozen=True)
class EmbeddingTrainConfig(Options):
    """How to train: where, on which graph and features, and by which steps."""

    train_dir: str = option(
        "",
        "Directory for checkpoints and summaries. Training resumes from what it holds.",
        required=True,
    )
    graph_dir: str = option("", "Co-watch graph, as written by yt8m build-graph.", required=True)
    features_dir: str = option(
        "", "Features of the videos, as written by yt8m build-features.", required=True
    )
    feature_names: tuple[str, ...] = option(
        (), "Features to embed, in order, e.g. mean_rgb,mean_audio; all of them unless given."
    )
    start_new_model: bool = same_option(TrainConfig, "start_new_model")
    init_from: str = same_option(TrainConfig, "init_from")
    loss: str = option("hinge", "Triplet loss.", choices=tuple(LOSSES))
    margin: float = option(
        0.2,
        "How much further than the positive, in squared distance, a negative is to be.",
        at_least=0,
    )
    mining: str = option(
        "semi_hard",
        "Which of the batch's negatives an anchor takes: any (random), the nearest beyond the "
        "positive (semi_hard), the nearest (hardest), or its own (none).",
        choices=MININGS,
    )
    negatives: str = option(
        "uniform",
        "Where negatives come from: all training videos (uniform), or videos that were shown to a "
        "user who watched the anchor, and not co-watched (shown).",
        choices=("uniform", "shown"),
    )
    sample_by_weight: bool = option(
        False,
        "Draw co-watched pairs in proportion to the weights of their edges in --graph_dir; "
        "otherwise all are equally likely.",
    )
    graded_negatives: float = option(
        0.0,
        "Share of the triplets whose negative is co-watched with the anchor, by an edge of a lower "
        "weight than the positive's, where there is such a video. Above 0, mining takes such "
        "negatives too; otherwise none is co-watched.",
        at_least=0,
        at_most=1,
    )
    batch_size: int = option(
        7200, "Triplets in a batch, which all replicas share (--strategy).", at_least=1
    )
    base_learning_rate: float = same_option(TrainConfig, "base_learning_rate", 0.001)
    learning_rate_decay: float = option(
        0.95, "Factor of the learning rate every --learning_rate_decay_steps.", above=0
    )
    learning_rate_decay_steps: int = option(
        100000,
        "Steps after which the learning rate is multiplied by --learning_rate_decay.",
        at_least=1,
    )
    max_steps: int = option(
        100000, "Stop after this many steps.", aliases=("max_step",), at_least=1
    )
    optimizer: str = same_option(TrainConfig, "optimizer")
    clip_gradient_norm: float = same_option(TrainConfig, "clip_gradient_norm")
    clip_mode: str = same_option(TrainConfig, "clip_mode", "global")
    seed: int = option(
        0, "Seed of the weights, of the triplets and of the validation videos.", at_least=0
    )
    jit_compile: bool = same_option(TrainConfig, "jit_compile")
    strategy: str = same_option(TrainConfig, "strategy")
    export_model_steps: int = option(
        1000, "Steps between checkpoints, each of which is validated.", at_least=1
    )
    early_stopping_patience: int = same_option(TrainConfig, "early_stopping_patience")
    save_checkpoint_minutes: float = same_option(TrainConfig, "save_checkpoint_minutes")
    keep_checkpoints: int = same_option(TrainConfig, "keep_checkpoints")
    log_steps: int = option(10, "Steps between lines with the loss of a batch.", at_least=1)
    validation_fraction: float = option(
        0.1,
        "Share of the training videos that are kept out of the triplets, to be retrieved by others "
        "(NDCG@10): the checkpoint that does it best is kept in train_dir/best. 0 trains on all.",
        at_least=0,
        below=1,
    )
    validation_candidates: int = option(
        10000, "Keep out no more videos than this, however large their share is.", at_least=1
    )
    validation_queries: int = option(
        1000,
        "Training videos, co-watched with some of those, that they are retrieved for.",
        at_least=1,
    )
    eval_batch_size: int = option(1024, "Videos in a batch of validation.", at_least=1)
    projector_videos: int = option(
        2000,
        "Videos that TensorBoard's projector shows at the end of training; 0 for none.",
        at_least=0,
    )
    projector_records: str = option(
        "",
        "Records of these videos, of any level, whose labels the projector shows: file patterns "
        "with commas between, or @file with a path a line.",
    )
    vocabulary: str = option(
        "", "Names of the classes for the projector: a vocabulary.csv with Index and Name."
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        check_init_from(self.init_from, self.train_dir)
        if self.early_stopping_patience and not self.validation_fraction:
            raise ValueError(
                "--early_stopping_patience needs validation: --validation_fraction must be above "
                "0; received 0"
            )
        if self.graded_negatives and self.negatives != "uniform":
            raise ValueError(
                "--graded_negatives needs --negatives=uniform: what was shown is never co-watched; "
                f"received --negatives={self.negatives}"
            )
        if self.vocabulary and not self.projector_records:
            raise ValueError("--vocabulary needs --projector_records, which have the labels")
        if (self.loss, self.mining, self.margin) == ("hinge", "semi_hard", 0):
            raise ValueError(
                "--loss=hinge with --mining=semi_hard needs a --margin above 0: a negative beyond "
                "the positive costs nothing then, and nothing is learned; received --margin=0. "
                "With --mining=hardest, 0 does"
            )
