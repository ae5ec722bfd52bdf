"""The commands of WILLOW's README, with the sizes cut down and for two steps of training."""

import json
import shlex

import numpy as np
import pytest

import yt8m_models
from eval.__main__ import PROGRAM as EVAL
from eval.__main__ import main as evaluate
from yt8m_models.compat.tf1_variables import variable_places
from yt8m_models.data.records import frame_record, write_records
from yt8m_models.prediction.__main__ import PROGRAM as INFERENCE
from yt8m_models.prediction.__main__ import main as infer
from yt8m_models.training.__main__ import PROGRAM, main
from yt8m_models.training.checkpoints import restore_model

NUM_CLASSES = 7
# What all of the commands share, as they have it.
COMMON = (
    "--frame_features=True --feature_names=rgb,audio --feature_sizes=1024,128 "
    "--base_learning_rate=0.0002"
)


def batch_norm(name, size):
    names = ("gamma", "beta", "moving_mean", "moving_variance")
    return {f"{name}/{part}": (size,) for part in names}


def mixture_of_experts(features, mixtures=2, classes=NUM_CLASSES):
    return {
        "gates/weights": (features, (mixtures + 1) * classes),
        "experts/weights": (features, mixtures * classes),
        "experts/biases": (mixtures * classes,),
    }


def assignments(scope, clusters, audio_clusters):
    return {
        f"video_{scope}/cluster_weights": (1024, clusters),
        **batch_norm(f"video_{scope}/cluster_bn", clusters),
        f"audio_{scope}/cluster_weights": (128, audio_clusters),
        **batch_norm(f"audio_{scope}/cluster_bn", audio_clusters),
    }


def hidden(pooled, size):
    return {
        **batch_norm("input_bn", 1152),
        "hidden1_weights": (pooled, size),
        "hidden1_biases": (size,),
    }


def gru(layer, features, cells):
    scope = f"rnn/cell_{layer}/gru_cell"
    return {
        f"{scope}/gates/kernel": (features + cells, 2 * cells),
        f"{scope}/gates/bias": (2 * cells,),
        f"{scope}/candidate/kernel": (features + cells, cells),
        f"{scope}/candidate/bias": (cells,),
    }


def lstm(layer, features, cells):
    scope = f"rnn/cell_{layer}/basic_lstm_cell"
    return {f"{scope}/kernel": (features + cells, 4 * cells), f"{scope}/bias": (4 * cells,)}


def gating(name, batch_norm_name, size):
    return {name: (size, size), **batch_norm(batch_norm_name, size)}


HIDDEN_GATING = gating("gating_weights_2", "gating_bn", 16)
PROB_GATING = gating("gating_prob_weights", "gating_prob_bn", NUM_CLASSES)

# The command's flags, and the shapes of the original's variables, clusters first: (K, D).
COMMANDS = {
    "gated NetVLAD": (
        "--model=NetVLADModelLF --netvlad_cluster_size=8 --netvlad_hidden_size=16 --moe_l2=1e-6 "
        "--iterations=300 --learning_rate_decay=0.8 --netvlad_relu=False --gating=True "
        "--moe_prob_gating=True --max_step=2",
        {
            **assignments("VLAD", 8, 4),
            "video_VLAD/cluster_weights2": (8, 1024),
            "audio_VLAD/cluster_weights2": (4, 128),
            **hidden(8 * 1024 + 4 * 128, 16),
            **HIDDEN_GATING,
            **mixture_of_experts(16),
            **PROB_GATING,
        },
    ),
    "gated NetFV": (
        "--model=NetFVModelLF --fv_cluster_size=4 --fv_hidden_size=16 --moe_l2=1e-6 "
        "--iterations=300 --learning_rate_decay=0.8 --fv_relu=False --gating=True "
        "--moe_prob_gating=True --fv_couple_weights=False --max_step=2",
        {
            **assignments("FV", 4, 2),
            "video_FV/cluster_weights2": (4, 1024),
            "audio_FV/cluster_weights2": (2, 128),
            "video_FV/covar_weights": (4, 1024),
            "audio_FV/covar_weights": (2, 128),
            **hidden(2 * (4 * 1024 + 2 * 128), 16),
            **HIDDEN_GATING,
            **mixture_of_experts(16),
            **PROB_GATING,
        },
    ),
    "gated soft DBoF": (
        "--model=GatedDbofModelLF --dbof_cluster_size=32 --dbof_hidden_size=16 --moe_l2=1e-6 "
        "--iterations=300 --dbof_relu=False --max_step=2",
        {
            **assignments("DBOF", 32, 4),
            "video_DBOF/dim_red": (32, 1024),
            "video_DBOF/cluster_weights_2": (1024, 32),
            **batch_norm("video_DBOF/cluster_bn_2", 32),
            **hidden(32 + 4, 16),
            **mixture_of_experts(16),
        },
    ),
    "soft DBoF": (
        "--model=SoftDbofModelLF --dbof_cluster_size=32 --dbof_hidden_size=16 --iterations=300 "
        "--dbof_relu=False --max_step=2",
        {**assignments("DBOF", 32, 4), **hidden(32 + 4, 16), **mixture_of_experts(16)},
    ),
    "gated RVLAD": (
        "--model=NetVLADModelLF --netvlad_cluster_size=8 --netvlad_hidden_size=16 --moe_l2=1e-6 "
        "--iterations=300 --learning_rate_decay=0.8 --netvlad_relu=False --gating=True "
        "--moe_prob_gating=True --lightvlad=True --max_step=2",
        {
            **assignments("VLAD", 8, 4),
            **hidden(8 * 1024 + 4 * 128, 16),
            **HIDDEN_GATING,
            **mixture_of_experts(16),
            **PROB_GATING,
        },
    ),
    "GRU": (
        "--model=GruModel --gru_cells=8 --learning_rate_decay=0.9 --moe_l2=1e-6 --max_step=2",
        {
            **gru(0, 1152, 8),
            **gru(1, 8, 8),
            **mixture_of_experts(2 * 8),  # h of both layers
        },
    ),
    "LSTM": (
        "--model=LstmModel --lstm_cells=8 --iterations=150 --lstm_random_sequence=True "
        "--max_step=2",
        {
            **lstm(0, 1152, 8),
            **lstm(1, 8, 8),
            **mixture_of_experts(4 * 8),  # c and h of both layers
        },
    ),
}


