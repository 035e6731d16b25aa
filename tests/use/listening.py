"""A model that can be reckoned with on paper, and sounds for it."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from sottovoce.speech.audio import Waveform

LOUD, FAINT = 0.5, 0.1


class LoudIsAngry:
    """Says `angry` with the share of samples above .3, and `sad` with the rest; remembers how much it was given."""

    emotions = ("angry", "sad")
    measures = ()

    def __init__(self) -> None:
        self.calls: list[list[int]] = []

    def probabilities(self, waveforms: Sequence[Waveform]) -> NDArray[np.float64]:
        """See `use.steps.Judge`."""
        self.calls.append([waveform.size for waveform in waveforms])
        angry = np.array([np.mean(np.abs(waveform) > 0.3) for waveform in waveforms])
        return np.stack([angry, 1 - angry], axis=1)


def square(duration_s: float, level: float) -> Waveform:
    """A square wave of 100 Hz: every sample is at `level`, up or down."""
    time_s = (np.arange(round(duration_s * 16_000)) + 0.5) / 16_000
    return (level * np.sign(np.sin(2 * np.pi * 100 * time_s))).astype(np.float32)
