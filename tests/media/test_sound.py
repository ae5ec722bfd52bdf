"""Reading sound: how loud, and when beside the picture."""

import numpy as np
import pytest

pytest.importorskip("av", reason="needs the extra `video`")

from yt8m_models.media.sound import SAMPLE_RATE, SoundReader, read_sound

from .conftest import ffmpeg, packets

VIDEO = "-c:v libx264 -crf 20 -pix_fmt yuv420p -g 1"
TONES = ((1.0, 1.5), (4.0, 4.25))
"""When the tone of `tones` is heard, in seconds; it lasts for six."""


def tones(rate, hertz=1000, channels=(0.5,)):
    """Six seconds of silence with a tone twice, as loud in each channel as given."""
    time = np.arange(6 * rate) / rate
    heard = np.any([(time >= start) & (time < end) for start, end in TONES], axis=0)
    wave = np.sin(2 * np.pi * hertz * time) * heard
    return wave[:, None] * np.asarray(channels)


def heard(samples):
    """From when to when there is a tone, in seconds, silences of up to 20 ms aside."""
    loud = np.flatnonzero(np.abs(samples) > 0.05) / SAMPLE_RATE
    breaks = np.flatnonzero(np.diff(loud) > 0.02)
    starts, ends = [loud[0], *loud[breaks + 1]], [*loud[breaks], loud[-1]]
    return np.array(list(zip(starts, ends, strict=True)))


def sound_of(path):
    return np.concatenate([np.zeros(0, np.float32), *read_sound(str(path))])


def beside_a_picture(clips, name, encoding, before_sound="", before_picture="", rate=16000):
    """Six seconds of grey frames and the tones in one file; flags before an input shift it."""
    sound = clips.sound(f"tones_{rate}.wav", tones(rate), rate, "-c:a pcm_s16le")
    picture = clips.numbered("picture.mkv", VIDEO)
    path = sound.with_name(name)
    ffmpeg(
        f"{before_picture} -i", picture, f"{before_sound} -i", sound, f"-c:v copy {encoding}", path
    )
    return path


@pytest.mark.parametrize("rate", [8000, 16000, 22050, 44100, 48000])
@pytest.mark.parametrize("kind", ["pcm_s16le", "pcm_f32le", "pcm_u8", "pcm_s24le"])
def test_sound_is_resampled_to_16_khz(clips, rate, kind):
    """A tone of 1 kHz keeps its loudness, its pitch and its place."""
    path = clips.sound(f"{rate}_{kind}.wav", tones(rate), rate, f"-c:a {kind}")
    samples = sound_of(path)
    assert samples.dtype == np.float32
    assert abs(len(samples) - 6 * SAMPLE_RATE) <= 16
    np.testing.assert_allclose(heard(samples), TONES, atol=0.003)
    middle = samples[int(1.1 * SAMPLE_RATE) : int(1.4 * SAMPLE_RATE)]
    time = np.arange(int(1.1 * SAMPLE_RATE), int(1.4 * SAMPLE_RATE)) / SAMPLE_RATE
    np.testing.assert_allclose(middle, 0.5 * np.sin(2000 * np.pi * time), atol=0.01)


@pytest.mark.parametrize(
    ("channels", "loudness"),
    [((0.5,), 0.5), ((0.5, 0.5), 0.5), ((0.6, 0.0), 0.3), ((0.9, -0.9), 0.0), ((0.9, 0.9), 0.9)],
)
@pytest.mark.parametrize("kind", ["pcm_s16le", "pcm_f32le"])
def test_channels_are_averaged(clips, channels, loudness, kind):
    name = f"channels_{'_'.join(map(str, channels))}_{kind}.wav"
    samples = sound_of(clips.sound(name, tones(16000, channels=channels), 16000, f"-c:a {kind}"))
    assert np.abs(samples).max() == pytest.approx(loudness, abs=0.002)


CODECS = {
    "aac.mp4": "-c:a aac",
    "opus.webm": "-c:v libvpx -c:a libopus",
    "vorbis.mkv": "-c:a libvorbis",
    "mp3.avi": "-c:v mpeg4 -c:a libmp3lame",
    "mp2.ts": "-c:a mp2",
    "flac.mkv": "-c:a flac",
}


