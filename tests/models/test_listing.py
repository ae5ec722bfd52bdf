"""The table of presets, parameters counted without making them, and the page about the models."""

import dataclasses
import re
import resource
from pathlib import Path

import pytest

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.models import create_model
from yt8m_models.models.listing import count_parameters, layer_parameters, list_models
from yt8m_models.poolings import POOLINGS
from yt8m_models.presets import FRAME_LEVEL, PAPERS, PRESETS, TRAINING
from yt8m_models.training.__main__ import PROGRAM

ROOT = Path(__file__).resolve().parents[2]
CLASSES = 3862
MOE = 1024 * CLASSES * (3 + 2) + 2 * CLASSES  # 3 gates and 2 experts a class, biases of experts
DEFAULT_SIZES = {
    "LogisticModel": 1152 * CLASSES + CLASSES,
    "MoeModel": 1152 * CLASSES * (3 + 2) + 2 * CLASSES,
    # Batch norms (4 each, and 1) of the input, the clusters and the hidden layer.
    "DbofModel": 1152 * 4 + (1152 + 4) * 8192 + (8192 + 4) * 1024 + 3 + MOE,
    "NetVLADModelLF": (
        1152 * 4 + 5  # input, and the 1 of all five batch norms
        + 256 * (1024 + 4 + 1024) + 128 * (128 + 4 + 128)  # assignment with batch norm, and means
        + (256 * 1024 + 128 * 128 + 1) * 1024  # hidden layer
        + 1024 * (1024 + 4) + CLASSES * (CLASSES + 4)  # gates of the hidden layer, of predictions
        + MOE
    ),
}  # fmt: skip


def test_every_preset_has_a_row_and_a_paper():
    assert set(PAPERS) == set(PRESETS)
    header, *rows = list_models().splitlines()
    assert header.split() == [
        *("model", "level", "pooling", "parameters"),
        *("learning_rate", "decay", "decay_examples", "clip_mode", "paper"),
    ]
    assert [row.split()[0] for row in rows] == list(PRESETS)
    for row in rows:
        name, level, pooling, parameters, rate, decay, examples, mode, paper = row.split(maxsplit=8)
        frame_level = name in FRAME_LEVEL
        assert level == ("frame" if frame_level else "video")
        assert pooling == (ModelConfig(name).resolved().pooling if frame_level else "none")
        assert paper == PAPERS[name]
        assert int(parameters.replace(",", "")) > 1_000_000
        training = float(rate), float(decay), float(examples.replace(",", "")), mode
        assert training == TRAINING[name]


def test_columns_are_aligned():
    header, *rows = list_models().splitlines()
    for column in ("level", "pooling", "clip_mode", "paper"):
        start = header.index(column)
        assert all(row[start - 1] == " " and row[start] != " " for row in rows)
    end = header.index("parameters") + len("parameters")
    assert all(row[end - 1].isdigit() and row[end] == " " for row in rows)


def test_parameters_at_default_size():
    counts = {row.split()[0]: row.split()[3] for row in list_models().splitlines()[1:]}
    for name, expected in DEFAULT_SIZES.items():
        assert counts[name] == f"{expected:,}"


@pytest.mark.parametrize("name", PRESETS)
def test_counting_agrees_with_a_model(name, small_data):
    config = ModelConfig(model=name, num_clusters=4, nextvlad_groups=2)
    data = small_data(frame_features=name in FRAME_LEVEL)
    assert count_parameters(config, data) == create_model(config, data).count_params()


def test_layers_are_named_by_what_they_are():
    data = DataConfig(("rgb", "audio"), (6, 3), frame_features=True, num_classes=5)
    config = ModelConfig("NetVLADModelLF", num_clusters=4, hidden_size=8, moe_prob_gating=False)
    assert list(layer_parameters(config, data)) == [
        *("input_batch_norm", "netvlad of rgb", "netvlad of audio", "hidden", "gating"),
        "classifier",
    ]
    # of each class a softmax over two experts and none, and a sigmoid for each expert, with biases
    assert layer_parameters(config, data)["classifier"] == (8 * 3 * 5) + (8 * 2 * 5 + 2 * 5)


def test_counting_takes_no_memory(small_data):
    """64 GB of weights; and models made later leave them alone."""
    data = DataConfig(("rgb",), (1000,), frame_features=True, num_classes=5)
    config = ModelConfig("FrameLevelLogisticModel", hidden_size=16_000_000)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert count_parameters(config, data) > 16_000_000_000
    create_model(ModelConfig("MoeModel"), small_data(frame_features=False))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 200_000  # kB


def test_the_page_about_models_names_every_preset_pooling_and_flag():
    text = (ROOT / "docs" / "models.md").read_text()
    for name in (*PRESETS, *POOLINGS):
        assert f"`{name}`" in text, name
    flags = set(re.findall(r"--(?:\[no\]|no)?(\w+)", text))
    assert flags >= {field.name for field in dataclasses.fields(ModelConfig)}
    known = {field.name for group in PROGRAM.groups for field in dataclasses.fields(group)}
    assert flags - known == {"help"}


def test_train_py_lists_the_models(run_here):
    status, output, _ = run_here(PROGRAM, "--list_models")
    assert (status, output.strip()) == (0, list_models())
