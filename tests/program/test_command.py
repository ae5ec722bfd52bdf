"""Tests of yt8m_models.program.command and yt8m_models.config."""

import dataclasses
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from yt8m_models.config import (
    DataConfig,
    ModelConfig,
    ResolvedModel,
    model_flags,
    parse_model_flags,
)
from yt8m_models.data.inspect.__main__ import PROGRAM as INSPECT
from yt8m_models.presets import PRESETS
from yt8m_models.program.command import Program, UsageError, exit_cleanly
from yt8m_models.program.interruption import Terminated
from yt8m_models.program.option import Options, closest, option, unused_options
from yt8m_models.training.__main__ import PROGRAM as TRAIN
from yt8m_models.training.config import TrainConfig

ROOT = Path(__file__).resolve().parents[2]
DATA = "--train_data_pattern=train*.tfrecord"


@dataclass(frozen=True)
class Cooking(Options):
    """How to cook."""

    dish: str = option("soup", "What.", choices=("soup", "salad"))
    minutes: float = option(5.0, "How long.", aliases=("time",), at_least=0)
    portions: int | None = option(None, "How many.")
    spices: tuple[str, ...] = option((), "Which.", choices=("salt", "dill"))
    shares: tuple[float, ...] = option((), "Of each.")
    amounts: tuple[int, ...] = option((1,), "How much of each.")
    hot: bool = option(True, "Whether to heat.")


@dataclass(frozen=True)
class Serving(Options):
    """How to serve."""

    plate: str = option("white", "Colour.")


KITCHEN = Program("cook", "Cooks a dish.", Cooking, Serving)


def test_settings_in_python_are_flags():
    arguments = KITCHEN.settings(
        time=3, spices=["salt", "dill"], shares=(0.5, 1e-7), hot=False, plate=Path("a b"), dish=None
    )
    assert arguments[Cooking] == Cooking(
        minutes=3.0, spices=("salt", "dill"), shares=(0.5, 1e-7), hot=False
    )
    assert arguments[Serving].plate == "a b"
    assert arguments.given == {"minutes", "spices", "shares", "hot", "plate"}
    assert KITCHEN.settings(spices=[], amounts="1,2")[Cooking].amounts == (1, 2)
    for values, message in (
        ({"minute": 3}, "'minute'. Did you mean: minutes"),
        ({"minutes": -1}, "--minutes must be at least 0; received -1"),
        ({"minutes": "long"}, "--minutes=long"),
        ({"hot": 2}, "--hot=2"),
        ({"amounts": [1.5]}, "--amounts takes whole numbers"),
        ({"minutes": 1, "time": 2}, "they are names of the same flag"),
    ):
        with pytest.raises(UsageError, match=message):
            KITCHEN.settings(**values)


def test_a_program_is_called_in_python():
    received = []
    cook = Program("cook", "Cooks.", Cooking, needs_tensorflow=False)
    with pytest.raises(ValueError, match="cook has no main"):
        cook.call()

    @cook.main
    def main(arguments):
        received.append(arguments[Cooking].minutes)
        return {1.0: None, 2.0: signal.SIGINT, 3.0: signal.SIGTERM}[arguments[Cooking].minutes]

    cook.call(minutes=1)
    for minutes, error in ((2, KeyboardInterrupt), (3, Terminated)):
        with pytest.raises(error):
            cook.call(minutes=minutes)
    assert received == [1.0, 2.0, 3.0]


def test_the_value_of_a_flag_by_its_own_rule():
    values = [
        KITCHEN.value("minutes", "2"),
        KITCHEN.value("time", "3"),
        KITCHEN.value("hot", "false"),
    ]
    assert values == [2.0, 3.0, False]
    assert KITCHEN.value("shares", "1,0.5") == (1.0, 0.5)
    with pytest.raises(UsageError, match="Unknown command line flag 'minute'"):
        KITCHEN.value("minute", "2")
    with pytest.raises(ValueError, match=r"--minutes must be at least 0; received -1\.0"):
        KITCHEN.value("time", "-1")


def test_a_tuple_takes_arguments_without_a_name_as_they_are():
    program = Program("cook", "Cooks a dish.", Cooking, positional="spices")
    assert program.parse(["--dish=salad", "--", "salt", "dill"])[Cooking].spices == ("salt", "dill")
    with pytest.raises(UsageError, match=r"--spices=--time=1,2: must be one of salt, dill"):
        program.parse(["--", "--time=1,2"])


