"""From what is said of every step to stretches of one emotion."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sottovoce.use.steps import Step

_ROUNDING_S = 1e-6
"""Times are sums of steps: one of 0.1 s thrice is not quite 0.3 s."""


@dataclass(frozen=True)
class Segment:
    """A stretch of one emotion, or of no speech (`emotion` None).

    `confidence` is the mean probability of that emotion over its steps; None where nobody speaks.
    """

    start_s: float
    end_s: float
    emotion: str | None
    confidence: float | None


def segments(steps: Sequence[Step], emotions: Sequence[str], shortest_s: float = 0.0) -> list[Segment]:
    """Stretches that cover the time of `steps` without gap or overlap; neighbours differ.

    Runs of one emotion shorter than `shortest_s` go over to a neighbouring run, the shortest first: to the one whose
    emotion is the more probable in it. Pauses are left as they are, being heard rather than judged, and what stands
    alone between two pauses stays too.
    """
    runs = [list(run) for _, run in groupby(steps, key=lambda step: step.emotion)]
    names = [run[0].emotion for run in runs]
    while (shortest := _shortest(runs, names, shortest_s)) >= 0:
        near = [name for name in _near(names, shortest) if name is not None]
        names[shortest] = max(near, key=lambda name: _confidence(runs[shortest], name, emotions))
        runs, names = _joined(runs, names)
    return [
        Segment(run[0].start_s, run[-1].end_s, name, None if name is None else _confidence(run, name, emotions))
        for run, name in zip(runs, names, strict=True)
    ]


def _shortest(runs: Sequence[Sequence[Step]], names: Sequence[str | None], shortest_s: float) -> int:
    """The shortest of the runs that are too short and have a spoken neighbour; -1 where there is none."""
    lengths = {
        i: run[-1].end_s - run[0].start_s
        for i, run in enumerate(runs)
        if names[i] is not None and any(name is not None for name in _near(names, i))
    }
    position = min(lengths, key=lambda i: lengths[i], default=-1)
    return position if position >= 0 and lengths[position] < shortest_s - _ROUNDING_S else -1


def _near(names: Sequence[str | None], position: int) -> list[str | None]:
    return [*names[max(0, position - 1) : position], *names[position + 1 : position + 2]]


def _joined(runs: list[list[Step]], names: list[str | None]) -> tuple[list[list[Step]], list[str | None]]:
    together = [list(group) for _, group in groupby(zip(runs, names, strict=True), key=lambda pair: pair[1])]
    return [[step for run, _ in group for step in run] for group in together], [group[0][1] for group in together]


def _confidence(run: Sequence[Step], emotion: str, emotions: Sequence[str]) -> float:
    column = emotions.index(emotion)
    return sum(step.probabilities[column] for step in run if step.probabilities is not None) / len(run)