@pytest.fixture(scope="module")
def records(tmp_path_factory):
    """Eight videos of 1024 + 128 features."""
    directory = tmp_path_factory.mktemp("records")
    rng = np.random.default_rng(0)
    videos = [
        frame_record(
            b"v%d" % video,
            [video % NUM_CLASSES],
            {
                "rgb": rng.integers(0, 256, (6, 1024), np.uint8),
                "audio": rng.integers(0, 256, (6, 128), np.uint8),
            },
        )
        for video in range(8)
    ]
    write_records(directory / "train00.tfrecord", videos)
    return directory


@pytest.mark.parametrize("command", COMMANDS)
def test_a_training_command_and_the_same_flags_in_evaluation_and_inference(
    command, records, tmp_path
):
    flags, shapes = COMMANDS[command]
    train_dir = tmp_path / "model"
    main(
        PROGRAM.parse(
            [
                f"--train_data_pattern={records}/*a*??.tfrecord",
                f"--train_dir={train_dir}",
                *shlex.split(f"{COMMON} {flags}"),
                "--batch_size=4",
                f"--num_classes={NUM_CLASSES}",
                "--nojit_compile",
            ]
        )
    )
    restored = restore_model(str(train_dir))
    assert restored.step == 2
    places = variable_places(restored.model)
    assert {name: tuple(place.weight.shape) for name, place in places.items()} == shapes
    kept = [weight for weight in restored.model.weights if weight.name != "moving_weight"]
    assert len(kept) == len(shapes)
    frames = np.random.default_rng(1).normal(size=(2, 5, 1152)).astype("float32")
    model = yt8m_models.load_model(str(train_dir))
    predictions = model({"video_matrix": frames, "num_frames": np.array([5, 3], "int32")})
    assert predictions.shape == (2, NUM_CLASSES)
    assert np.isfinite(predictions).all()

    same = [f"--train_dir={train_dir}", *shlex.split(f"{COMMON} {flags}"), "--run_once=True"]
    same += ["--batch_size=4", "--top_k=3"]
    evaluate(EVAL.parse([f"--eval_data_pattern={records}/*a*??.tfrecord", *same]))
    metrics = json.loads((train_dir / "eval" / "metrics.json").read_text())
    assert (metrics["step"], metrics["num_videos"]) == (2, 8)
    output = tmp_path / "predictions.csv"
    pattern = f"--input_data_pattern={records}/*a*??.tfrecord"
    infer(INFERENCE.parse([pattern, f"--output_file={output}", *same]))
    _, *lines = output.read_text().splitlines()
    assert sorted(line.split(",")[0] for line in lines) == [f"v{n}" for n in range(8)]
    assert {len(line.split(" ")) for line in lines} == {2 * 3}