def test_options_that_a_program_leaves_unused():
    """`Serving` has its own portions; other flags of cooking may be typed, whatever their value."""

    @dataclass(frozen=True)
    class Portions(Options):
        """How many."""

        portions: int = option(1, "How many.")

    unused = unused_options("Of cooking.", Cooking, Serving, Portions)
    names = [field.name for field in dataclasses.fields(unused)]
    assert names == ["dish", "minutes", "spices", "shares", "amounts", "hot"]
    program = Program("serve", "Serves a dish.", Serving, Portions, unused)
    arguments = program.parse(["--time=-3", "--nohot", "--dish=cake", "--shares=1,2"])
    assert arguments.typed == {"minutes": "time", "hot": "hot", "dish": "dish", "shares": "shares"}
    received = arguments[unused]
    assert (received.minutes, received.hot, received.spices) == (-3.0, False, None)
    assert "\nOf cooking.\n  --dish\n  --minutes\n        (also --time)\n" in program.help()


def test_defaults():
    arguments = KITCHEN.parse([])
    assert arguments[Cooking] == Cooking()
    assert arguments[Serving] == Serving()
    assert arguments.given == frozenset()


def test_every_kind_of_flag():
    arguments = KITCHEN.parse(
        [
            "--dish=salad",
            "--minutes",
            "2.5",
            "--portions=3",
            "--spices=salt,dill",
            "--shares=1,.5",
            "--amounts=2,7",
            "--nohot",
            "--plate=blue",
        ]
    )
    assert arguments[Cooking] == Cooking(
        "salad", 2.5, 3, ("salt", "dill"), (1.0, 0.5), (2, 7), False
    )
    assert arguments[Serving] == Serving("blue")
    named = {"dish", "minutes", "portions", "spices", "shares", "amounts", "hot", "plate"}
    assert arguments.given == named


def test_an_alias_is_its_field():
    arguments = KITCHEN.parse(["--time=9"])
    assert arguments[Cooking].minutes == 9.0
    assert arguments.given == {"minutes"}


@pytest.mark.parametrize("names", [("time", "minutes"), ("minutes", "time")])
def test_two_names_of_a_flag_must_agree(names):
    first, second = names
    assert KITCHEN.parse([f"--{first}=9", f"--{second}=9.0"])[Cooking].minutes == 9.0
    with pytest.raises(
        UsageError, match=r"received --minutes=\d.0 and --time=\d.0: they are names"
    ):
        KITCHEN.parse([f"--{first}=8", f"--{second}=9"])


def test_a_translation_changes_what_was_parsed():
    def from_cups(arguments):
        portions = arguments[Cooking].portions
        if portions == 13:
            raise ValueError("--portions must not be 13")
        changed = dataclasses.replace(arguments[Cooking], minutes=2.0 * portions)
        return arguments.replace(changed, {"minutes": "portions"})

    program = Program("cook", "Cooks a dish.", Cooking, Serving, translate=from_cups)
    arguments = program.parse(["--portions=3", "--plate=blue"])
    assert arguments[Cooking] == Cooking(minutes=6.0, portions=3)
    assert arguments[Serving] == Serving("blue")
    assert arguments.typed == {"portions": "portions", "plate": "plate", "minutes": "portions"}
    with pytest.raises(UsageError, match="--portions must not be 13"):
        program.parse(["--portions=13"])


def test_an_empty_list():
    assert KITCHEN.parse(["--spices="])[Cooking].spices == ()


@pytest.mark.parametrize(
    ("argv", "parts"),
    [
        (["--dihs=soup"], ["dihs", "Did you mean", "dish"]),
        (["--dish=salat"], ["--dish=salat", "did you mean salad?"]),
        (["--minutes=long"], ["minutes", "long"]),
        (["--minutes=-1"], ["--minutes must be at least 0", "-1"]),
        (["--amounts=2,x"], ["--amounts takes whole numbers", "2,x"]),
        (["--shares=2,x"], ["--shares takes numbers", "2,x"]),
        (["soup"], ["arguments must be flags", "soup"]),
    ],
)
def test_wrong_command_lines_name_the_flag_and_the_value(argv, parts):
    with pytest.raises(UsageError) as error:
        KITCHEN.parse(argv)
    for part in parts:
        assert part in str(error.value)


def test_closest():
    assert closest("NetVLADModel", ("MoeModel", "NetVLADModelLF")).startswith(
        "did you mean NetVLADModelLF"
    )
    assert closest("zzz", ("a", "b")) == "must be one of a, b"
    assert closest(3, (2, 32)) == "must be one of 2, 32"


