"""The log-mel spectrogram of Whisper (Radford et al. 2022, section 2.1), computed on the sound alone.

25 ms Hann windows every 10 ms, power, Slaney's mel filters, log10 with a floor of 1e-10. Whisper pads the sound with
zeros to 30 s first; here the padding is never computed, and the frames of the sound are the same numbers.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np
import torch
from torch.nn import functional

from sottovoce.speech.audio import RATE_HZ

MEL_HOP = 160
"""Samples from one mel frame to the next: 10 ms at 16 kHz."""

WINDOW = 400
"""Samples under one Hann window: 25 ms."""

POWER_FLOOR = 1e-10


def log10_mel(waveform: torch.Tensor, n_mels: int, longest: int | None = None) -> torch.Tensor:
    """log10 of mel power of every frame that sees some of the sound.

    Args:
        waveform: `[n]`, mono at 16 kHz.
        n_mels: number of filters, 80 or 128 in Whisper.
        longest: samples to which a reference would pad with zeros; its last window mirrors that end.

    Returns:
        `[F, n_mels]` on the waveform's device. F is 2 ceil(n / 320) + 2: whole hops of 20 ms, and two frames whose
        windows still reach back into the sound; at most `longest / 160`.
    """
    n = waveform.shape[0]
    n_frames = 2 * -(-n // (2 * MEL_HOP)) + 2
    span = (n_frames - 2) * MEL_HOP + WINDOW  # far enough for the mirrored end to lie behind the last frame
    if longest is not None:
        n_frames, span = min(n_frames, longest // MEL_HOP), min(span, longest)
    window = torch.hann_window(WINDOW, device=waveform.device)
    spectrum = torch.stft(functional.pad(waveform, (0, span - n)), WINDOW, MEL_HOP, window=window, return_complex=True)[
        :, :n_frames
    ]
    power = torch.view_as_real(spectrum).square().sum(-1)
    filters = torch.from_numpy(mel_filters(n_mels)).to(waveform.device)
    return (filters @ power).clamp(min=POWER_FLOOR).log10().T


def whisper_mel(waveform: torch.Tensor, n_mels: int, longest: int) -> torch.Tensor:
    """What Whisper's own extractor gives, `[F, n_mels]` as in `log10_mel`: no value more than 80 dB below the loudest.

    Args:
        waveform: `[n]`, mono at 16 kHz.
        n_mels: number of filters.
        longest: samples to which the extractor pads.
    """
    mel = log10_mel(waveform, n_mels, longest)
    return (torch.maximum(mel, mel.max() - 8) + 4) / 4


def silence(mel: torch.Tensor) -> float:
    """What Whisper's extractor gives of digital silence behind the sound of `whisper_mel`: log10 of 1e-10, scaled."""
    return float(max(mel.max() - 2, -1.5))


@lru_cache(maxsize=4)
def mel_filters(n_mels: int) -> np.ndarray:
    """Triangles of equal area, equally spaced on Slaney's mel scale from 0 to 8 kHz. float32 `[n_mels, 201]`.

    Slaney, Auditory Toolbox (1998): linear below 1 kHz, logarithmic above.
    """
    frequencies_hz = np.linspace(0, RATE_HZ / 2, WINDOW // 2 + 1)
    top_mel = 15 + 27 * np.log(RATE_HZ / 2 / 1000) / np.log(6.4)
    mels = np.linspace(0, top_mel, n_mels + 2)
    corners_hz = np.where(mels < 15, 200 / 3 * mels, 1000 * np.exp((mels - 15) * np.log(6.4) / 27))
    low, centre, high = (corners_hz[shift : shift + n_mels, None] for shift in range(3))
    rising, falling = (frequencies_hz - low) / (centre - low), (high - frequencies_hz) / (high - centre)
    triangles = np.maximum(0, np.minimum(rising, falling))
    return (triangles * 2 / (high - low)).astype(np.float32)
