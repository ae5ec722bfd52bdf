"""Log-mel patches against a form of their own, and tones in the right band at the right time."""

from fractions import Fraction

import numpy as np
import pytest

pytest.importorskip("av", reason="needs the extra `video`")

from yt8m_models.media.log_mel import log_mel_patches

RATE = 16_000


def mel(hertz):
    return 1127 * np.log(1 + hertz / 700)


def slow_patches(sound, hop_samples):
    """By sums over samples and frequencies, without a Fourier transform."""
    edges = [mel(125) + (mel(7500) - mel(125)) * number / 65 for number in range(66)]
    weights = np.zeros((257, 64))
    for line in range(257):
        place = mel(line * RATE / 512)
        for band in range(64):
            low, middle, high = edges[band : band + 3]
            if low < place <= middle:
                weights[line, band] = (place - low) / (middle - low)
            elif middle < place < high:
                weights[line, band] = (high - place) / (high - middle)
    samples = np.arange(400)
    window = np.sin(np.pi * samples / 400) ** 2
    waves = np.exp(-2j * np.pi * np.outer(samples, np.arange(257)) / 512)
    patches, start = [], 0
    while start + 95 * 160 + 400 <= len(sound):
        patch = np.zeros((96, 64))
        for frame in range(96):
            piece = sound[start + 160 * frame : start + 160 * frame + 400].astype(np.float64)
            patch[frame] = np.log(np.abs((piece * window) @ waves) @ weights + 0.01)
        patches.append(patch)
        start += hop_samples
    return patches


@pytest.fixture(scope="module")
def noise():
    """3.4 seconds."""
    rng = np.random.default_rng(0)
    return rng.uniform(-1, 1, int(3.4 * RATE)).astype(np.float32) * np.float32(0.7)


def patches_of(sound, hop=Fraction(1), size=1024):
    blocks = [sound[start : start + size] for start in range(0, len(sound), size)]
    return list(log_mel_patches(blocks, hop))


@pytest.mark.parametrize(
    ("hop", "samples", "count"),
    [
        (Fraction(1), 16_000, 3),
        (Fraction(96, 100), 15_360, 3),
        (0.96, 15_360, 3),
        (0.5, 8_000, 5),
        (1.5, 24_000, 2),
    ],
)
def test_equals_a_slow_form(noise, hop, samples, count):
    received = patches_of(noise, hop)
    assert len(received) == count
    assert {(patch.shape, patch.dtype.name) for patch in received} == {((96, 64), "float32")}
    np.testing.assert_allclose(received, slow_patches(noise, samples), rtol=0, atol=2e-6)


@pytest.mark.parametrize("size", [1, 7, 160, 15_599, 15_600, 16_001, 10**6])
def test_blocks_of_any_size_give_the_same(noise, size):
    for hop in (1, 0.96):
        expected = patches_of(noise, hop)
        received = patches_of(noise[: 2 * RATE] if size == 1 else noise, hop, size)
        np.testing.assert_array_equal(received, expected[: len(received)])
        assert len(received) == (2 if size == 1 else 3)


@pytest.mark.parametrize(("length", "count"), [(0, 0), (15_599, 0), (15_600, 1), (31_599, 1)])
def test_only_what_the_sound_fills(length, count):
    """A patch takes 95 hops of 160 samples and a window of 400."""
    assert len(patches_of(np.zeros(length, np.float32))) == count


def test_silence_is_the_logarithm_of_the_offset():
    (patch,) = patches_of(np.zeros(RATE, np.float32))
    np.testing.assert_allclose(patch, np.log(0.01))


@pytest.mark.parametrize("hertz", [200, 440, 1000, 3000, 7000])
def test_a_tone_peaks_in_its_band_at_its_time(hertz):
    """From 1.3 to 1.6 s: frames 30 to 57 of the second patch lie within it."""
    time = np.arange(3 * RATE) / RATE
    sound = np.sin(2 * np.pi * hertz * time) * ((time >= 1.3) & (time < 1.6))
    before, patch, after = [patch.max(axis=1) for patch in patches_of(sound.astype(np.float32))]
    width = (mel(7500) - mel(125)) / 65
    band = round((mel(hertz) - mel(125)) / width) - 1
    peaks = patches_of(sound.astype(np.float32))[1].argmax(axis=1)
    assert np.abs(peaks[30:58] - band).max() <= 1, "bands are narrower than lines at the bottom"
    assert np.flatnonzero(patch > 0).min() in (27, 28, 29)
    assert np.flatnonzero(patch > 0).max() in (58, 59)
    assert before.max() == after.max() == np.float32(np.log(0.01))


def test_without_an_end():
    """Patches come while blocks do."""

    def blocks():
        while True:
            yield np.ones(4000, np.float32)

    patches = log_mel_patches(blocks(), 0.96)
    for _ in range(50):
        assert np.isfinite(next(patches)).all()


@pytest.mark.parametrize("hop", [0, -1, Fraction(1, 7)])
def test_wrong_hops(hop):
    with pytest.raises(ValueError, match=f"a whole number of samples at 16000 Hz, received {hop}"):
        next(log_mel_patches([], hop))
