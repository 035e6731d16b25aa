"""Emotion over time: of a file of any length in bounded memory, or of sound that is still arriving."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from sottovoce.errors import SottovoceError
from sottovoce.speech import audio
from sottovoce.speech.activity import Detector, detector
from sottovoce.speech.audio import Waveform
from sottovoce.use.segments import Segment, segments
from sottovoce.use.steps import Judge, Step, judged, smoothed
from sottovoce.use.windows import FRAME_S, Cutter, Grid

TOGETHER_S = 192.0
"""Sound in the windows that the model hears together, where nobody waits for them."""


@dataclass(frozen=True)
class Manner:
    """How a timeline is made.

    Attributes:
        grid: windows and steps.
        smooth: the probabilities of a step are the mean over so many steps, itself in the middle; odd, 1 is none.
        shortest_s: shorter stretches of an emotion go over to a neighbour.
        own_alone: the model hears the whole window, and what it says is of the frames of the step alone, as in arXiv
            2311.08607 ("one prediction a second by averaging 50 frames"); else of all frames of the window.

    Raises:
        SottovoceError: `smooth` is no odd number from 1 to 99, or `shortest_s` is negative.
    """

    grid: Grid = field(default_factory=Grid)
    smooth: int = 3
    shortest_s: float = 1.0
    own_alone: bool = False

    def __post_init__(self) -> None:
        if not 1 <= self.smooth <= 99 or self.smooth % 2 == 0:
            raise SottovoceError(
                f"smoothing over {self.smooth} steps: give an odd number from 1 to 99, so that there is a middle"
            )
        if not self.shortest_s >= 0:
            raise SottovoceError(f"a shortest stretch of {self.shortest_s:g} s: give 0 or more")

    @property
    def batch(self) -> int:
        """Windows that the model hears together, where nobody waits for them."""
        return max(1, int(TOGETHER_S / self.grid.window_s))

    @property
    def latency_s(self) -> float:
        """From the middle of a step until all the sound is there that is needed to decide it."""
        return max(self.grid.window_s / 2, self.grid.hop_s) + self.smooth // 2 * self.grid.hop_s


@dataclass(frozen=True)
class Timeline:
    """One recording over time. `peaks` are the largest amplitudes in each `frame_s`, `speech` where somebody spoke."""

    emotions: tuple[str, ...]
    steps: Sequence[Step]
    duration_s: float
    manner: Manner
    detector: str
    peaks: Sequence[float]
    speech: Sequence[int]
    frame_s: float = FRAME_S

    @property
    def segments(self) -> list[Segment]:
        """Stretches of one emotion or of no speech that cover the recording."""
        return segments(self.steps, self.emotions, self.manner.shortest_s)


class Tracker:
    """Follows one recording.

    Args:
        judge: the model.
        manner: how.
        hearing: a fresh detector of speech.
        batch: windows that the model hears together; 1 decides each as soon as its sound is there.
    """

    def __init__(self, judge: Judge, manner: Manner, hearing: Detector, batch: int = 1) -> None:
        self._judge, self._manner, self._hearing, self._batch = judge, manner, hearing, batch
        self._cutter = Cutter(manner.grid, hearing)
        self._steps: list[Step] = []

    def follow(self, blocks: Iterable[Waveform]) -> Iterator[Step]:
        """Steps of consecutive blocks of mono sound at 16 kHz, each as soon as it is decided."""
        cut = self._cutter.windows(blocks)
        windows = judged(cut, self._judge, self._batch, own_alone=self._manner.own_alone)
        for step in smoothed(windows, self._judge.emotions, self._manner.smooth):
            self._steps.append(step)
            yield step

    def timeline(self) -> Timeline:
        """What was decided so far."""
        cutter, emotions = self._cutter, tuple(self._judge.emotions)
        return Timeline(
            emotions, self._steps, cutter.duration_s, self._manner, self._hearing.name, cutter.peaks, cutter.speech
        )


def timeline(
    judge: Judge,
    path: str | Path,
    manner: Manner | None = None,
    *,
    hearing: Detector | None = None,
    on_step: Callable[[int], None] = lambda n: None,
) -> Timeline:
    """The timeline of a recording of any length; memory grows by some hundred bytes a second of sound.

    Args:
        judge: a model, as `sottovoce.load` gives it.
        path: the recording, a file or a URI.
        manner: window, hop and smoothing.
        hearing: a fresh detector of speech; the best that is installed if none is given.
        on_step: called with the number of steps just done.

    Raises:
        AudioError: the recording cannot be used.
    """
    manner = manner or Manner()
    tracker = Tracker(judge, manner, hearing or detector(), manner.batch)
    for _ in tracker.follow(audio.blocks(path)):
        on_step(1)
    return tracker.timeline()
