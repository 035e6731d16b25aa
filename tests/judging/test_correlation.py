"""Spearman's rho against SciPy's, and its interval by speakers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import spearmanr

from sottovoce.judging import correlation


def said(n: int, n_speakers: int, *, own: float, seed: int = 0):
    """True values, predictions of one seed and speakers; `own` is how far each speaker is off in their own way."""
    rng = np.random.default_rng(seed)
    speakers = np.sort(rng.integers(0, n_speakers, n))
    true = rng.random((n, 2)).round(1)
    off = rng.normal(0, own, (n_speakers, 2))[speakers]
    return true, (true + off + rng.normal(0, 0.3, (n, 2)))[None], [f"s{i:02d}" for i in speakers]


def test_rho_is_scipy_s_with_ties_and_the_mean_is_over_targets_and_seeds():
    true, first, speakers = said(80, 5, own=0.1)
    both = np.concatenate([first, said(80, 5, own=0.1, seed=3)[1].round(1)])
    found = correlation.score(true, both, ["joy", "awe"], speakers)
    expected = np.array([[spearmanr(true[:, t], each[:, t]).statistic for t in range(2)] for each in both])
    assert found["rho"] == pytest.approx(expected.mean())
    assert [found["by_target"][name]["rho"] for name in ("joy", "awe")] == pytest.approx(list(expected.mean(0)))
    assert (found["n_utterances"], found["n_speakers"]) == (80, 5)
    assert found["interval_method"] == "Student t over speakers"
    assert found["rho_ci95"][0] < found["rho"] < found["rho_ci95"][1]


@given(st.lists(st.integers(0, 4), min_size=3, max_size=12), st.lists(st.integers(0, 3), min_size=12, max_size=12))
def test_a_weight_is_how_often_an_utterance_stands_there(values: list[int], weights: list[int]):
    a = np.array(values)
    b, w = np.roll(a, 1) % 3, np.array(weights[: len(a)], float)
    if w.sum() == 0:
        return
    repeated = [np.repeat(each, w.astype(int)) for each in (a, b)]
    spread = all(len(set(each.tolist())) > 1 for each in repeated)
    order = [np.unique(each, return_inverse=True)[1] for each in (a, b)]
    expected = spearmanr(*repeated).statistic if spread else 0.0
    assert correlation._rho(*order, w) == pytest.approx(expected, abs=1e-9)


def test_speakers_who_differ_make_the_interval_wide():
    narrow, wide = (
        correlation.score(*said(400, 8, own=own)[:2], ["joy", "awe"], said(400, 8, own=own)[2])["rho_ci95"]
        for own in (0.0, 0.6)
    )
    assert wide[1] - wide[0] > 1.5 * (narrow[1] - narrow[0])


def test_many_speakers_are_drawn_and_one_says_nothing():
    true, each, speakers = said(60, 20, own=0.1)
    many = correlation.score(true, each, ["joy", "awe"], speakers)
    assert many["interval_method"] == "cluster bootstrap over speakers"
    assert -1 <= many["rho_ci95"][0] < many["rho"] < many["rho_ci95"][1] <= 1
    assert correlation.score(true, each, ["joy", "awe"], ["s"] * 60)["rho_ci95"] is None
    assert correlation.score(true, np.zeros((1, 60, 2)), ["joy", "awe"], speakers)["rho"] == 0
