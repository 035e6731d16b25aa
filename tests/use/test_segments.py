"""Stretches of one emotion: they cover the time, in order, and short ones go where they belong."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sottovoce.use.segments import segments
from sottovoce.use.steps import Step

EMOTIONS = ("angry", "happy", "sad")


def steps_of(rows: list[tuple[float, ...] | None], hop_s: float = 1.0) -> list[Step]:
    made = []
    for i, row in enumerate(rows):
        if row is None:
            made.append(Step(i * hop_s, (i + 1) * hop_s))
        else:
            best = max(range(len(row)), key=row.__getitem__)
            made.append(Step(i * hop_s, (i + 1) * hop_s, EMOTIONS[best], row[best], row))
    return made


ANGRY, HAPPY, SAD = (0.8, 0.1, 0.1), (0.1, 0.7, 0.2), (0.1, 0.3, 0.6)
ROWS = st.lists(st.sampled_from([None, ANGRY, HAPPY, SAD]), min_size=1, max_size=40)


@given(ROWS, st.floats(0, 5), st.sampled_from([0.1, 0.5, 1.0]))
def test_segments_cover_the_time_and_neighbours_differ(rows, shortest_s, hop_s):
    steps = steps_of(rows, hop_s)
    found = segments(steps, EMOTIONS, shortest_s)
    assert found[0].start_s == steps[0].start_s and found[-1].end_s == steps[-1].end_s
    for a, b in pairwise(found):
        assert a.end_s == b.start_s and a.emotion != b.emotion
    for each in found:
        assert each.start_s < each.end_s
        assert (each.emotion is None) == (each.confidence is None)
        assert each.confidence is None or 0 <= each.confidence <= 1


@given(ROWS, st.floats(0, 5))
def test_pauses_stay_and_short_runs_stand_alone(rows, shortest_s):
    steps = steps_of(rows)
    found = segments(steps, EMOTIONS, shortest_s)
    pauses = [(s.start_s, s.end_s) for s in found if s.emotion is None]
    assert pauses == [(s.start_s, s.end_s) for s in segments(steps, EMOTIONS) if s.emotion is None]
    for before, each, after in zip([None, *found], found, [*found[1:], None], strict=False):
        if each.emotion is not None and each.end_s - each.start_s < shortest_s - 1e-6:
            assert all(near is None or near.emotion is None for near in (before, after))


def test_a_short_run_goes_to_the_more_probable_neighbour():
    rows = [ANGRY, ANGRY, (0.1, 0.5, 0.4), SAD, SAD]
    found = segments(steps_of(rows), EMOTIONS, shortest_s=1.5)
    assert [(s.start_s, s.end_s, s.emotion) for s in found] == [(0, 2, "angry"), (2, 5, "sad")]
    assert found[1].confidence == pytest.approx((0.4 + 0.6 + 0.6) / 3)


def test_a_gap_between_equal_runs_closes():
    found = segments(steps_of([ANGRY, ANGRY, HAPPY, ANGRY]), EMOTIONS, shortest_s=1.5)
    assert [(s.start_s, s.end_s, s.emotion) for s in found] == [(0, 4, "angry")]


def test_no_steps_have_no_segments():
    assert segments([], EMOTIONS, 1.0) == []