def test_help_has_each_group_and_flag():
    text = KITCHEN.help()
    assert text.startswith("usage: cook")
    assert text.index("How to cook.") < text.index("--minutes") < text.index("How to serve.")
    assert "--[no]hot" in text
    assert "--minutes = 5.0" in text
    assert "(also --time)" in text
    assert "What. One of soup, salad." in text
    assert "Which. Of salt, dill." in text


def test_help_says_what_the_model_decides():
    assert "--base_learning_rate = the model's, see --list_models\n" in TRAIN.help()


def test_help_marks_what_must_be_given():
    assert "--train_data_pattern\n" in TRAIN.help()
    assert "--pattern (required)\n" in INSPECT.help()


def cook(main, argv):
    """Runs a kitchen with another `main`."""
    kitchen = Program("cook", "Cooks a dish.", Cooking, Serving)
    kitchen.main(main)
    kitchen.run(argv)


@pytest.mark.parametrize(
    ("error", "code"),
    [(ValueError("bad"), 1), (OSError("gone"), 1), (UsageError("flag"), 2),
     (KeyboardInterrupt(), 130)],
)  # fmt: skip
def test_run_turns_errors_into_an_exit_status(error, code, capsys):
    def main(arguments):
        raise error

    with pytest.raises(SystemExit) as exit_:
        cook(main, [])
    assert exit_.value.code == code
    assert (str(error) or "interrupted") in capsys.readouterr().err


def test_run_succeeds(capsys):
    with pytest.raises(SystemExit) as exit_:
        cook(lambda arguments: None, [])
    assert exit_.value.code == 0


def test_a_program_without_main_says_so():
    with pytest.raises(ValueError, match="cook has no main"):
        KITCHEN.run([])


def test_run_ends_with_the_status_of_the_signal_that_main_returns():
    with pytest.raises(SystemExit) as exit_:
        cook(lambda arguments: signal.SIGTERM, [])
    assert exit_.value.code == 128 + 15


def test_sigterm_unwinds_main_and_is_the_status(capsys):
    unwound = []

    def main(arguments):
        try:
            signal.raise_signal(signal.SIGTERM)
        finally:
            unwound.append(True)

    before = signal.getsignal(signal.SIGTERM)
    with pytest.raises(SystemExit) as exit_:
        cook(main, [])
    assert exit_.value.code == 143
    assert unwound == [True]
    assert capsys.readouterr().err == "cook: terminated\n"
    assert signal.getsignal(signal.SIGTERM) == before


