"""Flags of the original programs that say here something else, and what they say.

A name that is just another name of a flag is one of its `aliases` in `yt8m_models.config`. Here are
the flags whose values are other ones here (`--netvlad_relu`), and those of which one value alone is
what this project does (`--netvlad_dimred=-1`). This module imports no TensorFlow.
"""

import dataclasses
from dataclasses import dataclass
from typing import Any, NamedTuple

from yt8m_models.config import ModelConfig
from yt8m_models.poolings import BAGS_OF_FRAMES
from yt8m_models.program.command import Arguments
from yt8m_models.program.option import Options, option
from yt8m_models.storage.same_flags import flag_text

NETVLAD = ("netbow", "netvlad", "netrvlad", "vlagd", "dsgmm")


def _only(value: Any, help: str) -> Any:
    """A flag without a meaning here, and the one value that changes nothing: its old default."""
    return dataclasses.field(default=None, metadata={**option(None, help).metadata, "only": value})


@dataclass(frozen=True)
class OriginalFlags(Options):
    """Names of the original programs (starter code, WILLOW, NeXtVLAD).

    Raises:
        ValueError: a flag that has no meaning here has another value than its default.
    """

    netvlad_relu: bool | None = option(
        None, "--hidden_activation=relu6 after NetVLAD; none if false."
    )
    fv_relu: bool | None = option(None, "--hidden_activation=relu6 after NetFV; none if false.")
    dbof_relu: bool | None = option(
        None, "--hidden_activation=relu6 after DBoF, soft or gated; none if false."
    )
    lightvlad: bool | None = option(None, "--pooling=netrvlad instead of netvlad.")
    vlagd: bool | None = option(None, "--pooling=vlagd instead of netvlad.")
    lstm_random_sequence: bool | None = option(
        None,
        "As WILLOW's LSTM: --recurrent_state=all, and --iterations sampled frames (30 unless "
        "given), or every frame if false.",
    )
    gru_random_sequence: bool | None = option(
        None, "The GRU sees --iterations sampled frames (30 unless given), or every frame if false."
    )
    fc_dimred: bool | None = option(None, "--hidden_size=0 after soft or gated DBoF if false.")
    netvlad_dimred: int | None = _only(-1, "Only -1: the pooled vector keeps its size.")
    gatednetvlad_dimred: int | None = _only(1024, "Only 1024; no model uses it.")
    netvlad_hidden_size_video: int | None = _only(1024, "Only 1024; no model uses it.")
    netvlad_hidden_size_audio: int | None = _only(64, "Only 64; no model uses it.")
    lstm_cells_video: int | None = _only(1024, "Only 1024; no model uses it.")
    lstm_cells_audio: int | None = _only(128, "Only 128; no model uses it.")
    gru_cells_video: int | None = _only(1024, "Only 1024; no model uses it.")
    gru_cells_audio: int | None = _only(128, "Only 128; no model uses it.")
    dbof_var_features: int | None = _only(0, "Only 0: DBoF pools no variances.")
    moe_prob_gating_input: str | None = _only(
        "prob", "Only prob: --moe_prob_gating gates the predictions by themselves."
    )
    video_trainable: bool | None = _only(True, "Only true: the classifier is trained.")
    num_gpu: int | None = _only(1, "Only 1: --strategy says how to use several GPUs.")
    seg_num_frame: int | None = _only(5, "Only 5: the frames of a segment.")
    mix_number: int | None = _only(3, "Only 3, of MixNeXtVladModel, which is not here.")
    cl_temperature: float | None = _only(2.0, "Only 2, of MixNeXtVladModel.")
    cl_lambda: float | None = _only(1.0, "Only 1, of MixNeXtVladModel.")
    final_temperature: float | None = _only(1.0, "Only 1, of MixNeXtVladModel.")
    final_lambda: float | None = _only(1.0, "Only 1, of MixNeXtVladModel.")

    def __post_init__(self) -> None:
        super().__post_init__()
        for field in dataclasses.fields(self):
            value = getattr(self, field.name)
            if value not in (None, field.metadata.get("only", value)):
                received, meant = flag_text(value), field.metadata["help"]
                raise ValueError(f"--{field.name}={received} means nothing here. {meant}")


