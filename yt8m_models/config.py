"""What a data set and a model are, as plain values.

The programs build these dataclasses from their flags, `model_flags.json` stores them, and the
libraries receive them. This module imports neither TensorFlow nor Keras, so that `--help` and
wrong flags are answered at once. In each field's metadata, `help` is the flag's text and `aliases`
are the names that the starter code and the winning entries gave the same thing.
"""

import dataclasses
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from yt8m_models.poolings import BAGS_OF_FRAMES, FIXED_POOLINGS, POOLINGS
from yt8m_models.presets import PRESETS
from yt8m_models.program.option import Options, option

ASSIGNMENTS = (
    "decoupled",
    "uniform_priors",
    "shared_spherical",
    "spherical",
    "shared_diagonal",
    "diagonal",
)
UNEQUAL_FRAMES = ("trim", "pad", "error")
_LISTS: dict[str, Callable[[str], Any]] = {
    "feature_names": str.strip,
    "feature_sizes": int,
    "statistics": str.strip,
    "frame_layers": int,
}
# How a model is trained and on what: its weights and their predictions do not depend on these, so
# that a trained model goes on, and is evaluated, with other values.
TRAINING_ONLY = (
    *("segment_labels", "max_frames", "unequal_frames", "label_loss"),
    *("iterations", "sample_random_frames"),
    *("initial_scale", "batch_norm_decay", "moe_l2"),
    *("frame_dropout", "dropout", "hidden_dropout"),
)
_DERIVED: Any = None  # what `ModelConfig.resolved` derives from other values


@dataclass(frozen=True)
class DataConfig(Options):
    """The format of the records: which features, how wide, how many classes.

    Raises:
        ValueError: names and sizes of features differ in number, a size or a count is not
            positive, or `segment_labels` without `frame_features`.
    """

    feature_names: tuple[str, ...] = option(
        ("mean_rgb",),
        "Features to read, in order, e.g. rgb,audio or mean_rgb,mean_audio.",
        required=True,
        distinct=True,
    )
    feature_sizes: tuple[int, ...] = option(
        (1024,), "Width of each feature, e.g. 1024,128.", at_least=1
    )
    frame_features: bool = option(
        False, "Records are frame level (SequenceExample); otherwise video level (Example)."
    )
    segment_labels: bool = option(
        False, "Use the rated 5-frame segments of the 2019 release as examples."
    )
    num_classes: int = option(
        3862, "Number of classes; labels are 0 to num_classes - 1.", at_least=1
    )
    max_frames: int = option(300, "Frames of a video beyond this many are left out.", at_least=1)
    unequal_frames: str = option(
        "trim",
        "Videos whose features differ in their number of frames: trim reads the frames that all "
        "features have, pad fills the shorter ones up with 0, error refuses the record.",
        required=True,
        choices=UNEQUAL_FRAMES,
    )
    float_frames: bool = option(
        False,
        "Frames are floats, as yt8m extract --quantize=none writes them; otherwise 8 bits a value.",
    )

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.feature_names) != len(self.feature_sizes):
            raise ValueError(
                "--feature_names and --feature_sizes must have equally many entries; received "
                f"{list(self.feature_names)} and {list(self.feature_sizes)}"
            )
        if self.segment_labels and not self.frame_features:
            raise ValueError(
                "--segment_labels needs --frame_features: segments are cut from frames"
            )
        if self.float_frames and not self.frame_features:
            raise ValueError(
                "--float_frames needs --frame_features: video-level features are floats in any case"
            )


