"""The flags of the original programs, on the command lines of training and evaluation."""

import dataclasses

import pytest

from eval.__main__ import PROGRAM as EVAL
from yt8m_models import original_flags
from yt8m_models.compat.import_checkpoint.__main__ import PROGRAM as IMPORT
from yt8m_models.config import ModelConfig
from yt8m_models.original_flags import OriginalFlags
from yt8m_models.program.command import UsageError
from yt8m_models.training.__main__ import PROGRAM as TRAIN
from yt8m_models.training.config import TrainConfig

DATA = "--train_data_pattern=train*.tfrecord"
ONLY = {
    field.name: field.metadata["only"]
    for field in dataclasses.fields(OriginalFlags)
    if "only" in field.metadata
}

# model, flag of an original program, what it is here
SAME = [
    ("NetVLADModelLF", "netvlad_cluster_size=64", "num_clusters", 64),
    ("NetVLADModelLF", "netvlad_hidden_size=512", "hidden_size", 512),
    ("NetVLADModelLF", "netvlad_add_batch_norm=False", "batch_norm", False),
    ("NetVLADModelLF", "netvlad_relu=True", "hidden_activation", "relu6"),
    ("NetVLADModelLF", "netvlad_relu=False", "hidden_activation", "none"),
    ("NetVLADModelLF", "nonetvlad_relu", "hidden_activation", "none"),
    ("NetVLADModelLF", "lightvlad=True", "pooling", "netrvlad"),
    ("NetVLADModelLF", "lightvlad=False", "pooling", None),
    ("NetVLADModelLF", "vlagd", "pooling", "vlagd"),
    ("NetVLADModelLF", "vlagd=False", "pooling", None),
    ("NetVLADModelLF", "gating=False", "gating", False),
    ("NetVLADModelLF", "gating_remove_diag=True", "gating_remove_diag", True),
    ("NetVLADModelLF", "iterations=300", "iterations", 300),
    ("NetVLADModelLF", "sample_random_frames=False", "sample_random_frames", False),
    ("NetVLADModelLF", "moe_prob_gating=True", "moe_prob_gating", True),
    ("NetVLADModelLF", "moe_l2=1e-6", "moe_l2", 1e-6),
    ("NetVLADModelLF", "moe_num_mixtures=4", "moe_num_mixtures", 4),
    ("NetVLADModelLF", "moe_low_rank_gating=-1", "moe_low_rank_gating", 0),
    ("NetVLADModelLF", "moe_low_rank_gating=8", "moe_low_rank_gating", 8),
    (
        "NetVLADModelLF",
        "video_level_classifier_model=LogisticModel",
        "video_level_classifier_model",
        "LogisticModel",
    ),
    ("NetFVModelLF", "fv_cluster_size=128", "num_clusters", 128),
    ("NetFVModelLF", "fv_hidden_size=1024", "hidden_size", 1024),
    ("NetFVModelLF", "fv_relu=True", "hidden_activation", "relu6"),
    ("NetFVModelLF", "fv_relu=False", "hidden_activation", "none"),
    ("NetFVModelLF", "fv_couple_weights=True", "fv_couple_weights", True),
    ("NetFVModelLF", "fv_coupling_factor=0.02", "fv_coupling_factor", 0.02),
    ("DbofModel", "dbof_cluster_size=64", "num_clusters", 64),
    ("DbofModel", "dbof_hidden_size=32", "hidden_size", 32),
    ("DbofModel", "dbof_add_batch_norm=False", "batch_norm", False),
    ("DbofModel", "dbof_pooling_method=average", "dbof_pooling_method", "average"),
    ("DbofModel", "dbof_activation=relu6", "dbof_activation", "relu6"),
    ("SoftDbofModelLF", "dbof_relu=True", "hidden_activation", "relu6"),
    ("GatedDbofModelLF", "dbof_relu=False", "hidden_activation", "none"),
    ("SoftDbofModelLF", "softdbof_maxpool=True", "softdbof_maxpool", True),
    ("SoftDbofModelLF", "fc_dimred=False", "hidden_size", 0),
    ("SoftDbofModelLF", "fc_dimred=True", "hidden_size", None),
    ("LstmModel", "lstm_cells=16", "recurrent_cells", 16),
    ("LstmModel", "lstm_layers=3", "recurrent_layers", 3),
    ("LstmModel", "lstm_backward=True", "recurrent_backward", True),
    ("LstmModel", "lstm_random_sequence=True", "iterations", 30),
    ("LstmModel", "lstm_random_sequence=True --iterations=150", "iterations", 150),
    ("LstmModel", "lstm_random_sequence=True", "recurrent_state", "all"),
    ("LstmModel", "lstm_random_sequence=True --recurrent_state=last", "recurrent_state", "last"),
    ("LstmModel", "lstm_random_sequence=False", "iterations", 0),
    ("GruModel", "gru_cells=16", "recurrent_cells", 16),
    ("GruModel", "gru_layers=1", "recurrent_layers", 1),
    ("GruModel", "gru_backward=True", "recurrent_backward", True),
    ("GruModel", "gru_random_sequence=True", "iterations", 30),
    ("GruModel", "gru_random_sequence=True", "recurrent_state", None),
    ("GruModel", "gru_random_sequence=False", "iterations", 0),
    ("NeXtVLADModel", "nextvlad_cluster_size=128", "num_clusters", 128),
    ("NeXtVLADModel", "nextvlad_hidden_size=2048", "hidden_size", 2048),
    ("NeXtVLADModel", "groups=8", "nextvlad_groups", 8),
    ("NeXtVLADModel", "expansion=2", "nextvlad_expansion", 2),
    ("NeXtVLADModel", "gating_reduction=8", "gating_reduction", 8),
    ("NeXtVLADModel", "drop_rate=0.5", "dropout", 0.5),
    ("NeXtVLADModel", "l2_penalty=1e-5", "moe_l2", 1e-5),
]


