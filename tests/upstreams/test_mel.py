"""The log-mel spectrogram against Whisper's own extractor."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from transformers import WhisperFeatureExtractor
from transformers.audio_utils import mel_filter_bank

from sottovoce.upstreams.mel import log10_mel, mel_filters
from tests.conftest import tone

WINDOW = 480_000


@pytest.mark.parametrize("n_mels", [80, 128])
def test_filters_are_those_of_whisper(n_mels: int) -> None:
    reference = mel_filter_bank(201, n_mels, 0.0, 8000.0, 16_000, norm="slaney", mel_scale="slaney")
    np.testing.assert_allclose(mel_filters(n_mels), reference.T, atol=1e-7)


@pytest.mark.parametrize("n", [1600, 1601, 16_000, 47_999, 479_000, 479_679, 479_681, 479_841, WINDOW])
def test_frames_are_those_of_the_padded_spectrogram(n: int) -> None:
    waveform = tone(30.0)[:n]
    padded = WhisperFeatureExtractor()(waveform, sampling_rate=16_000, return_tensors="pt").input_features[0].T
    mel = log10_mel(torch.from_numpy(waveform), 80, WINDOW)
    assert mel.shape == (min(2 * -(-n // 320) + 2, 3000), 80)
    scaled = (torch.maximum(mel, mel.max() - 8) + 4) / 4
    torch.testing.assert_close(scaled, padded[: len(scaled)], atol=1e-4, rtol=0)


def test_the_loudest_frame_may_lie_across_the_end() -> None:
    """A click in the last samples is loudest in a window that starts before the end and is centred behind it."""
    waveform = tone(1.0) * 1e-3
    waveform[-20:] = 0.9
    padded = WhisperFeatureExtractor()(waveform, sampling_rate=16_000, return_tensors="pt").input_features[0].T
    mel = log10_mel(torch.from_numpy(waveform), 80, WINDOW)
    scaled = (torch.maximum(mel, mel.max() - 8) + 4) / 4
    torch.testing.assert_close(scaled, padded[: len(scaled)], atol=1e-4, rtol=0)
