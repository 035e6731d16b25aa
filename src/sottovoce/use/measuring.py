"""A model of measures that a run left: an upstream with a head whose answers are figures on scales."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sottovoce.learning.head import Head
from sottovoce.learning.outputs import MEASURES
from sottovoce.speech.audio import Waveform
from sottovoce.upstreams.card import Upstream
from sottovoce.use.answering import Model
from sottovoce.use.config import MeasuresConfig, Reliance, ToldMeasure
from sottovoce.use.windows import Part


@dataclass(frozen=True)
class MeasureModel(Model):
    """Its `probabilities` are no such: `[n, M]` holds each measure in the units of its target, within its scale."""

    upstream: Upstream
    head: Head
    config: MeasuresConfig
    digest: str

    @property
    def emotions(self) -> tuple[str, ...]:
        """The measures, in the order of the columns of what it says."""
        return tuple(self.config.says)

    @property
    def measures(self) -> Sequence[ToldMeasure]:
        """With their scales, and how far off the model is."""
        return self.config.measures

    @property
    def languages(self) -> Sequence[str]:
        """Those that it has heard in training."""
        return self.config.trained_on.languages

    @property
    def reliance(self) -> Reliance | None:
        """None: there is no confidence by which it could be unsure."""
        return None

    def answer(self, waveforms: Sequence[Waveform], parts: Sequence[Part] | None = None) -> NDArray[np.float64]:
        """As `probabilities`, in one batch."""
        said = MEASURES.said(self.head.outputs(self.frames(waveforms, parts))).double().numpy()
        lowest, highest = np.array([(m.lowest, m.highest) for m in self.measures]).T
        return lowest + said * (highest - lowest)