@pytest.mark.parametrize("program", ["train.py", "-m yt8m_models.training"])
def test_help_of_the_training_program_does_not_import_tensorflow(program):
    code = (
        "import runpy, sys\n"
        "sys.argv = ['train', '--help']\n"
        "try:\n"
        f"    {_run_line(program)}\n"
        "except SystemExit as exit_:\n"
        "    assert exit_.code == 0, exit_.code\n"
        "heavy = {'tensorflow', 'keras', 'numpy', 'pandas'} & set(sys.modules)\n"
        "assert not heavy, heavy\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert result.returncode == 0, result.stderr
    assert "--train_data_pattern" in result.stdout


def _run_line(program):
    if program.startswith("-m "):
        return f"runpy.run_module({program[3:]!r}, run_name='__main__', alter_sys=False)"
    return f"runpy.run_path({program!r}, run_name='__main__')"


# The starter code's flags of train.py, with their defaults.
STARTER_FLAGS = {
    "train_dir": "/tmp/yt8m_model/",
    "train_data_pattern": "",
    "feature_names": ("mean_rgb",),
    "feature_sizes": (1024,),
    "frame_features": False,
    "segment_labels": False,
    "model": "LogisticModel",
    "start_new_model": False,
    "batch_size": 1024,
    "label_loss": "CrossEntropyLoss",
    "regularization_penalty": 1.0,
    "base_learning_rate": 0.01,
    "learning_rate_decay": 0.95,
    "learning_rate_decay_examples": 4000000,
    "num_epochs": 5,
    "max_steps": None,
    "export_model_steps": 1000,
    "num_readers": 8,
    "optimizer": "AdamOptimizer",
    "clip_gradient_norm": 1.0,
    "log_device_placement": False,
}


def test_the_starter_codes_flags_have_its_defaults():
    fields = {
        field.name: field.default
        for cls in (DataConfig, ModelConfig)
        for field in dataclasses.fields(cls)
    }
    training = TRAIN.parse(["--train_data_pattern=a"])[TrainConfig].resolved("LogisticModel")
    fields |= {**vars(training), "train_data_pattern": ""}
    assert {name: fields[name] for name in STARTER_FLAGS} == STARTER_FLAGS


def test_a_command_of_the_starter_codes_readme():
    arguments = TRAIN.parse(
        [
            "--frame_features",
            "--model=FrameLevelLogisticModel",
            "--feature_names=rgb,audio",
            "--feature_sizes=1024,128",
            "--train_data_pattern=/data/train*.tfrecord",
            "--train_dir=/models/frame",
            "--start_new_model",
        ]
    )
    assert arguments[DataConfig] == DataConfig(("rgb", "audio"), (1024, 128), frame_features=True)
    assert arguments[ModelConfig].model == "FrameLevelLogisticModel"
    assert arguments[TrainConfig].start_new_model
    assert arguments[TrainConfig].train_dir == "/models/frame"


@pytest.mark.parametrize(
    ("flag", "parts"),
    [
        ("--modle=MoeModel", ["modle", "model"]),
        ("--model=MoeModle", ["--model=MoeModle", "did you mean MoeModel"]),
        ("--model=netvlad", ["did you mean", "NetVLADModelLF"]),
        ("--pooling=netvald", ["did you mean netvlad"]),
        ("--optimizer=AdamOptimiser", ["did you mean AdamOptimizer"]),
        ("--label_loss=CrossEntropy", ["did you mean CrossEntropyLoss"]),
        ("--batch_size=0", ["--batch_size must be at least 1; received 0"]),
        ("--max_steps=0", ["--max_steps must be at least 1; received 0"]),
        ("--base_learning_rate=0", ["--base_learning_rate must be above 0; received 0"]),
        (
            "--base_learning_rate=nan",
            ["--base_learning_rate must be a finite number; received nan"],
        ),
        ("--clip_gradient_norm=-1", ["--clip_gradient_norm must be at least 0; received -1"]),
        ("--train_data_pattern=", ["--train_data_pattern must be given"]),
        ("--train_dir=", ["--train_dir must be given"]),
    ],
)
def test_wrong_training_flags(flag, parts):
    with pytest.raises(UsageError) as error:
        TRAIN.parse([DATA, flag])
    for part in parts:
        assert part in str(error.value)


def test_training_without_records_names_the_flag():
    with pytest.raises(UsageError, match="--train_data_pattern must be given"):
        TRAIN.parse([])


@pytest.mark.parametrize(
    ("flag", "message"),
    [
        ("--num_clusters=0", "--num_clusters must be at least 1; received 0"),
        ("--gamma=-1", "--gamma must be at least 0; received -1"),
        ("--initial_scale=0", "--initial_scale must be above 0; received 0"),
        ("--statistics=", "--statistics must be given"),
        ("--statistics=means,means", "--statistics must have entries that differ"),
        ("--dropout=1", "--dropout must be at least 0 and below 1; received 1"),
        ("--moe_num_mixtures=0", "--moe_num_mixtures must be at least 1; received 0"),
    ],
)
def test_wrong_model_flags(flag, message):
    with pytest.raises(UsageError, match=message):
        TRAIN.parse([DATA, flag])


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"feature_names": ("rgb", "audio")}, "--feature_names and --feature_sizes"),
        (
            {"feature_names": ("a", "a"), "feature_sizes": (1, 1)},
            "--feature_names must have entries",
        ),
        ({"feature_names": (), "feature_sizes": ()}, "--feature_names must be given"),
        ({"feature_sizes": (0,)}, "--feature_sizes must be at least 1"),
        ({"num_classes": 0}, "--num_classes must be at least 1; received 0"),
        ({"max_frames": 0}, "--max_frames must be at least 1; received 0"),
        ({"segment_labels": True}, "--segment_labels needs --frame_features"),
    ],
)
def test_wrong_data_formats(changes, message):
    with pytest.raises(ValueError, match=message):
        DataConfig(**changes)


