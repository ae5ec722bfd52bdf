"""A model of colours with known weights, and clips of colours."""

from fractions import Fraction

import numpy as np
import pytest
import tensorflow as tf

from yt8m_models.config import DataConfig, ModelConfig
from yt8m_models.data.extraction_record import Extraction
from yt8m_models.demo.config import DemoConfig
from yt8m_models.demo.describer import Describer
from yt8m_models.extraction import extractor
from yt8m_models.extraction.config import ExtractionConfig
from yt8m_models.models import create_model
from yt8m_models.training.checkpoints import Checkpoints
from yt8m_models.training.train_dir import record_extraction, record_model_flags

RED, BLUE = (220, 60, 30), (20, 40, 220)
RATE = 4
SIDE = 64
DATA = DataConfig(("rgb",), (4,), frame_features=True, num_classes=3)
CONFIG = ExtractionConfig(rgb_model="mean_colour", audio_model="none", frames_per_second="2")
# Logits of red, green and blue clips, by features from -1 to 1.
KERNEL = np.array([[3, -1, -1], [-1, 3, -1], [-1, -1, 3], [0, 0, 0]], np.float32)


@pytest.fixture(scope="session")
def clips(tmp_path_factory):
    """`both.mp4`, five seconds red and three blue; `red.mp4`, one second; `broken.mp4`, a text."""
    av = pytest.importorskip("av", reason="needs the extra `video`")
    if "libx264" not in av.codecs_available:
        pytest.skip("this PyAV cannot write H.264")
    directory = tmp_path_factory.mktemp("clips")
    for name, colours in (("both", [RED] * 5 + [BLUE] * 3), ("red", [RED])):
        with av.open(str(directory / f"{name}.mp4"), "w") as file:
            stream = file.add_stream("libx264", rate=RATE)
            stream.width = stream.height = SIDE
            stream.pix_fmt = "yuv420p"
            for number, colour in enumerate(np.repeat(np.array(colours, np.uint8), RATE, axis=0)):
                image = np.broadcast_to(colour, (SIDE, SIDE, 3)).copy()
                frame = av.VideoFrame.from_ndarray(image, format="rgb24")
                frame.pts, frame.time_base = number, Fraction(1, RATE)
                file.mux(stream.encode(frame))
            file.mux(stream.encode(None))
    (directory / "broken.mp4").write_text("<b>not a video</b>")
    return directory


@pytest.fixture(scope="session")
def train_dir(mean_colour, clips, tmp_path_factory):
    """The directory of a logistic model with the weights `KERNEL`, and its vocabulary."""
    directory = tmp_path_factory.mktemp("model")
    config = ModelConfig("FrameLevelLogisticModel")
    record_model_flags(str(directory), config, DATA, "CrossEntropyLoss")
    settings = extractor.Extractor(CONFIG).settings
    record_extraction(str(directory), Extraction(settings, CONFIG.flags))
    model = create_model(config, DATA)
    kernel, bias = model.trainable_variables
    kernel.assign(KERNEL)
    bias.assign([0, 0, 0])
    step = tf.Variable(40, dtype=tf.int64)
    Checkpoints(str(directory), keep=1, model=model, step=step).save(40)
    (directory / "vocabulary.csv").write_text("Index,Name\n0,Red\n1,Green\n2,<i>Blue</i>\n")
    return directory


@pytest.fixture(scope="session")
def demo_config(train_dir):
    return DemoConfig(str(train_dir), vocabulary=str(train_dir / "vocabulary.csv"), top_k=2)


@pytest.fixture(scope="session")
def describer(demo_config):
    return Describer(demo_config, ExtractionConfig())
