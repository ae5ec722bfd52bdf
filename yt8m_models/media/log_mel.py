"""Log-mel patches of sound, the input of VGGish and networks like it."""

from collections.abc import Iterable, Iterator
from fractions import Fraction

import numpy as np

from yt8m_models.media.sound import SAMPLE_RATE

NUM_FRAMES = 96
NUM_BANDS = 64
LOG_OFFSET = 0.01
_WINDOW = SAMPLE_RATE * 25 // 1000
_HOP = SAMPLE_RATE * 10 // 1000
_FFT_SIZE = 512
_LOWEST_HZ, _HIGHEST_HZ = 125.0, 7500.0
PATCH_SIZE = (NUM_FRAMES - 1) * _HOP + _WINDOW


def log_mel_patches(
    blocks: Iterable[np.ndarray], hop: Fraction | float = Fraction(1)
) -> Iterator[np.ndarray]:
    """Yields the logarithms of a sound's mel spectrogram in patches of 96 frames.

    A frame is 25 ms under a Hann window (periodic), and begins 10 ms behind the one before; its
    magnitudes at 512 points are summed in 64 triangular bands from 125 to 7,500 Hz, equally wide in
    mel, `1127 ln(1 + f / 700)`. A patch is `log(sums + 0.01)`. Patch `k` begins at `k * hop`; one
    that the sound does not fill is left out. (Hershey et al., CNN Architectures for Large-Scale
    Audio Classification, 2017.)

    Args:
        blocks: mono sound of 16 kHz, within ±1, in arrays (samples,) of any length.
        hop: seconds from patch to patch: 1 beside frames at one a second, 0.96 for patches that
            follow one another.

    Yields:
        float32 arrays (96, 64): frames, bands.

    Raises:
        ValueError: `hop` is not above 0, or not a whole number of samples.
    """
    step = hop_size(hop)
    pending = np.zeros(0, np.float32)
    skip = 0
    for block in blocks:
        pending = np.concatenate([pending, block[skip:]])
        skip = max(skip - len(block), 0)
        while len(pending) >= PATCH_SIZE:
            yield _patch(pending[:PATCH_SIZE])
            skip = max(step - len(pending), 0)
            pending = pending[step:]


def hop_size(hop: Fraction | float) -> int:
    """The samples from patch to patch."""
    samples = Fraction(hop).limit_denominator(1_000_000) * SAMPLE_RATE
    if samples <= 0 or samples.denominator != 1:
        rule = f"must be above 0 seconds and a whole number of samples at {SAMPLE_RATE} Hz"
        raise ValueError(f"the hop of patches {rule}, received {hop}")
    return int(samples)


def _patch(samples: np.ndarray) -> np.ndarray:
    frames = np.lib.stride_tricks.sliding_window_view(samples, _WINDOW)[::_HOP]
    magnitudes = np.abs(np.fft.rfft(frames * _HANN, _FFT_SIZE))
    patch: np.ndarray = np.log(magnitudes @ _BANDS + LOG_OFFSET)
    return patch.astype(np.float32)


def _mel(hertz: np.ndarray | float) -> np.ndarray:
    return 1127.0 * np.log1p(np.asarray(hertz) / 700.0)


def _mel_bands() -> np.ndarray:
    """The weight of each frequency (257) in each band (64): a triangle over three of its edges."""
    frequencies = _mel(np.arange(_FFT_SIZE // 2 + 1) * SAMPLE_RATE / _FFT_SIZE)[:, None]
    edges = np.linspace(_mel(_LOWEST_HZ), _mel(_HIGHEST_HZ), NUM_BANDS + 2)
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (frequencies - low) / (middle - low)
    falling = (high - frequencies) / (high - middle)
    bands: np.ndarray = np.maximum(0.0, np.minimum(rising, falling))
    return bands


_HANN = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_WINDOW) / _WINDOW)
_BANDS = _mel_bands()
