"""Video files of known colours and tones."""

import shutil
import subprocess
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("av", reason="needs the extra `video`")

RATE = 4
SIDE = 16


@pytest.fixture(scope="session")
def make_clip():
    """Makes a lossless video of a colour a second, with a tone or without sound.

    The tone is a number of Hz, or one of ffmpeg's expressions of the time `t`.
    """
    if shutil.which("ffmpeg") is None:
        pytest.skip("makes clips with ffmpeg, which is not installed")

    def make(path, colours, tone=None):
        images = np.repeat(np.array(colours, np.uint8), RATE, axis=0)
        raw = np.broadcast_to(images[:, None, None], (len(images), SIDE, SIDE, 3)).tobytes()
        video = f"-f rawvideo -pix_fmt rgb24 -s {SIDE}x{SIDE} -framerate {RATE} -i -".split()
        if tone:
            wave = f"aevalsrc='0.1*sin(2*PI*({tone})*t)':s=16000:d={len(colours)}"
            video += ["-f", "lavfi", "-i", wave]
        command = ["ffmpeg", "-loglevel", "error", "-y", *video, "-c:v", "ffv1", str(path)]
        subprocess.run(command, input=raw, check=True)
        return str(path)

    return make


@pytest.fixture(scope="session")
def clips(make_clip, tmp_path_factory):
    """`a.mkv` (7 s, a tone), `b.mkv` (2 s, silent), `c.mkv` (4 s, a tone); `broken.mkv`, text.

    `colours` has those of the seconds, by id.
    """
    directory = tmp_path_factory.mktemp("clips")
    rng = np.random.default_rng(3)
    colours = {name: rng.integers(0, 256, (n, 3)) for name, n in [("a", 7), ("b", 2), ("c", 4)]}
    for name, tone in [("a", 440), ("b", None), ("c", 2000)]:
        make_clip(directory / f"{name}.mkv", colours[name], tone)
    (directory / "broken.mkv").write_text("not a video")
    return SimpleNamespace(directory=directory, colours=colours, pattern=f"{directory}/?.mkv")
