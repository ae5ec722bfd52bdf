"""What all tests share: quiet libraries, and where recorded outputs and real records are."""

import json
import os
import pickle
import shutil
import signal
import socket
import subprocess
import time
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "2")
# Shells ignore Ctrl-C in what they run in the background, and programs that tests start would too.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

BROWSERS = ("chromium", "chromium-browser", "google-chrome")
SHARED = Path(__file__).resolve().parents[2] / "shared"


@pytest.fixture(scope="session")
def shared():
    """The directory of recorded outputs (`parity`) and real records (`data`), beside the clone."""
    if not SHARED.is_dir():
        pytest.skip(f"no recorded outputs and real records: there is no directory {SHARED.name}/")
    return SHARED


@pytest.fixture(scope="session")
def forget_contents():
    """Takes the checksums out of the record in a directory: those of older versions have none."""

    def forget(directory):
        (path,) = Path(directory).glob("*.json")
        record = json.loads(path.read_text())
        del record["contents"]
        path.write_text(json.dumps(record))

    return forget


@pytest.fixture
def spread_here(monkeypatch):
    """`spread_here(module)`: what a module spreads is done in this process; a session for it.

    Each item is done twice, as where a worker is lost, from the last to the first.
    """

    def patch(module):
        def spread(spark, work, items):
            assert spark is session
            pickled = [pickle.dumps((work, item)) for item in items]
            done = {}
            for place in [*range(len(items)), *reversed(range(len(items)))]:
                again, item = pickle.loads(pickled[place])
                done[place] = pickle.loads(pickle.dumps(again(item)))
            return [done[place] for place in range(len(items))]

        monkeypatch.setattr(module, "spread", spread)
        return session

    session = SimpleNamespace(sparkContext=SimpleNamespace(defaultParallelism=2))
    return patch


@pytest.fixture
def gradients():
    """`gradients(layer, loss)`: of `loss()` for each trainable weight of a layer, as arrays."""
    import keras

    def of_weights(layer, loss):
        weights = layer.trainable_weights

        def loss_of(*values):
            if keras.backend.backend() != "jax":  # others differentiate by the weights themselves
                return loss()
            mapping = list(zip(weights, values, strict=True))
            with keras.StatelessScope(state_mapping=mapping):
                return loss()

        return _gradients(loss_of, [weight.value for weight in weights])

    return of_weights


@pytest.fixture
def input_gradients():
    """`input_gradients(function, *inputs, **options)`: for each of the inputs, as arrays."""
    from keras import ops

    def of_inputs(function, *inputs, **options):
        tensors = [ops.convert_to_tensor(values) for values in inputs]
        return _gradients(lambda *given: function(*given, **options), tensors)

    return of_inputs


def _gradients(function, tensors):
    """Of a function's one value, by whichever backend Keras runs on."""
    import keras

    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf

        with tf.GradientTape() as tape:
            tape.watch(tensors)
            value = function(*tensors)
        found = [tf.convert_to_tensor(each) for each in tape.gradient(value, tensors)]
    elif keras.backend.backend() == "jax":
        import jax

        found = jax.grad(lambda given: function(*given))(tensors)
    else:
        import torch

        for tensor in tensors:
            tensor.requires_grad_()
        found = torch.autograd.grad(function(*tensors), tensors)
    return [keras.ops.convert_to_numpy(gradient) for gradient in found]


@pytest.fixture
def warned(caplog):
    """Gives the warnings of this project since the last call; TensorFlow has some of its own."""

    def warned():
        records = [record for record in caplog.records if record.name.startswith("yt8m_models")]
        caplog.clear()
        return [record.getMessage() for record in records]

    return warned


class MeanColour:
    """A network of pictures: the mean colour, from -1 to 1, and a 0."""

    name, size, run_length = "mean_colour", 4, 1

    def __init__(self, weights):
        self.settings = {"name": self.name, "weights": weights}
        self.calls = []

    def __call__(self, images):
        self.calls.append(len(images))
        colours = np.array([image.mean(axis=(0, 1)) for image in images]) / 127.5 - 1
        return np.concatenate([colours, np.zeros((len(images), 1))], axis=1).astype(np.float32)


@pytest.fixture(scope="session")
def mean_colour():
    """Lets `--rgb_model=mean_colour` be `MeanColour`; the networks that were made."""
    from yt8m_models.extraction import extractor

    made, others = [], extractor.image_model

    def image_model(name, weights=""):
        if name != MeanColour.name:
            return others(name, weights)
        made.append(MeanColour(weights))
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(extractor, "image_model", image_model)
        yield made


@pytest.fixture
def run_here(capsys):
    """`run_here(program, *flags)`: a program in this process; its status and what it printed."""

    def run(program, *flags):
        status = program._status([str(flag) for flag in flags])
        return status, *capsys.readouterr()

    return run


@pytest.fixture
def start_workers():
    """Starts trainings that are workers of one cluster; those that still run are killed."""
    started = []

    def start(*commands):
        sockets = [socket.socket() for _ in commands]
        for each in sockets:
            each.bind(("127.0.0.1", 0))
        addresses = [f"127.0.0.1:{each.getsockname()[1]}" for each in sockets]
        for each in sockets:
            each.close()
        tasks = [{"type": "worker", "index": index} for index in range(len(commands))]
        workers = [
            subprocess.Popen(
                each,
                env={
                    **os.environ,
                    "TF_CONFIG": json.dumps({"cluster": {"worker": addresses}, "task": task}),
                },
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for each, task in zip(commands, tasks, strict=True)
        ]
        started.extend(workers)
        return workers, addresses

    yield start
    for worker in started:
        worker.kill()


@pytest.fixture(scope="session")
def wait_for_checkpoint():
    """Waits until a training has written a checkpoint, and `more` seconds."""
    from yt8m_models.training.train_dir import checkpoint_paths

    def wait(process, train_dir, more=0.0):
        while not checkpoint_paths(str(train_dir)):
            assert process.poll() is None, process.communicate()
            time.sleep(0.02)
        time.sleep(more)

    return wait


@pytest.fixture(scope="module")
def browser():
    """A browser without a window; while it is there, no other event loop runs."""
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright")
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    if path is None:
        pytest.skip("needs a browser: chromium")
    with api.sync_playwright() as playwright:
        launched = playwright.chromium.launch(executable_path=path, args=["--no-sandbox"])
        yield launched
        launched.close()
