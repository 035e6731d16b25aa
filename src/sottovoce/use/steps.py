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
from sottovoce.use.windows import Window


class Judge(Protocol):
    """A model, as far as a timeline needs it: `use.model.EmotionModel` is one."""

    @property
    def emotions(self) -> Sequence[str]:
        """The K classes."""
        ...

    def probabilities(self, waveforms: Sequence[Waveform]) -> NDArray[np.float64]:
        """Probabilities `[n, K]` of mono sounds at 16 kHz."""
        ...


@dataclass(frozen=True)
class Step:
    """One step: the most probable `emotion`, its `confidence`, and all probabilities; None where nobody speaks."""

    start_s: float
    end_s: float
    emotion: str | None = None
    confidence: float | None = None
    probabilities: tuple[float, ...] | None = None


def judged(windows: Iterable[Window], judge: Judge, batch: int) -> Iterator[tuple[Window, NDArray[np.float64] | None]]:
    """Windows with their probabilities `[K]`; the model hears up to `batch` of them at a time, and no pauses."""
    windows = iter(windows)
    while group := list(islice(windows, batch)):
        spoken = [window.waveform for window in group if window.waveform is not None]
        rows = iter(judge.probabilities(spoken) if spoken else ())
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
