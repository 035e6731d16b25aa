"""A model as a timeline needs it: an upstream with a head, trained or not."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sottovoce.learning.head import Head
from sottovoce.speech.audio import Waveform
from sottovoce.speech.emotions import FOUR_CLASSES
from sottovoce.upstreams.card import Upstream
from sottovoce.use.windows import Part


@dataclass(frozen=True)
class Ears:
    """See `use.steps.Judge`."""

    upstream: Upstream
    head: Head
    emotions: Sequence[str] = FOUR_CLASSES

    def probabilities(self, waveforms: Sequence[Waveform], parts: Sequence[Part] | None = None) -> NDArray[np.float64]:
        """Probabilities `[n, K]` of mono sounds at 16 kHz, whole."""
        if parts is not None:
            raise NotImplementedError("a timeline of windows' own parts needs a model as `sottovoce.load` gives it")
        return self.head.probabilities(self.upstream.frames(waveforms)).double().numpy()
