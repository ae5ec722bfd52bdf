"""Pictures and patches side by side."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("av", reason="needs the extra `video`")

from tests.mutations import mutated, outcome
from yt8m_models.media.clip import Clip
from yt8m_models.media.frames import read_frames
from yt8m_models.media.log_mel import log_mel_patches
from yt8m_models.media.sound import read_sound

from .conftest import ffmpeg, numbers, packets
from .test_frames import H264, INTRA, with_bytes

SILENCE = np.full((96, 64), np.log(0.01), np.float32)


def steps(seconds, rate=16000):
    """A tone for each second, 300 Hz higher than that of the second before."""
    time = np.arange(int(seconds * rate)) / rate
    return 0.5 * np.sin(2 * np.pi * 300 * (1 + np.floor(time)) * time)[:, None]


def pitch(patch):
    """The second that a patch's middle is heard in."""
    edges = np.linspace(mel(125), mel(7500), 66)[1:-1]
    hertz = 700 * np.expm1(edges[patch[40:56].mean(axis=0).argmax()] / 1127)
    return round(hertz / 300) - 1


def mel(hertz):
    return 1127 * np.log1p(hertz / 700)


def with_sound(clips, name, seconds=6.0, encoding="-c:a pcm_s16le", **picture):
    sound = clips.sound(f"steps_{seconds}.wav", steps(seconds), 16000, "-c:a pcm_s16le")
    picture = clips.numbered(f"picture_{name}", H264, **picture)
    path = sound.with_name(name)
    ffmpeg("-i", picture, "-i", sound, f"-c:v copy {encoding}", path)
    return str(path)


def test_a_second_of_sound_is_beside_its_picture(clips):
    path = with_sound(clips, "both.mkv")
    clip = Clip(path)
    images, patches = zip(*clip, strict=True)
    assert numbers(images) == [0, 7, 13, 20, 27, 33]
    assert [pitch(patch) for patch in patches] == [0, 1, 2, 3, 4, 5]
    np.testing.assert_array_equal(images, list(read_frames(path)))
    np.testing.assert_array_equal(patches, list(log_mel_patches(read_sound(path))))
    assert (clip.num_frames, clip.has_sound, clip.damaged_packets) == (6, True, 0)


def test_sound_that_ends_early_is_followed_by_silence(clips):
    """2.5 s of it: the third patch is half sound, the others are silent."""
    clip = Clip(with_sound(clips, "short.mkv", seconds=2.5))
    patches = [patch for _, patch in clip]
    assert [pitch(patch) for patch in patches[:2]] == [0, 1]
    assert patches[2][:47].max(axis=1).min() > 0
    np.testing.assert_allclose(patches[2][51:], SILENCE[51:], atol=1e-6)
    np.testing.assert_allclose(patches[3:], [SILENCE] * 3)
    assert clip.has_sound


def test_sound_that_goes_on_is_cut(clips):
    clip = Clip(with_sound(clips, "long.mkv", seconds=6.0, num_frames=15))
    assert [pitch(patch) for _, patch in clip] == [0, 1, 2]
    assert clip.num_frames == 3


def test_a_video_without_sound_is_silent(clips):
    clip = Clip(str(clips.numbered("mute.mp4", H264)))
    np.testing.assert_allclose([patch for _, patch in clip], [SILENCE] * 6)
    assert (clip.num_frames, clip.has_sound) == (6, False)


def test_at_0_96_seconds_the_patch_that_begins_nearest(clips):
    """At 30 s, patch 31 (29.76 s) is nearer than patch 32 (30.72 s)."""
    path = with_sound(clips, "half_a_minute.mkv", seconds=31.0, num_frames=31, rate=1)
    apart = list(log_mel_patches(read_sound(path), Fraction(96, 100)))
    received = [patch for _, patch in Clip(path, audio_hop=0.96)]
    starts = 0.96 * np.arange(40)
    expected = [np.abs(starts - tick).argmin() for tick in range(31)]
    assert expected[12:15] == [12, 14, 15], "13 begins 0.52 s before 13 s"
    assert expected[30] == 31
    np.testing.assert_array_equal(received, [apart[number] for number in expected])


@pytest.mark.parametrize("rate", [Fraction(1, 2), 2, 3])
def test_at_other_rates_the_patch_that_begins_nearest(clips, rate):
    """Of two as near, the earlier; the seventh, behind the end, is silent."""
    path = with_sound(clips, "both.mkv")
    patches = [*log_mel_patches(read_sound(path)), SILENCE]
    clip = Clip(path, rate)
    received = [patch for _, patch in clip]
    ticks = [Fraction(number) / rate for number in range(int(6 * rate))]
    places = [min(range(7), key=lambda second: abs(second - tick)) for tick in ticks]
    np.testing.assert_allclose(received, [patches[place] for place in places], atol=1e-6)
    assert numbers(image for image, _ in clip) == numbers(read_frames(path, rate))