class Change(NamedTuple):
    """What a value of an original flag is here: `--field=value`."""

    flag: str
    field: str
    value: Any

    def __str__(self) -> str:
        here = f"--{self.field}={flag_text(self.value)}"
        return here if self.flag == self.field else f"--{self.flag}, which is {here}"


def translate(arguments: Arguments) -> Arguments:
    """A command line with the original flags turned into those of the model.

    Raises:
        ValueError: two flags contradict each other, or one is of another model; the message names
            them.
    """
    model = arguments[ModelConfig]
    changes = _changes(arguments[OriginalFlags], model, arguments)
    values: dict[str, Any] = {}
    typed = dict(arguments.typed)
    for change in changes:
        if change.field in typed:
            there = values.get(change.field, getattr(model, change.field))
            if there != change.value:
                other = Change(typed[change.field], change.field, there)
                raise ValueError(f"received {change}, and {other}")
            continue
        values[change.field] = change.value
        typed[change.field] = change.flag
    if model.moe_low_rank_gating == -1:
        values["moe_low_rank_gating"] = 0  # the original's way of saying full rank
    return arguments.replace(dataclasses.replace(model, **values), typed)


def _changes(flags: OriginalFlags, model: ModelConfig, arguments: Arguments) -> list[Change]:
    """What the given flags say here, after the check that they are of this model."""
    changes = []
    for name in _OTHERS:
        value = getattr(flags, name)
        if value is None:
            continue
        if not _is_ignored(name, value, model, arguments):
            changes += [Change(name, *said) for said in _said(name, value, model)]
    return changes


def _said(name: str, value: Any, model: ModelConfig) -> list[tuple[str, Any]]:
    """What a flag of a model says: fields of `ModelConfig` and their values."""
    if name.endswith("_relu"):
        return [("hidden_activation", "relu6" if value else "none")]
    if name in ("lightvlad", "vlagd"):
        return [("pooling", "netrvlad" if name == "lightvlad" else "vlagd")] if value else []
    if name.endswith("_random_sequence"):
        said: list[tuple[str, Any]] = []
        if not value or not model.iterations:
            said.append(("iterations", 30 if value else 0))
        if name == "lstm_random_sequence" and model.recurrent_state is None:
            said.append(("recurrent_state", "all"))
        return said
    return [] if value else [("hidden_size", 0)]  # fc_dimred


def _is_ignored(name: str, value: Any, model: ModelConfig, arguments: Arguments) -> bool:
    """Whether the original model ignores a flag; an error unless the flag has its default."""
    if not {"model", "pooling"} & arguments.given:
        return False  # the evaluation program reads the model from its directory
    poolings, default = _OTHERS[name]
    pooling = ModelConfig(model.model, model.pooling).resolved().pooling
    if pooling in poolings:
        return False
    if value != default:
        raise ValueError(
            f"--{name}={flag_text(value)} goes with --pooling={' or '.join(poolings)}; "
            f"received --model={model.model}, whose pooling is {pooling}"
        )
    return True


# The flags that say something else here: the poolings that they belong to, and their defaults.
_OTHERS: dict[str, tuple[tuple[str, ...], bool]] = {
    "netvlad_relu": (NETVLAD, True),
    "fv_relu": (("netfv",), True),
    "dbof_relu": (BAGS_OF_FRAMES, True),
    "lightvlad": (NETVLAD, False),
    "vlagd": (NETVLAD, False),
    "lstm_random_sequence": (("lstm",), False),
    "gru_random_sequence": (("gru",), False),
    "fc_dimred": (BAGS_OF_FRAMES, True),
}