@dataclass(frozen=True)
class ModelConfig(Options):
    """The model: a preset by name, and what the flags change of it.

    `None` stands for the preset's value; `resolved` fills it in.
    """

    model: str = option("LogisticModel", "The preset to start from.", choices=tuple(PRESETS))
    pooling: str | None = option(None, "Pooling over frames.", choices=tuple(POOLINGS))
    num_clusters: int | None = option(
        None,
        "Clusters K of the first feature.",
        aliases=(
            "netvlad_cluster_size",
            "fv_cluster_size",
            "dbof_cluster_size",
            "nextvlad_cluster_size",
        ),
        at_least=1,
    )
    pool_per_feature: bool | None = option(
        None, "Pool rgb and audio by themselves and concatenate; otherwise all features together."
    )
    frame_layers: tuple[int, ...] | None = option(
        None,
        "Units of dense layers with batch normalisation and ReLU on each frame, all features "
        "together, before pooling.",
        at_least=1,
    )
    frame_dropout: float | None = option(
        None,
        "Fraction of the outputs of each of --frame_layers dropped in training.",
        at_least=0,
        below=1,
    )
    num_clusters_audio: int | None = option(
        None,
        "Clusters of each further feature; K / 2 unless given, K / 8 for bags of frames.",
        at_least=1,
    )
    assignment: str | None = option(
        None, "How frames are assigned to clusters.", choices=ASSIGNMENTS
    )
    initial_scale: float | None = option(
        None,
        "Deviation of the clusters at the start, where they have one; by the normalisation of the "
        "input unless given.",
        above=0,
    )
    statistics: tuple[str, ...] | None = option(
        None,
        "DSGMM: what to pool.",
        required=True,
        choices=("weights", "means", "covariances"),
        distinct=True,
    )
    gamma: float | None = option(
        None, "Smoothing of DSGMM: weight of the UBM, in frames.", at_least=0
    )
    gamma_weights: float | None = option(
        None, "--gamma of the weights; --gamma unless given.", at_least=0
    )
    gamma_means: float | None = option(
        None, "--gamma of the means; --gamma unless given.", at_least=0
    )
    gamma_covariances: float | None = option(
        None, "--gamma of the covariances; --gamma unless given.", at_least=0
    )
    fv_couple_weights: bool | None = option(
        None, "NetFV: the means are --fv_coupling_factor times the weights of the assignment."
    )
    fv_coupling_factor: float | None = option(None, "NetFV: see --fv_couple_weights.")
    intra_norm: bool | None = option(None, "L2-normalise the statistics of each cluster.")
    final_norm: bool | None = option(None, "L2-normalise the whole pooled vector.")
    iterations: int | None = option(
        None, "Frames sampled per video in training; 0 takes every frame.", at_least=0
    )
    sample_random_frames: bool | None = option(
        None,
        "Sample single frames, with replacement; otherwise one run of frames. Also in validation, "
        "evaluation and inference where they sample.",
    )
    hidden_size: int | None = option(
        None,
        "Units of the dense layer after pooling; 0 leaves the layer out.",
        aliases=(
            "netvlad_hidden_size",
            "fv_hidden_size",
            "dbof_hidden_size",
            "nextvlad_hidden_size",
        ),
    )
    hidden_dropout: float | None = option(
        None, "Fraction of the dense layer's outputs dropped in training.", at_least=0, below=1
    )
    hidden_activation: str | None = option(
        None, "Activation of the dense layer: none, relu, relu6, tanh, …"
    )
    batch_norm: bool | None = option(
        None,
        "Batch normalisation of the input, of the assignments and of the dense layer.",
        aliases=("netvlad_add_batch_norm", "dbof_add_batch_norm"),
    )
    input_batch_norm: bool | None = option(
        None, "--batch_norm of the input; off where --batch_norm is."
    )
    hidden_batch_norm: bool | None = option(
        None,
        "--batch_norm of the dense layer, instead of a bias; unless given, where it has an "
        "activation; off where --batch_norm is.",
    )
    batch_norm_decay: float | None = option(
        None,
        "Decay of the moving statistics that inference normalises by, which are bias-corrected.",
        at_least=0,
        below=1,
    )
    gating: bool | None = option(None, "Context gating after the dense layer.")
    gating_remove_diag: bool | None = option(
        None, "Context gating: a feature does not gate itself."
    )
    gating_reduction: int | None = option(
        None,
        "Make --gating squeeze-and-excitation gating, with a bottleneck this many times narrower; "
        "0 for context gating.",
        aliases=("nextvlad_gating_reduction",),
    )
    dropout: float | None = option(
        None,
        "Fraction of the pooled features dropped in training.",
        aliases=("drop_rate", "nextvlad_dropout"),
        at_least=0,
        below=1,
    )
    per_feature_l2_norm: bool | None = option(
        None, "L2-normalise each feature by itself instead of all together."
    )
    dbof_pooling_method: str | None = option(
        None, "DBoF: how frames are pooled.", choices=("average", "max")
    )
    dbof_activation: str | None = option(
        None, "DBoF: activation of the clusters, and in DbofModel of the dense layer too."
    )
    softdbof_maxpool: bool | None = option(
        None, "Soft DBoF: append the largest posterior of each cluster."
    )
    nextvlad_groups: int | None = option(
        None,
        "NeXtVLAD: groups of the first feature; each further one has half as many.",
        aliases=("groups",),
        at_least=1,
    )
    nextvlad_expansion: int | None = option(
        None, "NeXtVLAD: how many times wider frames are made.", aliases=("expansion",), at_least=1
    )
    attention_heads: int | None = option(None, "Self-attention pooling: heads.", at_least=1)
    attention_size: int | None = option(
        None,
        "Self-attention and feature-attention pooling: units of the layer that gives the weights.",
        at_least=1,
    )
    recurrent_cells: int | None = option(
        None, "LSTM and GRU: size of each state.", aliases=("lstm_cells", "gru_cells"), at_least=1
    )
    recurrent_layers: int | None = option(
        None, "LSTM and GRU: stacked layers.", aliases=("lstm_layers", "gru_layers"), at_least=1
    )
    recurrent_backward: bool | None = option(
        None,
        "LSTM and GRU: read from the last frame to the first.",
        aliases=("lstm_backward", "gru_backward"),
    )
    recurrent_state: str | None = option(
        None,
        "LSTM and GRU: what of the state at the end the classifier sees: the output of the last "
        "layer, or all layers' states, as in WILLOW.",
        choices=("last", "all"),
    )
    video_level_classifier_model: str | None = option(
        None, "Classifier of a frame-level model.", choices=("MoeModel", "LogisticModel")
    )
    moe_num_mixtures: int | None = option(
        None, "MoE: experts per class, without the dummy expert.", at_least=1
    )
    moe_l2: float | None = option(
        None, "L2 penalty of the classifier's weights.", aliases=("l2_penalty",), at_least=0
    )
    moe_prob_gating: bool | None = option(None, "MoE: context gating of the predictions.")
    moe_low_rank_gating: int | None = option(
        None, "MoE: rank of the gates' weights; 0 for full rank."
    )
    moe_mix_logits: bool | None = option(
        None, "MoE: mix the experts' logits, as NeXtVLAD's authors do, and not their probabilities."
    )

    def resolved(self) -> "ResolvedModel":
        """The same model with every value known: the flag's, the preset's or the default.

        Raises:
            ValueError: `assignment` does not fit a pooling by a UBM.
        """
        given = {k: v for k, v in dataclasses.asdict(self).items() if v is not None}
        defaults = {field.name: field.default for field in dataclasses.fields(ResolvedModel)}
        values: dict[str, Any] = {**defaults, **PRESETS[self.model], **given}
        if values["num_clusters_audio"] is None:
            divisor = 8 if values["pooling"] in BAGS_OF_FRAMES else 2
            values["num_clusters_audio"] = max(values["num_clusters"] // divisor, 1)
        if values["hidden_activation"] is None:
            values["hidden_activation"] = values["dbof_activation"]
        if values["hidden_batch_norm"] is None:
            values["hidden_batch_norm"] = values["hidden_activation"] != "none"
        for name in ("input_batch_norm", "hidden_batch_norm"):
            values[name] = values[name] and values["batch_norm"]
        if values["frame_layers"]:
            values["pool_per_feature"] = False  # the layers make one feature of all
        if values["pooling"] in FIXED_POOLINGS:
            if values["frame_layers"]:
                raise ValueError(
                    f"--frame_layers must be empty with --pooling={values['pooling']}, whose "
                    f"clusters are of recorded frames; received {list(values['frame_layers'])}"
                )
            values["input_batch_norm"] = False  # a UBM is of frames without it
            if values["assignment"] != "decoupled":
                raise ValueError(
                    f"--assignment must be decoupled with --pooling={values['pooling']}, whose "
                    f"assignment is that of a UBM; received {values['assignment']}"
                )
        for name in ("gamma_weights", "gamma_means", "gamma_covariances"):
            if values[name] is None:
                values[name] = values["gamma"]
        return ResolvedModel(**values)


@dataclass(frozen=True)
class ResolvedModel(ModelConfig):
    """A model of which every value is known; `ModelConfig.resolved` makes it.

    Here are the defaults, which hold where a preset names no other value. `initial_scale` alone may
    be `None`, which stands for the scale that fits the normalisation of the input.
    """

    pooling: str = "average"
    pool_per_feature: bool = True
    num_clusters: int = 256
    frame_layers: tuple[int, ...] = ()
    frame_dropout: float = 0.0
    num_clusters_audio: int = _DERIVED
    assignment: str = "decoupled"
    initial_scale: float | None = None
    statistics: tuple[str, ...] = ("means",)
    gamma: float = 0.125
    gamma_weights: float = _DERIVED
    gamma_means: float = _DERIVED
    gamma_covariances: float = _DERIVED
    fv_couple_weights: bool = False
    fv_coupling_factor: float = 0.01
    intra_norm: bool = True
    final_norm: bool = True
    iterations: int = 30
    sample_random_frames: bool = True
    hidden_size: int = 1024
    hidden_dropout: float = 0.0
    hidden_activation: str = "none"
    batch_norm: bool = True
    input_batch_norm: bool = True
    hidden_batch_norm: bool = _DERIVED
    batch_norm_decay: float = 0.95
    gating: bool = False
    gating_remove_diag: bool = False
    gating_reduction: int = 0
    dropout: float = 0.0
    per_feature_l2_norm: bool = False
    dbof_pooling_method: str = "max"
    dbof_activation: str = "sigmoid"
    softdbof_maxpool: bool = False
    nextvlad_groups: int = 8
    nextvlad_expansion: int = 2
    attention_heads: int = 8
    attention_size: int = 256
    recurrent_cells: int = 1024
    recurrent_layers: int = 2
    recurrent_backward: bool = False
    recurrent_state: str = "last"
    video_level_classifier_model: str = "MoeModel"
    moe_num_mixtures: int = 2
    moe_l2: float = 1e-8
    moe_prob_gating: bool = False
    moe_low_rank_gating: int = 0
    moe_mix_logits: bool = False


def model_flags(
    model: ModelConfig, data: DataConfig, label_loss: str = "CrossEntropyLoss"
) -> dict[str, Any]:
    """The content of `model_flags.json`: the starter code's keys in its form, and the rest."""
    record = {**dataclasses.asdict(data), **dataclasses.asdict(model), "label_loss": label_loss}
    for name in _LISTS:
        if record[name] is not None:
            record[name] = ",".join(str(value) for value in record[name])
    return record


def parse_model_flags(record: dict[str, Any]) -> tuple[ModelConfig, DataConfig, str]:
    """Inverse of `model_flags`; keys that a file lacks take their defaults.

    Raises:
        ValueError: a key is not known.
    """
    record = dict(record)
    label_loss = record.pop("label_loss", "CrossEntropyLoss")
    for name, kind in _LISTS.items():
        if record.get(name) is not None:
            record[name] = tuple(kind(value) for value in record[name].split(",") if value)
    names = {field.name for field in dataclasses.fields(DataConfig)} & set(record)
    data = DataConfig(**{name: record.pop(name) for name in names})
    if unknown := sorted(set(record) - {field.name for field in dataclasses.fields(ModelConfig)}):
        raise ValueError(f"model_flags.json has unknown keys: {', '.join(unknown)}")
    return ModelConfig(**record), data, label_loss
