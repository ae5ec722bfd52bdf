"""Importing checkpoints of the original programs: the program and what works from its result."""

import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tensorflow as tf

import yt8m_models
from eval.__main__ import PROGRAM as EVAL
from eval.__main__ import main as evaluate
from yt8m_models.compat.import_checkpoint.__main__ import PROGRAM, main
from yt8m_models.data.quantization import dequantize
from yt8m_models.data.records import frame_record, video_record, write_records
from yt8m_models.prediction.__main__ import PROGRAM as INFERENCE
from yt8m_models.prediction.__main__ import main as infer
from yt8m_models.program.command import UsageError
from yt8m_models.training.__main__ import PROGRAM as TRAIN
from yt8m_models.training.__main__ import main as train
from yt8m_models.training.history import read_history
from yt8m_models.training.train_dir import read_model_flags

ROOT = Path(__file__).resolve().parents[2]
FRAME_LEVEL = {
    "model": "",
    "feature_sizes": "1024,128",
    "feature_names": "rgb,audio",
    "frame_features": True,
    "label_loss": "CrossEntropyLoss",
}
VIDEO_LEVEL = {**FRAME_LEVEL, "feature_names": "mean_rgb,mean_audio", "frame_features": False}
RECORDINGS = (
    "starter_dbof_average",
    "starter_dbof_max",
    "starter_frame_level_logistic",
    "starter_logistic",
    "starter_lstm",
    "starter_moe",
    "willow_gated_dbof",
    "willow_gru",
    "willow_netfv_coupled",
    "willow_netfv_gated",
    "willow_netrvlad_gated",
    "willow_netvlad_gated",
    "willow_netvlad_relu",
    "willow_soft_dbof",
    "nextvlad",
)
# What no variable of these shows, by the name that the original program has for it.
UNSEEN = {
    "starter_dbof_average": ["--dbof_pooling_method=average", "--dbof_activation=relu6"],
    "willow_netrvlad_gated": ["--gating_remove_diag=True"],
}
CHECKPOINTS = {"starter_dbof_max": 1200, "willow_gru": 300, "willow_netvlad_gated": 700}


def import_(source, target, *flags):
    main(PROGRAM.parse([f"--tf1_train_dir={source}", f"--train_dir={target}", *flags]))


def variables_of(recording):
    return {key[4:]: recording[key] for key in recording.files if key.startswith("var/")}


def meta_of(recording):
    return json.loads(str(recording["meta"]))


def record_of(recording):
    level = FRAME_LEVEL if recording["input"].ndim == 3 else VIDEO_LEVEL
    return {**level, "model": meta_of(recording)["model"]}


def assert_predicts(train_dir, recording):
    """The imported model predicts what the original program did."""
    inputs = {
        "video_matrix": recording["input"],
        "num_frames": recording["num_frames"].astype("int32"),
    }
    predictions = yt8m_models.load_model(str(train_dir))(inputs)
    np.testing.assert_allclose(predictions, recording["eval/predictions"], rtol=1e-5)


@pytest.mark.parametrize("name", RECORDINGS)
@pytest.mark.parametrize("by_flags", [False, True])
def test_every_recorded_model(name, by_flags, recording, write_tf1_checkpoint, tmp_path):
    """From `model_flags.json` and shapes alone, and with the original program's flags as well."""
    recorded = recording(name)
    flags = UNSEEN.get(name, [])
    if by_flags:
        flags = [f"--{flag}={value}" for flag, value in meta_of(recorded)["flags"].items()]
    write_tf1_checkpoint(tmp_path / "tf1", variables_of(recorded), record_of(recorded))
    import_(tmp_path / "tf1", tmp_path / "model", *flags)
    assert_predicts(tmp_path / "model", recorded)
    model, data, _ = read_model_flags(str(tmp_path / "model"))
    assert data.num_classes == recorded["labels"].shape[1]
    assert model.model == meta_of(recorded)["model"]


@pytest.mark.parametrize("name", CHECKPOINTS)
def test_a_checkpoint_of_tensorflow_1(name, shared, recording, tmp_path, capsys):
    source, step = shared / "parity" / "checkpoints" / name, CHECKPOINTS[name]
    import_(source, tmp_path / "model")
    assert_predicts(tmp_path / "model", recording(name))
    assert f"model.ckpt-{step} -> {tmp_path}/model/model.ckpt-{step}" in capsys.readouterr().out
    written = {path.name for path in (tmp_path / "model").iterdir()}
    assert written == {
        "checkpoint",
        "model_flags.json",
        f"model.ckpt-{step}.index",
        f"model.ckpt-{step}.data-00000-of-00001",
    }


