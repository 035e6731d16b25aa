"""Figures of a setting that was varied."""

from __future__ import annotations

import re

import pytest

from sottovoce.show.sweep_plots import Curve, sweep


@pytest.mark.parametrize(("scores", "dashed"), [((0.3, 0.4), False), ((-0.1, 0.2), True)])
def test_a_score_of_one_speaker_has_no_interval_and_is_drawn(scores, dashed):
    drawn = sweep("s", "alt", "setting", "score", {"part": [Curve("c", [(1, scores[0], None), (2, scores[1], None)])]})
    assert drawn.startswith("<svg") and bool(re.search("stroke-dasharray", drawn)) is dashed


def test_an_end_below_zero_makes_it_a_gain():
    points = [(1, 0.1, None), (2, 0.1, (-0.1, 0.3))]
    assert "stroke-dasharray" in sweep("s", "alt", "setting", "score", {"part": [Curve("c", points)]})