@pytest.mark.parametrize("name", CODECS)
def test_sound_begins_with_the_picture(clips, name):
    samples = sound_of(beside_a_picture(clips, name, CODECS[name], rate=48000))
    np.testing.assert_allclose(heard(samples), TONES, atol=0.03)
    assert len(samples) / SAMPLE_RATE == pytest.approx(6, abs=0.1)


@pytest.mark.parametrize("suffix", ["mp4", "mkv", "ts"])
@pytest.mark.parametrize(
    ("before_picture", "before_sound", "later"),
    [
        ("", "-itsoffset 0.6", 0.6),
        ("-itsoffset 0.6", "", -0.6),
        ("", "-itsoffset 2.5", 2.5),
        ("-itsoffset 1.2", "-itsoffset 0.7", -0.5),
    ],
)
def test_sound_that_begins_later_or_earlier(clips, suffix, before_picture, before_sound, later):
    """Silence comes before it, or it is cut, so that the picture's time is the sound's."""
    name = f"shifted_{before_picture}_{before_sound}.{suffix}".replace(" ", "")
    path = beside_a_picture(clips, name, "-c:a aac", before_sound, before_picture, rate=48000)
    samples = sound_of(path)
    np.testing.assert_allclose(heard(samples), np.add(TONES, later), atol=0.03)
    assert not samples[: int(max(later - 0.05, 0) * SAMPLE_RATE)].any()


@pytest.mark.parametrize("name", ["gap.mkv", "gap.mp4"])
def test_missing_packets_leave_silence(clips, name):
    """Those from 2 to 3.5 s are left out; the tone behind them stays in its place."""
    whole = beside_a_picture(clips, f"whole_{name}", "-c:a mp2", rate=48000)
    path = whole.with_name(name)
    ffmpeg("-i", whole, r"-c copy -bsf:a noise=drop=gt(pts*tb\,2)*lt(pts*tb\,3.5)", path)
    assert len(packets(path, "a:0")) < len(packets(whole, "a:0")) - 50
    samples = sound_of(path)
    np.testing.assert_allclose(heard(samples), TONES, atol=0.03)
    assert len(samples) / SAMPLE_RATE == pytest.approx(6, abs=0.1)


def test_damaged_packets_leave_silence(clips, tmp_path):
    whole = beside_a_picture(clips, "flac.mp4", "-c:a flac -strict -2", rate=16000)
    content = bytearray(whole.read_bytes())
    damaged = packets(whole, "a:0")[8:12]
    for position, size in damaged:
        content[position : position + size] = bytes(size)
    path = tmp_path / "damaged.mp4"
    path.write_bytes(content)
    reader = SoundReader(str(path))
    np.testing.assert_allclose(heard(np.concatenate(list(reader))), TONES, atol=0.03)
    assert reader.damaged_packets == 4


@pytest.mark.parametrize("offset", [0, 6, 1000])
def test_joined_recordings_go_on(clips, offset):
    """A transport stream behind one of another rate and other channels, whatever its clock."""
    first = clips.sound("first.ts", tones(48000), 48000, "-c:a mp2")
    second = clips.sound("second.ts", tones(44100, channels=(0.5, 0.5)), 44100, "-c:a mp2")
    shifted = first.with_name(f"shifted_{offset}.ts")
    ffmpeg("-i", second, f"-c copy -output_ts_offset {offset}", shifted)
    joined = first.with_name(f"joined_{offset}.ts")
    joined.write_bytes(first.read_bytes() + shifted.read_bytes())
    expected = [*TONES, *np.add(TONES, 6)]
    np.testing.assert_allclose(heard(sound_of(joined)), expected, atol=0.05)


def test_no_sound_gives_nothing(clips):
    assert list(read_sound(str(clips.numbered("picture.mkv", VIDEO)))) == []


def test_sound_without_a_picture_begins_with_itself(clips):
    path = clips.sound("alone.ts", tones(48000), 48000, "-c:a mp2 -output_ts_offset 50")
    np.testing.assert_allclose(heard(sound_of(path)), TONES, atol=0.03)


def test_what_cannot_be_read_says_so(tmp_path):
    path = tmp_path / "text.wav"
    path.write_text("no sound")
    with pytest.raises(ValueError, match=r"text\.wav: cannot be read as a media file"):
        list(read_sound(str(path)))