def test_imported_statistics_are_settled(shared, recording, tmp_path):
    """Training moves them on by 0.05 of what the batch has."""
    import_(shared / "parity" / "checkpoints" / "willow_netvlad_gated", tmp_path / "model")
    model = yt8m_models.load_model(str(tmp_path / "model"))
    recorded = recording("willow_netvlad_gated")
    before = model.input_batch_norm.moving_mean.numpy()
    inputs = {
        "video_matrix": recorded["input"],
        "num_frames": recorded["num_frames"].astype("int32"),
    }
    model(inputs, training=True)
    mask = np.arange(recorded["input"].shape[1]) < inputs["num_frames"][:, None]
    frames = np.asarray(model.input_normalization(inputs["video_matrix"], mask=mask))[mask]
    expected = 0.95 * before + 0.05 * frames.mean(axis=0)
    np.testing.assert_allclose(model.input_batch_norm.moving_mean, expected, rtol=1e-5, atol=1e-7)
    weights = [weight.numpy() for weight in model.weights if weight.name == "moving_weight"]
    assert weights == [1] * 5  # input, two assignments, two gates


def test_it_says_what_it_did_and_what_it_could_not_see(shared, tmp_path, capsys):
    import_(shared / "parity" / "checkpoints" / "starter_dbof_max", tmp_path / "model")
    lines = capsys.readouterr().out.splitlines()
    # 17 variables; 11 of them are trained and have 2 slots of Adam, and there are 3 counters.
    assert lines[1] == "DbofModel of step 1,200: 17 variables; 25 of the optimizer left out"
    assert lines[2].endswith(
        "--dbof_pooling_method=max --dbof_activation=sigmoid --hidden_activation=sigmoid "
        "--iterations=30 --moe_l2=1e-08"
    )


@pytest.fixture(scope="module")
def videos():
    """Quantised frames `(frames, 1152)` of five videos."""
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (frames, 1152), np.uint8) for frames in (4, 1, 9, 12, 3)]


@pytest.fixture(scope="module")
def records(tmp_path_factory, videos):
    """The pattern of the records of `videos`."""
    path = tmp_path_factory.mktemp("records") / "videos.tfrecord"
    write_records(
        path,
        [
            frame_record(b"v%d" % n, [n], {"rgb": frames[:, :1024], "audio": frames[:, 1024:]})
            for n, frames in enumerate(videos)
        ],
    )
    return path


@pytest.fixture(params=CHECKPOINTS)
def imported(request, shared, tmp_path):
    """A training directory with an imported checkpoint, and its step."""
    source = shared / "parity" / "checkpoints" / request.param
    import_(source, tmp_path / "model")
    return tmp_path / "model", CHECKPOINTS[request.param]


def test_inference_works_from_the_result(imported, records, videos, tmp_path):
    train_dir, _ = imported
    output = tmp_path / "predictions.csv"
    infer(
        INFERENCE.parse(
            [
                f"--train_dir={train_dir}",
                f"--input_data_pattern={records}",
                f"--output_file={output}",
                "--top_k=25",
            ]
        )
    )
    model = yt8m_models.load_model(str(train_dir))
    for line in output.read_text().splitlines()[1:]:
        video_id, pairs = line.split(",")
        classes, scores = np.array(pairs.split(), float).reshape(-1, 2).T
        frames = dequantize(videos[int(video_id[1:])])[None].astype("float32")
        inputs = {"video_matrix": frames, "num_frames": np.array([frames.shape[1]], "int32")}
        predictions = model(inputs).numpy()[0]
        assert sorted(classes) == list(range(25))
        np.testing.assert_allclose(scores, predictions[classes.astype(int)], rtol=1e-5)


def test_inference_predicts_what_was_recorded(recording, write_tf1_checkpoint, tmp_path):
    """Video-level records hold floats, so that the recorded inputs can go through the program."""
    recorded = recording("starter_moe")
    write_tf1_checkpoint(tmp_path / "tf1", variables_of(recorded), record_of(recorded))
    import_(tmp_path / "tf1", tmp_path / "model")
    write_records(
        tmp_path / "videos.tfrecord",
        [
            video_record(b"v%d" % n, [0], {"mean_rgb": video[:1024], "mean_audio": video[1024:]})
            for n, video in enumerate(recorded["input"])
        ],
    )
    output = tmp_path / "predictions.csv"
    infer(
        INFERENCE.parse(
            [
                f"--train_dir={tmp_path / 'model'}",
                f"--input_data_pattern={tmp_path}/videos.tfrecord",
                f"--output_file={output}",
                "--top_k=25",
            ]
        )
    )
    lines = output.read_text().splitlines()[1:]
    assert len(lines) == len(recorded["input"])
    for line in lines:
        video_id, pairs = line.split(",")
        classes, scores = np.array(pairs.split(), float).reshape(-1, 2).T
        expected = recorded["eval/predictions"][int(video_id[1:]), classes.astype(int)]
        np.testing.assert_allclose(scores, expected, rtol=1e-5)


