"""Waveforms on their way into an upstream: refused when too short, packed under a budget."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import torch

from sottovoce.errors import UpstreamError
from sottovoce.speech.audio import RATE_HZ, Waveform
from sottovoce.upstreams.card import UpstreamCard

_FRAMES_PER_PACK = {"cpu": 1024, "cuda": 32_768}
"""What is computed in one go. On a processor more no longer speeds up the products, and the activations leave its
caches; on a GPU it takes more to fill it."""


def check_lengths(waveforms: Sequence[Waveform], card: UpstreamCard) -> None:
    """Refuse waveforms that the upstream has no frames for.

    Raises:
        UpstreamError: at least one is shorter than `card.shortest_s`; the message lists all of them.
    """
    short = [
        f"number {position} has {waveform.size / RATE_HZ:.3f} s"
        for position, waveform in enumerate(waveforms)
        if waveform.size < card.shortest_s * RATE_HZ
    ]
    if short:
        raise UpstreamError(f"{card.name} needs at least {card.shortest_s} s of sound: {'; '.join(short)}")


def packs(n_frames: Sequence[int], device: torch.device) -> Iterator[slice]:
    """Cut a list into runs of neighbours that hold at most the device's budget of frames, or one entry alone."""
    budget = _FRAMES_PER_PACK[device.type]
    first = held = 0
    for position, n in enumerate(n_frames):
        if held and held + n > budget:
            yield slice(first, position)
            first, held = position, 0
        held += n
    if held:
        yield slice(first, len(n_frames))
