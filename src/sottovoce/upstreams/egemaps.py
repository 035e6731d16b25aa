"""eGeMAPS (Eyben et al. 2016): 88 statistics of pitch, loudness, voice and spectrum, by openSMILE (extra `egemaps`).

What the field means by eGeMAPS are the 88 functionals, one vector an utterance, so this gives one frame. They come in
semitones, decibels, hertz and seconds. A head cannot learn from numbers a thousandfold apart, and nothing may be fitted
on the corpus at hand, so each is centred and scaled by a constant that its unit and its usual range in speech suggest;
ours, written down in `_UNITS`. A value beyond 10 of those is cut there: a deviation over a mean near 0 has no bound.
"""

from __future__ import annotations

import importlib.util
import re
from collections.abc import Sequence
from functools import lru_cache
from importlib import metadata
from typing import Any

import numpy as np
import torch

from sottovoce.errors import MissingExtra, UpstreamError
from sottovoce.speech.audio import RATE_HZ, SHORTEST_S, Waveform
from sottovoce.upstreams.batching import check_lengths
from sottovoce.upstreams.card import Layer, UpstreamCard, settings_of
from sottovoce.upstreams.graphs import Graph
from sottovoce.upstreams.layers import resolve_layer

LICENCE = "non-commercial research: audEERING Research License of openSMILE, for features and models made with it too"
DIMENSION = 88

_FURTHEST = 10.0
_LOUDEST = 32_767 / 32_768
"""openSMILE hears 16-bit integers, and what is louder would come out at the other end of them."""

_UNITS: tuple[tuple[str, float, float], ...] = (
    # what a feature's name matches -> its centre and its scale; the first that matches counts
    (r"(mfcc|slope|logRel|alphaRatio).*_stddevNorm", 0.0, 5.0),  # a deviation over a mean of either sign
    (r".*_stddevNorm", 0.0, 0.5),
    (r"F0.*(RisingSlope|FallingSlope)", 0.0, 100.0),  # semitones a second
    (r"F0.*pctlrange.*", 0.0, 10.0),  # semitones
    (r"F0.*", 30.0, 10.0),  # semitones above 27.5 Hz
    (r"loudness_.*Slope", 0.0, 10.0),  # sone a second
    (r"(loudness_|spectralFlux).*", 0.0, 1.0),  # sone, and change of the spectrum
    (r"mfcc.*", 0.0, 20.0),
    (r"jitter.*", 0.0, 0.03),  # share of a period
    (r"shimmer.*", 0.0, 1.0),  # dB
    (r"(HNR|logRel|alphaRatio|hammarberg).*", 0.0, 10.0),  # dB
    (r"F1frequency.*", 500.0, 200.0),  # Hz, as the next two
    (r"F2frequency.*", 1500.0, 300.0),
    (r"F3frequency.*", 2500.0, 300.0),
    (r"F\dbandwidth.*", 1000.0, 500.0),  # Hz
    (r"F\damplitude.*", -50.0, 50.0),  # dB; -201 where there is no voice
    (r"slope.*", 0.0, 0.05),  # dB a hertz
    (r"(loudnessPeaks|VoicedSegments)PerSec", 0.0, 2.0),
    (r"(Mean|Stddev)(Voiced|Unvoiced)Segment.*", 0.0, 0.3),  # seconds
    (r"equivalentSoundLevel.*", -30.0, 10.0),  # dB of full scale
)


class Egemaps:
    """eGeMAPS v02, one frame an utterance."""

    def __init__(self, layer: Layer) -> None:
        if importlib.util.find_spec("opensmile") is None:
            raise MissingExtra("upstream egemaps", "egemaps")
        self._layer = resolve_layer(layer, 1)
        self.card = UpstreamCard(
            name="egemaps",
            weights="none",
            revision=f"eGeMAPSv02, opensmile {metadata.version('opensmile')}, scaled 1",
            dimension=DIMENSION,
            n_layers=1,
            hop_s=0.0,
            shortest_s=SHORTEST_S,
            trained_on=(),
            licence=LICENCE,
        )

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the frames depend on beside the sound."""
        return settings_of(self.card, self._layer, torch.device("cpu"))

    def n_frames(self, n_samples: int) -> int:
        """One."""
        return 1

    def frames(self, waveforms: Sequence[Waveform]) -> list[torch.Tensor]:
        """The frame of each waveform: `[1, 88]`, or `[1, 1, 88]` for all layers.

        Raises:
            UpstreamError: a waveform is shorter than the card's `shortest_s`.
        """
        check_lengths(waveforms, self.card)
        return [self._one(waveform) for waveform in waveforms]

    def graph(self) -> Graph:
        """See `graphs`.

        Raises:
            UpstreamError: always.
        """
        raise UpstreamError("eGeMAPS are computed by openSMILE and not by a network: they cannot be exported")

    def _one(self, waveform: Waveform) -> torch.Tensor:
        smile, centre, scale = _smile()
        said = smile.process_signal(np.clip(waveform, -1.0, _LOUDEST), RATE_HZ).to_numpy()[0]
        frame = torch.from_numpy(np.clip((said - centre) / scale, -_FURTHEST, _FURTHEST).astype(np.float32))
        return frame[None] if self._layer is not None else frame[None, None]


@lru_cache(maxsize=1)
def _smile() -> tuple[Any, np.ndarray, np.ndarray]:
    """openSMILE, and centre and scale of each feature, `[88]`."""
    import opensmile

    smile = opensmile.Smile(opensmile.FeatureSet.eGeMAPSv02, opensmile.FeatureLevel.Functionals)
    units = [next(unit for unit in _UNITS if re.fullmatch(unit[0], name)) for name in smile.feature_names]
    return smile, np.array([centre for _, centre, _ in units]), np.array([scale for _, _, scale in units])
