"""The flags of `yt8m annotate`, without TensorFlow."""

from dataclasses import dataclass

from yt8m_models.annotation.join_config import JoinConfig
from yt8m_models.config import DataConfig
from yt8m_models.program.option import Options, option, same_option
from yt8m_models.training.config import TrainConfig

PCA, MOE = "pca", "moe"
CDML = "cdml"
NUM_TAGS = 187  # of the paper's section 4.3.4


@dataclass(frozen=True)
class AnnotateConfig(Options):
    """What to train, on which records, and where the results go."""

    train_data_pattern: str = option(
        "",
        "Video-level training records: file patterns with commas between, or @file with a path a "
        "line.",
        required=True,
    )
    eval_data_pattern: str = option(
        "", "Validation records, on which GAP and mAP are measured.", required=True
    )
    output_dir: str = option(
        "", "Directory for the results, and for the runs they come from.", required=True
    )
    num_mixtures: tuple[int, ...] = option(
        (5, 10, 30, 100),
        "Experts of each class: a model is trained with each of these numbers.",
        required=True,
        at_least=1,
        distinct=True,
    )
    pca_components: tuple[int, ...] = option(
        (512, 64), "Dimensions that block PCA keeps of each of --feature_names."
    )
    whiten: bool = option(False, "Let all components of the PCA vary alike at the start.")
    cdml_dir: str = option(
        "",
        "Directory of embeddings (yt8m embed). They are joined to the "
        f"records, as the feature {CDML}, and every model is trained with and without them.",
    )
    cdml_components: int | None = option(
        None, "Dimensions that block PCA keeps of the embeddings of --cdml_dir; all unless given."
    )
    missing: str = same_option(JoinConfig, "missing")
    compare_without: str = option(
        "",
        "Train every model also without this one of --feature_names: for records that "
        "join_embeddings wrote, instead of --cdml_dir.",
    )
    single_features: bool | None = option(
        None,
        "Train every model also with each of --feature_names alone.",
        unless_given="true with --genome_dir",
    )
    genome_dir: str = option(
        "",
        "Directory of MovieLens-20M or 25M: frequent tags of genome-scores.csv take the place of "
        "the records' labels and of --num_classes. Other videos than movies of the genome are left "
        "out.",
    )
    trailers: str = option(
        "",
        "The trailer of each movie, a CSV file with movieId and youtubeId (or video_id), where the "
        "records are of trailers; otherwise their ids are those of movies.",
    )
    genome_min_movies: int = option(200, "Leave out tags that fewer movies have.", at_least=1)
    genome_relevance: float | None = option(
        None,
        "A movie has the tags of at least this relevance to it. The paper states none, but that "
        f"{NUM_TAGS} tags are left.",
        at_least=0,
        at_most=1,
        unless_given=f"the highest that leaves {NUM_TAGS} tags",
    )
    batch_size: int = option(
        512, "Videos in a batch of Adam, and of the sums for RPROP.", at_least=1
    )
    base_learning_rate: float = option(0.008, "Learning rate of Adam.", above=0)
    num_epochs: int = option(5, "Passes over the training records with Adam.", at_least=1)
    clip_gradient_norm: float = option(
        1.0, "Adam: largest norm of a variable's gradient; 0 does not clip.", at_least=0
    )
    adam_trains_pca: bool = option(
        False, "Adam trains the PCA too; otherwise it stays as fitted until RPROP."
    )
    phases: tuple[str, ...] = option(
        (PCA, MOE, PCA, MOE),
        f"What RPROP trains after Adam, in turn: {PCA}, {MOE}. --phases= leaves RPROP out.",
        choices=(PCA, MOE),
    )
    rprop_steps: int = option(
        10,
        "Full-batch steps of RPROP in each of --phases; each is a pass over the records.",
        at_least=1,
    )
    rprop_first_step: float = option(
        1e-3,
        "First change of each weight by RPROP. Too large a one spoils what Adam learnt, above all "
        "in the PCA: look at validation.csv.",
        above=0,
    )
    moe_l2: float = option(1e-8, "L2 penalty of the mixture of experts' weights.", at_least=0)
    expert_bias: bool = option(
        True, "Experts have a bias, as in the starter code; the paper's have none (equation 8)."
    )
    seed: int = option(0, "Seed of the weights and of the order of the records.", at_least=0)
    jit_compile: bool = option(True, "Compile the steps with XLA.")
    save_checkpoint_minutes: float = option(
        15.0,
        "Minutes between checkpoints; there is one after each epoch and each of --phases anyway.",
        at_least=0,
    )
    log_steps: int = option(10, "Steps of Adam between lines of training.csv.", at_least=1)
    eval_batch_size: int = same_option(TrainConfig, "eval_batch_size", 512)
    top_k: int = option(20, "Predictions per video that count in GAP and mAP.", at_least=1)
    num_readers: int = same_option(TrainConfig, "num_readers")
    max_bad_records: int = same_option(TrainConfig, "max_bad_records")

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.cdml_dir and self.compare_without:
            raise ValueError(
                "--compare_without is for records that have the embeddings already; received it "
                f"and --cdml_dir={self.cdml_dir}"
            )
        if self.trailers and not self.genome_dir:
            raise ValueError("--trailers needs --genome_dir, whose movies they are of")
        if self.cdml_components is not None and not self.cdml_dir:
            raise ValueError(
                "--cdml_components needs --cdml_dir; those of a feature of the records belong to "
                "--pca_components"
            )


@dataclass(frozen=True)
class VideoDataConfig(DataConfig):
    """The format of the records, video level: which features, how wide, how many classes."""

    feature_names: tuple[str, ...] = same_option(
        DataConfig, "feature_names", ("mean_rgb", "mean_audio")
    )
    feature_sizes: tuple[int, ...] = same_option(DataConfig, "feature_sizes", (1024, 128))

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.frame_features:
            raise ValueError("--frame_features must be false: whole videos are annotated")