@pytest.mark.parametrize(("model", "flag", "field", "value"), SAME)
@pytest.mark.parametrize("program", ["train", "import"])
def test_a_flag_is_the_one_of_the_model(program, model, flag, field, value):
    arguments = parse(program, model, *f"--{flag}".split())
    assert getattr(arguments[ModelConfig], field) == value
    if value is not None:
        assert arguments.given >= {"model", field}


def test_a_flag_is_an_expectation_in_evaluation_where_the_model_is_read_from_its_directory():
    arguments = EVAL.parse(
        ["--eval_data_pattern=x", "--netvlad_relu=False", "--lightvlad", "--netvlad_cluster_size=8"]
    )
    assert arguments.given - {"eval_data_pattern", "netvlad_relu", "lightvlad"} == {
        "hidden_activation",
        "pooling",
        "num_clusters",
    }
    assert arguments[ModelConfig] == ModelConfig(
        hidden_activation="none", pooling="netrvlad", num_clusters=8
    )


def test_the_step_at_which_training_stops_has_willows_short_name_too():
    arguments = TRAIN.parse([DATA, "--max_step=700000"])
    assert arguments[TrainConfig].max_steps == 700000


@pytest.mark.parametrize("name", ONLY)
def test_flags_without_a_meaning_are_accepted_with_their_default_alone(name):
    default = ONLY[name]
    assert parse("train", "NetVLADModelLF", f"--{name}={default}")[ModelConfig] == ModelConfig(
        "NetVLADModelLF"
    )
    other = {bool: not default, str: "other"}.get(type(default), 5000)
    received = str(other).lower() if isinstance(other, bool) else f"{other}"
    with pytest.raises(UsageError, match=rf"--{name}={received}\S* means nothing here\. Only "):
        parse("train", "NetVLADModelLF", f"--{name}={other}")


@pytest.mark.parametrize(
    ("model", "flags", "parts"),
    [
        (
            "NetVLADModelLF",
            ["--netvlad_hidden_size=8", "--hidden_size=9"],
            ["--hidden_size=9 and --netvlad_hidden_size=8", "names of the same flag"],
        ),
        (
            "NetVLADModelLF",
            ["--netvlad_cluster_size=8", "--dbof_cluster_size=9"],
            ["--netvlad_cluster_size=8 and --dbof_cluster_size=9"],
        ),
        (
            "NetVLADModelLF",
            ["--netvlad_relu=True", "--hidden_activation=none"],
            ["--netvlad_relu, which is --hidden_activation=relu6", "--hidden_activation=none"],
        ),
        (
            "NetVLADModelLF",
            ["--lightvlad", "--vlagd"],
            ["--lightvlad, which is --pooling=netrvlad", "--vlagd, which is --pooling=vlagd"],
        ),
        (
            "NetVLADModelLF",
            ["--lightvlad", "--pooling=netvlad"],
            ["--lightvlad, which is --pooling=netrvlad", "--pooling=netvlad"],
        ),
        (
            "GruModel",
            ["--gru_random_sequence=False", "--iterations=150"],
            ["--gru_random_sequence, which is --iterations=0", "and --iterations=150"],
        ),
        (
            "SoftDbofModelLF",
            ["--fc_dimred=False", "--dbof_hidden_size=9"],
            ["--fc_dimred, which is --hidden_size=0", "--dbof_hidden_size, which is"],
        ),
    ],
)
def test_contradictions_are_refused_naming_both_flags(model, flags, parts):
    with pytest.raises(UsageError) as error:
        parse("train", model, *flags)
    for part in parts:
        assert part in str(error.value)


@pytest.mark.parametrize(
    ("model", "flags"),
    [
        ("NetVLADModelLF", ["--netvlad_hidden_size=8", "--hidden_size=8"]),
        ("NetVLADModelLF", ["--lightvlad", "--pooling=netrvlad"]),
        ("NetVLADModelLF", ["--netvlad_relu=False", "--hidden_activation=none"]),
    ],
)
def test_the_same_said_twice_is_no_contradiction(model, flags):
    assert (
        parse("train", model, *flags)[ModelConfig] == parse("train", model, flags[1])[ModelConfig]
    )


@pytest.mark.parametrize("name", original_flags._OTHERS)
def test_a_flag_of_another_model_is_refused_unless_it_has_its_default(name):
    _, default = original_flags._OTHERS[name]
    accepted = parse("train", "FrameLevelLogisticModel", f"--{name}={default}")[ModelConfig]
    assert accepted == ModelConfig("FrameLevelLogisticModel")
    with pytest.raises(UsageError) as error:
        parse("train", "FrameLevelLogisticModel", f"--{name}={not default}")
    assert f"--{name}={str(not default).lower()} goes with --pooling=" in str(error.value)
    assert "--model=FrameLevelLogisticModel, whose pooling is average" in str(error.value)


def test_every_flag_says_something_or_has_one_value():
    names = {field.name for field in dataclasses.fields(OriginalFlags)}
    assert names == set(original_flags._OTHERS) | set(ONLY)


@pytest.mark.parametrize("program", [TRAIN, EVAL, IMPORT])
def test_help_has_a_group_of_the_original_names(program):
    text = program.help()
    assert "\nNames of the original programs (starter code, WILLOW, NeXtVLAD).\n" in text
    assert "--[no]netvlad_relu" in text


def parse(program, model, *flags):
    if program == "train":
        return TRAIN.parse([DATA, f"--model={model}", *flags])
    return IMPORT.parse(["--tf1_train_dir=a", "--train_dir=b", f"--model={model}", *flags])