def test_max_frames(clips):
    clip = Clip(with_sound(clips, "both.mkv"), max_frames=2)
    assert numbers(image for image, _ in clip) == [0, 7]
    assert clip.num_frames == 2
    assert len(list(Clip(clip.path, max_frames=2, pictures=False))) == 2
    assert len(list(Clip(clip.path, max_frames=0))) == 6


def test_pictures_or_sound_alone(clips):
    path = with_sound(clips, "both.mkv")
    images = Clip(path, sound=False)
    assert [patch for _, patch in images] == [None] * 6
    assert numbers(image for image, _ in images) == [0, 7, 13, 20, 27, 33]
    assert not images.has_sound
    patches = Clip(path, pictures=False)
    assert [(image, pitch(patch)) for image, patch in patches] == [
        (None, second) for second in range(6)
    ]
    assert patches.has_sound
    with pytest.raises(ValueError, match="pictures and sound are both False"):
        Clip(path, pictures=False, sound=False)


def test_a_file_of_sound_alone(clips):
    """Its patches are those that it fills; one that is shorter than a patch has one."""
    song = str(clips.sound("song.m4a", steps(3.5), 16000))
    assert [pitch(patch) for _, patch in Clip(song, pictures=False)] == [0, 1, 2]
    click = str(clips.sound("click.wav", steps(0.1), 16000))
    (patch,) = [patch for _, patch in Clip(click, pictures=False)]
    assert patch[:7].max(axis=1).min() > 0
    np.testing.assert_allclose(patch[11:], SILENCE[11:], atol=1e-6)
    with pytest.raises(ValueError, match=r"song\.m4a: has no video stream"):
        list(Clip(song))
    with pytest.raises(ValueError, match=r"mute\.mp4: has no sound that can be decoded"):
        list(Clip(str(clips.numbered("mute.mp4", H264)), pictures=False))


def test_sound_that_cannot_be_decoded_is_none(clips, tmp_path):
    """Pictures come all the same, and the damage is told."""
    whole = Path(with_sound(clips, "broken.mp4", encoding="-c:a flac -strict -2"))
    sound = packets(whole, "a:0")
    clip = Clip(str(with_bytes(whole, sound, tmp_path / "broken.mp4")))
    images, patches = zip(*clip, strict=True)
    assert numbers(images) == [0, 7, 13, 20, 27, 33]
    np.testing.assert_allclose(patches, [SILENCE] * 6)
    assert not clip.has_sound
    assert clip.damaged_packets > len(sound) / 2, "not all are told of when decoding ends"


def test_counts_damaged_packets_anew_each_time(clips, tmp_path):
    whole = clips.numbered("clip_intra.mp4", f"{INTRA} -movflags +faststart")
    damaged = with_bytes(whole, packets(whole)[11:16], tmp_path / "damaged.mp4")
    clip = Clip(str(damaged))
    for _ in range(2):
        assert len(list(clip)) == 6
        assert clip.damaged_packets == 5


@pytest.mark.parametrize("name", ["both.mp4", "both.mkv", "both.ts", "both.avi"])
@pytest.mark.parametrize("count", [10, pytest.param(200, marks=pytest.mark.slow)])
def test_damaged_files_are_read_or_named(clips, tmp_path, name, count):
    """With at least one picture, and never more than asked for."""
    encoding = "-c:a libmp3lame" if name.endswith("avi") else "-c:a mp2"
    content = Path(with_sound(clips, name, encoding=encoding)).read_bytes()
    path = tmp_path / name
    rng = np.random.default_rng(0)
    for _ in range(count):
        path.write_bytes(mutated(content, rng))
        clip = Clip(str(path), max_frames=20)
        pairs, error = outcome(lambda clip=clip: list(clip))
        if error:
            assert error.startswith(f"{path}: ")
        else:
            assert 1 <= len(pairs) == clip.num_frames <= 20
            assert {patch.shape for _, patch in pairs} == {(96, 64)}
            assert all(np.isfinite(patch).all() for _, patch in pairs)


def test_wrong_arguments():
    with pytest.raises(ValueError, match="the hop of patches must be above 0"):
        Clip("a.mp4", audio_hop=0)
    with pytest.raises(ValueError, match="max_frames must be at least 0"):
        Clip("a.mp4", max_frames=-1)
