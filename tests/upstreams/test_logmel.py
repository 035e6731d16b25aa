"""The upstream without weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from sottovoce.errors import UpstreamError
from sottovoce.upstreams.loading import load_upstream
from tests.conftest import tone


def test_ten_times_the_power_is_a_quarter_more() -> None:
    """Scaling is by constants: loudness, which tells emotions apart, is kept."""
    upstream = load_upstream("logmel")
    quiet, loud = upstream.frames([tone(1.0), tone(1.0) * np.float32(np.sqrt(10))])
    torch.testing.assert_close(loud - quiet, torch.full((50, 80), 0.25), atol=1e-3, rtol=0)


def test_a_rising_tone_moves_up() -> None:
    time_s = np.arange(16_000) / 16_000
    rising = (0.3 * np.sin(2 * np.pi * (300 * time_s + 800 * time_s**2))).astype(np.float32)
    peaks = load_upstream("logmel").frames([rising])[0].argmax(dim=1)
    assert peaks[-3] > peaks[25] > peaks[2]


def test_weights_are_refused() -> None:
    with pytest.raises(UpstreamError, match="logmel has no weights"):
        load_upstream("logmel", "somewhere")