def test_evaluation_works_from_the_result(imported, records):
    train_dir, step = imported
    evaluate(
        EVAL.parse([f"--train_dir={train_dir}", f"--eval_data_pattern={records}", "--run_once"])
    )
    metrics = json.loads((train_dir / "eval" / "metrics.json").read_text())
    assert metrics["step"] == step
    assert metrics["num_videos"] == 5


@pytest.mark.parametrize(
    ("name", "optimizer"),
    [
        pytest.param("willow_netvlad_gated", "AdamOptimizer", marks=pytest.mark.slow),
        ("starter_dbof_max", "MomentumOptimizer"),
        pytest.param("starter_dbof_max", "AdamOptimizer", marks=pytest.mark.slow),
        pytest.param("willow_gru", "AdamOptimizer", marks=pytest.mark.slow),
    ],
)
def test_training_goes_on_from_the_result(name, optimizer, shared, records, tmp_path, capsys):
    """With a fresh optimizer and the learning rate of the step, and so on from its checkpoints."""
    train_dir, step = tmp_path / "model", CHECKPOINTS[name]
    import_(shared / "parity" / "checkpoints" / name, train_dir)
    for last in (step + 1, step + 3):
        train(
            TRAIN.parse(
                [
                    f"--train_dir={train_dir}",
                    f"--train_data_pattern={records}",
                    *flags_of(train_dir),
                    f"--optimizer={optimizer}",
                    "--batch_size=5",
                    f"--max_steps={last}",
                    "--num_epochs=9",
                    "--base_learning_rate=0.5",
                    "--learning_rate_decay=0.5",
                    f"--learning_rate_decay_examples={5 * (step + 2)}",
                    "--log_steps=1",
                    "--nojit_compile",
                ]
            )
        )
        assert f"Resuming from {train_dir}/model.ckpt-" in capsys.readouterr().out
    history = read_history(f"{train_dir}/training.csv")
    assert [row["step"] for row in history] == [step + 1, step + 2, step + 3]
    # Step n is trained at 0.5 · 0.5 ^ ⌊5 (n - 1) / (5 (step + 2))⌋.
    assert [row["learning_rate"] for row in history] == [0.5, 0.5, 0.25]


def flags_of(train_dir):
    """What `model_flags.json` says, as flags."""
    record = json.loads((train_dir / "model_flags.json").read_text())
    return [f"--{name}={value}" for name, value in record.items() if value is not None]


def test_the_program(shared, recording, tmp_path, run_here):
    source = shared / "parity" / "checkpoints" / "starter_dbof_max"
    flags = ["--tf1_train_dir", source, "--train_dir", tmp_path / "model"]
    assert run_here(PROGRAM, *flags)[0] == 0
    assert_predicts(tmp_path / "model", recording("starter_dbof_max"))