@pytest.mark.parametrize("name", PRESETS)
def test_a_resolved_model_has_its_presets_values_and_keeps_the_flags(name):
    config = ModelConfig(model=name, moe_num_mixtures=7, gamma=0.0).resolved()
    defaults = {field.name: field.default for field in dataclasses.fields(ResolvedModel)}
    expected = {**defaults, **PRESETS[name], "moe_num_mixtures": 7, "gamma": 0.0, "model": name}
    resolved = dataclasses.asdict(config)
    derived = {key for key, value in expected.items() if value is None} | {"input_batch_norm"}
    assert {k: v for k, v in resolved.items() if k not in derived} == {
        k: v for k, v in expected.items() if k not in derived
    }
    assert config.resolved() == config


@pytest.mark.parametrize(
    ("model", "field", "value"),
    [
        (ModelConfig("NetVLADModelLF", num_clusters=5), "num_clusters_audio", 2),
        (ModelConfig("NetVLADModelLF", num_clusters=1), "num_clusters_audio", 1),
        (ModelConfig("SoftDbofModelLF", num_clusters=16), "num_clusters_audio", 2),
        (ModelConfig("DbofModel", dbof_activation="relu6"), "hidden_activation", "relu6"),
        (ModelConfig("NetVLADModelLF"), "hidden_batch_norm", False),
        (ModelConfig("NetVLADModelLF", hidden_activation="relu6"), "hidden_batch_norm", True),
        (ModelConfig("NetVLADModelLF"), "input_batch_norm", True),
        (ModelConfig("NetVLADModelLF", batch_norm=False), "input_batch_norm", False),
        (ModelConfig("NeXtVLADModel", batch_norm=False), "hidden_batch_norm", False),
        (ModelConfig("DSGMMModel", gamma=3.0), "gamma_means", 3.0),
        (ModelConfig("DSGMMModel", gamma=3.0, gamma_weights=0.0), "gamma_weights", 0.0),
    ],
)
def test_what_no_flag_says_is_derived(model, field, value):
    assert getattr(model.resolved(), field) == value


def test_an_unknown_model_cannot_be_resolved():
    with pytest.raises(ValueError, match="--model=Nothing: must be one of LogisticModel"):
        ModelConfig(model="Nothing")


def test_model_flags_are_those_of_the_starter_code_and_come_back():
    model = ModelConfig(model="DSGMMModel", num_clusters=8, gating=False)
    data = DataConfig(("rgb", "audio"), (1024, 128), frame_features=True, num_classes=10)
    record = model_flags(model, data, "HingeLoss")
    assert {
        "model": "DSGMMModel",
        "feature_sizes": "1024,128",
        "feature_names": "rgb,audio",
        "frame_features": True,
        "label_loss": "HingeLoss",
    }.items() <= record.items()
    assert parse_model_flags(record) == (model, data, "HingeLoss")


def test_model_flags_of_the_starter_code_are_understood():
    record = {
        "model": "MoeModel",
        "feature_sizes": "1024, 128",
        "feature_names": "mean_rgb, mean_audio",
        "frame_features": False,
        "label_loss": "CrossEntropyLoss",
    }
    model, data, label_loss = parse_model_flags(record)
    assert (model, label_loss) == (ModelConfig(model="MoeModel"), "CrossEntropyLoss")
    assert data == DataConfig(("mean_rgb", "mean_audio"), (1024, 128))


def test_model_flags_with_unknown_keys_are_refused():
    with pytest.raises(ValueError, match=r"unknown keys: colour"):
        parse_model_flags({"model": "MoeModel", "colour": "red"})


def test_help_whose_reader_leaves_early():
    process = subprocess.Popen(
        [sys.executable, "-m", "eval", "--help"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    process.stdout.close()
    assert process.stderr.read() == b""
    assert process.wait() == 0


@pytest.mark.parametrize("status", [0, 1])
def test_exit_cleanly_is_a_usual_exit_without_tensorflow_io(status, monkeypatch):
    monkeypatch.delitem(sys.modules, "tensorflow_io", raising=False)
    with pytest.raises(SystemExit) as exit_:
        exit_cleanly(status)
    assert exit_.value.code == status


@pytest.mark.parametrize("status", [0, 3])
def test_exit_cleanly_flushes_and_avoids_an_abort_at_exit(status):
    """An exit handler that aborts stands in for the destructor of the S3 file system."""
    program = (
        "import atexit, os, sys, types\n"
        "from yt8m_models.program.command import exit_cleanly\n"
        "sys.modules['tensorflow_io'] = types.ModuleType('tensorflow_io')\n"
        "atexit.register(os.abort)\n"
        "print('done')\n"
        f"exit_cleanly({status})\n"
    )
    ended = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (status, "done\n")
