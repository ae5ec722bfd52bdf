"""The readers return what the starter code's readers return for the same files."""

from pathlib import Path

import numpy as np
import pytest

from yt8m_models.config import DataConfig
from yt8m_models.data.pipeline import Pipeline, PipelineOptions
from yt8m_models.data.quantization import dequantize

READERS = Path(__file__).resolve().parents[2].parent / "shared" / "parity" / "readers"
CONFIGS = {
    "frames": DataConfig(("rgb", "audio"), (16, 4), frame_features=True, num_classes=40),
    "segments": DataConfig(
        ("rgb", "audio"), (16, 4), frame_features=True, segment_labels=True, num_classes=40
    ),
    "videos": DataConfig(("mean_rgb", "mean_audio"), (16, 4), num_classes=40),
}

pytestmark = pytest.mark.skipif(
    not READERS.exists(), reason=f"the recorded reader outputs are not there: {READERS}"
)


@pytest.mark.parametrize("max_bad_records", [0, 1])
@pytest.mark.parametrize("kind", CONFIGS)
def test_equals_starter_code(kind, max_bad_records):
    options = PipelineOptions(100, pad_to_max_frames=True, max_bad_records=max_bad_records)
    (batch,) = Pipeline([str(READERS / f"{kind}.tfrecord")], CONFIGS[kind], options)
    batch = {name: value.numpy() for name, value in batch.items()}
    if kind != "videos":
        frames = batch["video_matrix"]
        assert frames.dtype == np.uint8
        valid = np.arange(frames.shape[1]) < batch["num_frames"][:, None]
        batch["video_matrix"] = dequantize(frames) * valid[..., None]
    recorded = np.load(READERS / "reader_outputs.npz")
    names = {name.split("/")[1] for name in recorded.files if name.startswith(f"{kind}/")}
    assert set(batch) == names
    for name in names - {"video_matrix"}:
        np.testing.assert_array_equal(
            batch[name].astype(recorded[f"{kind}/{name}"].dtype), recorded[f"{kind}/{name}"]
        )
    np.testing.assert_allclose(batch["video_matrix"], recorded[f"{kind}/video_matrix"], atol=1e-6)