class TestNames:
    """Names of variables differ by program, number of GPUs and age."""

    @pytest.mark.parametrize("scope", ["tower/", "tower_0/", "model/", ""])
    def test_scopes(self, scope, recording, write_tf1_checkpoint, tmp_path):
        recorded = recording("willow_netvlad_relu")
        variables = {
            scope + name.removeprefix("tower/"): value
            for name, value in variables_of(recorded).items()
        }
        write_tf1_checkpoint(tmp_path / "tf1", variables, record_of(recorded))
        import_(tmp_path / "tf1", tmp_path / "model")
        assert_predicts(tmp_path / "model", recorded)

    def test_recurrent_cells_before_tensorflow_1_2(self, recording, write_tf1_checkpoint, tmp_path):
        recorded = recording("willow_gru")
        variables = {
            name.replace("kernel", "weights").replace("bias", "biases")
            if "gru_cell" in name
            else name: value
            for name, value in variables_of(recorded).items()
        }
        write_tf1_checkpoint(tmp_path / "tf1", variables, record_of(recorded))
        import_(tmp_path / "tf1", tmp_path / "model")
        assert_predicts(tmp_path / "model", recorded)

    def test_slots_of_any_optimizer_and_counters_are_dropped(
        self, recording, write_tf1_checkpoint, tmp_path, capsys
    ):
        recorded = recording("starter_logistic")
        variables = variables_of(recorded)
        weights = variables["tower/fully_connected/weights"]
        variables |= {
            "tower/fully_connected/weights/Momentum": weights,
            "tower/fully_connected/weights/MySlot": weights,
            "tower/tower/fully_connected/weights/RMSProp_1": weights,
            "tower/beta1_power": np.float32(0.9),
            "beta2_power_1": np.float32(0.9),
        }
        write_tf1_checkpoint(tmp_path / "tf1", variables, record_of(recorded))
        import_(tmp_path / "tf1", tmp_path / "model")
        assert "2 variables; 6 of the optimizer left out" in capsys.readouterr().out
        assert_predicts(tmp_path / "model", recorded)

    def test_two_models_in_one(self, recording, write_tf1_checkpoint, tmp_path):
        recorded = recording("starter_logistic")
        variables = variables_of(recorded)
        bias = variables["tower/fully_connected/biases"]
        variables["tower_0/fully_connected/biases"] = bias
        write_tf1_checkpoint(tmp_path / "tf1", variables, record_of(recorded))
        message = "tower/fully_connected/biases and tower_0/fully_connected/biases are the same"
        with pytest.raises(ValueError, match=message):
            import_(tmp_path / "tf1", tmp_path / "model")


