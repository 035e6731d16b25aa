"""Waveforms on their way into an upstream: refused when too short, cut when too long, packed under a budget."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby

import numpy as np
import torch

from sottovoce.errors import UpstreamError
from sottovoce.speech.audio import RATE_HZ, Waveform
from sottovoce.upstreams.card import UpstreamCard

LONGEST_PART = 30 * RATE_HZ
"""Attention grows with the square of the length: longer utterances are cut into equal parts, each heard by itself."""

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


def part_sizes(n_samples: int) -> list[int]:
    """Sizes of the fewest, nearly equal parts of at most `LONGEST_PART`; those of `numpy.array_split`."""
    n_parts = max(1, -(-n_samples // LONGEST_PART))
    return [n_samples // n_parts + (part < n_samples % n_parts) for part in range(n_parts)]


def in_equal_lengths(
    waveforms: Sequence[Waveform],
    n_frames: Callable[[int], int],
    encode: Callable[[Sequence[Waveform]], torch.Tensor],
    device: torch.device,
) -> list[torch.Tensor]:
    """Frames of each waveform, where only parts of exactly the same length are computed together: nothing is padded.

    Args:
        waveforms: cut into parts of at most `LONGEST_PART`, whose frames are put together again.
        n_frames: how many frames a part of so many samples gives.
        encode: gives `[B, T, ...]` of B parts of one length.
        device: whose budget of frames is kept.
    """
    parts = [
        (owner, part)
        for owner, waveform in enumerate(waveforms)
        for part in np.array_split(waveform, len(part_sizes(waveform.size)))
    ]
    order = sorted(range(len(parts)), key=lambda index: parts[index][1].size)
    states: dict[int, torch.Tensor] = {}
    for size, group in groupby(order, key=lambda index: parts[index][1].size):
        alike = list(group)
        for run in packs([n_frames(size)] * len(alike), device):
            chosen = alike[run]
            states |= zip(chosen, encode([parts[index][1] for index in chosen]), strict=True)
    return [
        torch.cat([states[index] for index, (its, _) in enumerate(parts) if its == owner])
        for owner in range(len(waveforms))
    ]
