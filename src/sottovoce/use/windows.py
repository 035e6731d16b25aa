"""A sound that arrives piece by piece, cut into overlapping windows, one for each step of a timeline.

Time is divided into steps of `hop_s`. What is said of a step comes from a window of `window_s` around its middle; at
the ends of the recording, where there is no sound for a whole window, from the part that there is. Which windows are
cut depends on the sound alone, not on the pieces in which it arrives: a file and a microphone give the same.
"""

from __future__ import annotations

from array import array
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from sottovoce.errors import SottovoceError
from sottovoce.speech.activity import FRAME, Detector
from sottovoce.speech.audio import RATE_HZ, Waveform

FRAME_S = FRAME / RATE_HZ

Part = tuple[int, int]
"""Some samples of a sound: the first, and the one after the last."""

LISTENED_S = 0.5
"""Speech is looked for in at least so much around the middle of a step: the closure of a plosive is no pause."""

SPEECH_SHARE = 0.25
"""A step is speech from this share of its frames on: a short word within a second counts."""

SHORTEST_WINDOW_S, LONGEST_WINDOW_S = 0.5, 30.0
SHORTEST_HOP_S = 0.1


@dataclass(frozen=True)
class Grid:
    """How time is cut.

    Attributes:
        window_s: what the model hears for one step, 0.5 to 30 s and no less than a step.
        hop_s: a step, at least 0.1 s.

    Raises:
        SottovoceError: outside of these bounds.
    """

    window_s: float = 3.0
    hop_s: float = 1.0

    def __post_init__(self) -> None:
        if not SHORTEST_WINDOW_S <= self.window_s <= LONGEST_WINDOW_S:
            raise SottovoceError(
                f"a window of {self.window_s:g} s: give one of {SHORTEST_WINDOW_S:g} to {LONGEST_WINDOW_S:g} s"
            )
        if not SHORTEST_HOP_S <= self.hop_s <= self.window_s:
            raise SottovoceError(
                f"a hop of {self.hop_s:g} s with a window of {self.window_s:g} s: give {SHORTEST_HOP_S:g} s or more, "
                "and no more than the window, or sound would be left out"
            )

    def n_steps(self, duration_s: float) -> int:
        """How many steps a recording has; the last may be half a hop shorter or longer than the others."""
        hop = round(self.hop_s * RATE_HZ)
        return max(1, (round(duration_s * RATE_HZ) + hop // 2) // hop)


@dataclass(frozen=True)
class Window:
    """One step, from `start_s` to `end_s`, and the sound around it (None where nobody speaks).

    `own` are the samples of that sound that are the step's own, from and to.
    """

    start_s: float
    end_s: float
    waveform: Waveform | None
    own: Part = (0, 0)


class Cutter:
    """Cuts one recording. `peaks` and `speech` say of each frame of 32 ms how loud it was and whether it was speech."""

    def __init__(self, grid: Grid, detector: Detector) -> None:
        self._hop, self._window = round(grid.hop_s * RATE_HZ), round(grid.window_s * RATE_HZ)
        self._listened = max(self._hop, round(LISTENED_S * RATE_HZ))
        self._detector = detector
        self._held = np.zeros(0, np.float32)
        self._first = 0  # the sample that `_held` begins with
        self._step = 0
        self.peaks, self.speech = array("f"), array("b")

    def windows(self, blocks: Iterable[Waveform]) -> Iterator[Window]:
        """The windows of consecutive blocks of mono sound at 16 kHz, each as soon as it is complete."""
        for block in blocks:
            self._held = np.concatenate([self._held, block])
            self._listen(self._heard // FRAME * FRAME)
            # A step can be cut when its window is there, and when it is known that a further step follows.
            while self._middle + max(self._window - self._window // 2, self._hop) <= self._heard:
                yield self._cut((self._step + 1) * self._hop)
                self._step += 1
            self._forget()
        if self._heard:
            last = (self._heard + self._hop // 2) // self._hop - 1
            self._listen(self._heard)
            while self._step < last:
                yield self._cut((self._step + 1) * self._hop)
                self._step += 1
            yield self._cut(self._heard)

    @property
    def duration_s(self) -> float:
        """What was heard so far."""
        return self._heard / RATE_HZ

    @property
    def _heard(self) -> int:
        return self._first + self._held.size

    @property
    def _middle(self) -> int:
        return self._step * self._hop + self._hop // 2

    def _listen(self, until: int) -> None:
        """Ask the detector about the frames up to sample `until`, the last of which may be filled up with silence."""
        begin = len(self.speech) * FRAME
        n = -(-(until - begin) // FRAME)
        if n <= 0:
            return
        frames = np.zeros((n, FRAME), np.float32)
        sound = self._held[begin - self._first :][: n * FRAME]
        frames.reshape(-1)[: sound.size] = sound
        self.peaks.extend(np.abs(frames).max(axis=1).tolist())
        self.speech.extend(self._detector.hear(frames).tolist())

    def _cut(self, end: int) -> Window:
        first = max(0, self._middle - self._window // 2)
        last = min(self._heard, self._middle - self._window // 2 + self._window)
        near = slice(max(0, self._middle - self._listened // 2) // FRAME, (self._middle + self._listened // 2) // FRAME)
        frames = self.speech[near]
        spoken = bool(frames) and sum(frames) >= SPEECH_SHARE * len(frames)
        waveform = self._held[first - self._first : last - self._first].copy() if spoken else None
        own = (self._step * self._hop - first, min(end, last) - first)
        return Window(self._step * self._hop / RATE_HZ, end / RATE_HZ, waveform, own)

    def _forget(self) -> None:
        """Drop the sound that neither the next window nor the next frame needs."""
        needed = min(max(0, self._middle - self._window // 2), len(self.speech) * FRAME)
        self._held = self._held[needed - self._first :].copy()
        self._first = needed
