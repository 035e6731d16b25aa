"""What is said of every step of a recording: windows judged by a model, and smoothed."""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sottovoce.speech.audio import Waveform
from sottovoce.use.windows import Part, Window


class Judge(Protocol):
    """A model, as far as a timeline needs it: every `use.answering.Model` is one."""

    @property
    def emotions(self) -> Sequence[str]:
        """The K classes."""
        ...

    def probabilities(self, waveforms: Sequence[Waveform], parts: Sequence[Part] | None = None) -> NDArray[np.float64]:
        """Probabilities `[n, K]` of mono sounds at 16 kHz, or of a part of each."""
        ...


@dataclass(frozen=True)
class Step:
    """One step: the most probable `emotion`, its `confidence`, and all probabilities; None where nobody speaks."""

    start_s: float
    end_s: float
    emotion: str | None = None
    confidence: float | None = None
    probabilities: tuple[float, ...] | None = None


def judged(
    windows: Iterable[Window], judge: Judge, batch: int, *, own_alone: bool = False
) -> Iterator[tuple[Window, NDArray[np.float64] | None]]:
    """Windows with their probabilities `[K]`; the model hears up to `batch` of them at a time, and no pauses.

    Each is of the whole window or, with `own_alone`, of the step's own frames in it.
    """
    windows = iter(windows)
    while group := list(islice(windows, batch)):
        spoken = [(window.waveform, window.own) for window in group if window.waveform is not None]
        sounds, parts = [sound for sound, _ in spoken], [part for _, part in spoken]
        rows = iter(judge.probabilities(sounds, *([parts] if own_alone else [])) if spoken else ())
        for window in group:
            yield window, None if window.waveform is None else next(rows)


def smoothed(
    steps: Iterable[tuple[Window, NDArray[np.float64] | None]], emotions: Sequence[str], width: int
) -> Iterator[Step]:
    """Steps whose probabilities are the mean over `width` steps (odd), themselves in the middle, pauses left out.

    A step is given as soon as the last that its mean needs is there.
    """
    ahead = width // 2
    near: deque[tuple[Window, NDArray[np.float64] | None]] = deque(maxlen=width)
    for each in steps:
        near.append(each)
        if len(near) > ahead:
            yield _step(list(near), len(near) - 1 - ahead, emotions)
    for middle in range(max(0, len(near) - ahead), len(near)):
        first = max(0, middle - ahead)
        yield _step(list(near)[first:], middle - first, emotions)


def _step(near: Sequence[tuple[Window, NDArray[np.float64] | None]], middle: int, emotions: Sequence[str]) -> Step:
    window, own = near[middle]
    if own is None:
        return Step(window.start_s, window.end_s)
    mean = np.mean([row for _, row in near if row is not None], axis=0)
    best = int(mean.argmax())
    return Step(window.start_s, window.end_s, emotions[best], float(mean[best]), tuple(mean.tolist()))
