"""The loop of `docs/export.md` in PyTorch lowers the loss, and its model is loaded again."""

import re
from pathlib import Path

import keras
import numpy as np
import pytest

import yt8m_models
from losses import CrossEntropyLoss
from yt8m_models.hub.folder import read_folder

torch = pytest.importorskip("torch", reason="needs PyTorch")
pytestmark = [
    pytest.mark.skipif(keras.backend.backend() != "torch", reason="needs KERAS_BACKEND=torch")
]

PAGE = (Path(__file__).parents[2] / "docs" / "export.md").read_text("utf-8")


def test_fine_tuning(written, tmp_path, monkeypatch):
    folder, _ = written("DSGMMModel")
    (tmp_path / "exported").mkdir()
    folder.rename(tmp_path / "exported" / "hf")
    monkeypatch.chdir(tmp_path)
    before, _ = read_folder(tmp_path / "exported" / "hf")

    rng = np.random.default_rng(0)
    classes = rng.integers(0, 5, 256)
    frames = rng.integers(0, 60, (256, 6, 8), np.uint8)
    frames[np.arange(256), :, classes] += 150
    labels = np.eye(5, dtype=np.float32)[classes]
    num_frames = np.full(256, 6, np.int32)
    videos = torch.utils.data.TensorDataset(
        *(torch.from_numpy(values) for values in (frames, num_frames, labels))
    )
    batches = torch.utils.data.DataLoader(videos, batch_size=16)
    section = PAGE.partition("\n## PyTorch\n")[2].partition("\n## ")[0]
    (code,) = re.findall(r"```python\n(.*?)```", section, re.DOTALL)
    variables = {"batches": batches}
    exec(code, variables)

    def mean_loss(model):
        found = model({"video_matrix": frames, "num_frames": num_frames})
        return float(keras.ops.convert_to_numpy(CrossEntropyLoss()(labels, found)))

    tuned = yt8m_models.load_model("tuned")
    assert mean_loss(tuned) == mean_loss(variables["model"])
    assert mean_loss(tuned) < mean_loss(before) - 0.1
    moved = [
        weight.name
        for weight, old in zip(tuned.weights, before.weights, strict=True)
        if not np.array_equal(weight.numpy(), old.numpy())
    ]
    assert {"means", "gating_kernel", "moving_mean", "experts_kernel"} <= set(moved)