class TestErrors:
    @pytest.fixture
    def source(self, shared, tmp_path):
        """A copy of a checkpoint, to be damaged."""
        directory = tmp_path / "tf1"
        shutil.copytree(shared / "parity" / "checkpoints" / "starter_dbof_max", directory)
        for path in (directory, *directory.iterdir()):
            path.chmod(0o755)
        return directory

    def check(self, message, source, tmp_path, *flags):
        with pytest.raises(ValueError, match=message) as error:
            import_(source, tmp_path / "model", *flags)
        assert not (tmp_path / "model").exists()
        return str(error.value)

    def test_no_directory(self, tmp_path):
        self.check(
            "--tf1_train_dir=.*/none: there is no such directory", tmp_path / "none", tmp_path
        )

    def test_no_checkpoint(self, tmp_path):
        (tmp_path / "tf1").mkdir()
        self.check(r"/tf1 holds no checkpoint model.ckpt-N.index", tmp_path / "tf1", tmp_path)

    def test_no_checkpoint_of_that_path(self, source, tmp_path):
        message = "no checkpoint .*/model.ckpt-9: there is no file .*/model.ckpt-9.index"
        self.check(message, source, tmp_path, f"--tf1_checkpoint={source}/model.ckpt-9")

    @pytest.mark.parametrize("damage", ["truncate", "overwrite"])
    @pytest.mark.parametrize("suffix", ["index", "data-00000-of-00001"])
    def test_damaged_files(self, damage, suffix, source, tmp_path):
        path = source / f"model.ckpt-1200.{suffix}"
        content = path.read_bytes()
        middle = len(content) // 2
        if damage == "truncate":
            path.write_bytes(content[:middle])
        else:
            path.write_bytes(bytes(len(content)))
        self.check("/tf1/model.ckpt-1200 cannot be read: ", source, tmp_path)

    def test_no_data_file(self, source, tmp_path):
        (source / "model.ckpt-1200.data-00000-of-00001").unlink()
        self.check("/tf1/model.ckpt-1200 cannot be read: ", source, tmp_path)

    def test_a_checkpoint_of_this_project(self, source, tmp_path):
        import_(source, tmp_path / "imported")
        self.check("is not a checkpoint of TensorFlow 1", tmp_path / "imported", tmp_path)

    def test_a_checkpoint_that_was_not_imported(self, source):
        message = r"/model.ckpt-1200 is a checkpoint of TensorFlow 1; `yt8m import-checkpoint`"
        with pytest.raises(ValueError, match=message):
            yt8m_models.load_model(str(source))

    def test_flags_that_cannot_be_read(self, source, tmp_path):
        (source / "model_flags.json").write_text("{")
        self.check("/tf1/model_flags.json: ", source, tmp_path)
        (source / "model_flags.json").write_text("[1]")
        self.check(r"model_flags.json: must hold a JSON object; received '\[1\]'", source, tmp_path)

    def test_no_flags(self, source, tmp_path, recording):
        (source / "model_flags.json").unlink()
        message = "no model_flags.json .*: give --feature_names, --feature_sizes, --model"
        self.check(message, source, tmp_path)
        import_(
            source,
            tmp_path / "model",
            "--model=DbofModel",
            "--feature_names=rgb,audio",
            "--feature_sizes=1024,128",
            "--frame_features",
        )
        assert_predicts(tmp_path / "model", recording("starter_dbof_max"))

    def test_a_model_that_is_not_of_the_original_programs(self, source, tmp_path):
        message = "--model=DSGMMModel is not one of the original programs"
        self.check(message, source, tmp_path, "--model=DSGMMModel")

    def test_another_model(self, source, tmp_path):
        message = "variables are not those of NetVLADModelLF: their --pooling is dbof"
        self.check(message, source, tmp_path, "--model=NetVLADModelLF")

    def test_flags_that_contradict_the_shapes(self, source, tmp_path):
        flags = ("--dbof_cluster_size=9", "--num_classes=3862", "--moe_num_mixtures=2")
        message = self.check("is of another model:", source, tmp_path, *flags)
        assert "--num_clusters: 9 by the flags, 24 by the variables" in message
        assert "--num_classes: 3862 by the flags, 25 by the variables" in message
        assert "moe_num_mixtures" not in message

    def test_features_of_other_sizes(self, source, tmp_path):
        features = ("--feature_names=rgb,audio", "--feature_sizes=1024,64", "--frame_features")
        message = self.check("does not fit DbofModel:", source, tmp_path, *features)
        assert "variable tower/cluster_weights (1152, 24): the weight" in message
        assert "is (1088, 24)" in message

    def test_variables_without_a_place_and_weights_without_a_variable(
        self, recording, write_tf1_checkpoint, tmp_path
    ):
        recorded = recording("starter_dbof_max")
        variables = variables_of(recorded)
        variables["tower/attention_weights"] = np.zeros((3, 4), np.float32)
        del variables["tower/cluster_bn/beta"], variables["tower/hidden1_bn/moving_mean"]
        write_tf1_checkpoint(tmp_path / "tf1", variables, record_of(recorded))
        message = self.check("does not fit DbofModel:", tmp_path / "tf1", tmp_path)
        lines = message.splitlines()[1:]
        assert len(lines) == 3
        assert "variable tower/attention_weights (3, 4): the model has no such part" in lines[0]
        assert "(24,): there is no variable cluster_bn/beta" in lines[1]
        assert "(16,): there is no variable hidden1_bn/moving_mean" in lines[2]

    def test_no_classifier(self, recording, write_tf1_checkpoint, tmp_path):
        recorded = recording("starter_dbof_max")
        variables = variables_of(recorded)
        del variables["tower/experts/biases"]
        write_tf1_checkpoint(tmp_path / "tf1", variables, record_of(recorded))
        message = "model.ckpt-7: there is no variable experts/biases"
        self.check(message, tmp_path / "tf1", tmp_path)

    def test_a_directory_that_holds_a_model(self, source, tmp_path):
        target = tmp_path / "model"
        import_(source, target)
        before = sorted(path.name for path in target.iterdir())
        with pytest.raises(ValueError, match=r"already holds a model, .*/model.ckpt-1200; give"):
            import_(source, target)
        assert sorted(path.name for path in target.iterdir()) == before
        import_(source, target, "--start_new_model")
        assert sorted(path.name for path in target.iterdir()) == before

    @pytest.mark.parametrize(
        ("flags", "message"),
        [
            ([], "--tf1_train_dir must be given"),
            (["--tf1_train_dir=a"], "--train_dir must be given"),
            (["--tf1_train_dir=a", "--train_dir=a/"], "another directory than --tf1_train_dir"),
        ],
    )
    def test_wrong_flags(self, flags, message):
        with pytest.raises(UsageError, match=message):
            PROGRAM.parse(flags)


def test_help_imports_no_tensorflow():
    code = (
        "import sys\n"
        "from yt8m_models.compat.import_checkpoint.__main__ import PROGRAM\n"
        "PROGRAM.help()\n"
        "assert not {'tensorflow', 'keras', 'numpy'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=True)


def test_the_written_checkpoint_has_the_weights_and_counters_alone(shared, tmp_path):
    import_(shared / "parity" / "checkpoints" / "starter_dbof_max", tmp_path / "model")
    reader = tf.train.load_checkpoint(str(tmp_path / "model" / "model.ckpt-1200"))
    names = {name.split("/")[0] for name in reader.get_variable_to_shape_map() if "/" in name}
    assert names == {"model", "step", "epoch", "batch"}
