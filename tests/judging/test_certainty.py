"""Intervals cover what they say, and tests reject no more often than they say."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy import stats
from sklearn.utils import resample

from sottovoce.judging import certainty, metrics
from tests.judging.fabricated import BASE, speakers

SHARES = np.array([0.4, 0.3, 0.2, 0.1])
REPETITIONS = 300


def population_score(metric: str) -> float:
    """The score over endlessly many speakers of `fabricated.speakers`: their average confusions are BASE."""
    return float(metrics.scores(SHARES[:, None] * BASE, metric))


def utterance_bootstrap(confusions: NDArray[np.int64], metric: str, rng: np.random.Generator) -> tuple[float, float]:
    """The usual interval, which takes utterances for independent."""
    cells = confusions.sum(axis=0).reshape(confusions.shape[1], -1)
    draws = np.stack([rng.multinomial(seed.sum(), seed / seed.sum(), size=300) for seed in cells], axis=1)
    values = metrics.scores(draws.reshape(300, len(cells), 4, 4), metric).mean(axis=-1)
    low, high = np.quantile(values, [0.025, 0.975])
    return float(low), float(high)


@pytest.mark.parametrize("n_speakers", [6, 10, 24])
@pytest.mark.parametrize("metric", ["ua", "macro_f1"])
def test_intervals_cover_new_speakers_and_the_utterance_bootstrap_does_not(n_speakers: int, metric: str) -> None:
    rng = np.random.default_rng(n_speakers)
    truth = population_score(metric)
    ours = naive = 0
    for _ in range(REPETITIONS):
        confusions = speakers(rng, n_speakers)
        low, high = certainty.interval(confusions, metric) or (1.0, 0.0)
        ours += low <= truth <= high
        low, high = utterance_bootstrap(confusions, metric, rng)
        naive += low <= truth <= high
    assert 0.90 <= ours / REPETITIONS <= 0.99
    assert naive / REPETITIONS < ours / REPETITIONS - 0.05


@pytest.mark.parametrize("n_speakers", [6, 15])
def test_conditions_that_do_not_differ_are_told_apart_no_more_often_than_chance(
    n_speakers: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(certainty, "RANDOM_FLIPS", 1_000)
    rng = np.random.default_rng(n_speakers)
    found = [
        certainty.compare(speakers(rng, n_speakers), speakers(rng, n_speakers), "macro_f1") for _ in range(REPETITIONS)
    ]
    assert np.mean([comparison.p <= 0.05 for comparison in found]) <= 0.08
    assert np.mean([comparison.p <= 0.5 for comparison in found]) == pytest.approx(0.5, abs=0.1)
    covered = [c.ci95 is not None and c.ci95[0] <= 0 <= c.ci95[1] for c in found]
    assert 0.90 <= np.mean(covered) <= 0.99


def test_a_real_difference_is_found() -> None:
    rng = np.random.default_rng(0)
    worse = speakers(rng, 8, each=400)
    better = worse.copy()
    moved = worse[..., 1, 0] // 2  # half of the happy that were taken for angry are now right
    better[..., 1, 0] -= moved
    better[..., 1, 1] += moved
    comparison = certainty.compare(better, worse, "ua")
    assert comparison.p == certainty.smallest_p(8) == 2 / 2**8
    assert comparison.ci95 is not None and comparison.ci95[0] > 0
    mirrored = certainty.compare(worse, better, "ua")
    assert mirrored.delta == pytest.approx(-comparison.delta) and mirrored.p == comparison.p


def test_with_equal_counts_the_interval_is_students_over_the_speakers_own_scores() -> None:
    rng = np.random.default_rng(3)
    confusions = rng.multinomial(20, BASE[None, None], size=(7, 3, 4))
    own = metrics.scores(confusions, "ua").mean(axis=1)
    expected = stats.t.interval(0.95, 6, loc=own.mean(), scale=stats.sem(own))
    assert certainty.interval(confusions, "ua") == pytest.approx(expected)


def test_the_sign_flip_p_is_scipys_where_the_score_is_a_mean_over_speakers() -> None:
    rng = np.random.default_rng(4)
    a, b = (rng.multinomial(20, BASE[None, None], size=(7, 1, 4)) for _ in range(2))
    own_a, own_b = (metrics.scores(part, "ua").mean(axis=1) for part in (a, b))
    expected = stats.permutation_test(
        (own_a, own_b), lambda x, y, axis: (x - y).mean(axis=axis), permutation_type="samples", n_resamples=np.inf
    )
    assert certainty.compare(a, b, "ua").p == pytest.approx(expected.pvalue)


def test_the_bootstrap_takes_speakers_whole_and_repeats_itself() -> None:
    confusions = speakers(np.random.default_rng(5), 20)
    found = certainty.interval(confusions, "wa")
    assert found == certainty.interval(confusions, "wa") != certainty.interval(confusions, "wa", seed=1)
    draws = [resample(np.arange(20), random_state=draw) for draw in range(500)]
    by_hand = [metrics.scores(confusions[draw].sum(axis=0), "wa").mean() for draw in draws]
    assert found == pytest.approx(np.quantile(by_hand, [0.025, 0.975]), abs=0.01)


def test_few_speakers_give_wide_intervals_and_one_none() -> None:
    confusions = speakers(np.random.default_rng(6), 2)
    low, high = certainty.interval(confusions, "macro_f1") or (0.0, 0.0)
    assert high - low > 0.3 and low >= 0 and high <= 1
    assert certainty.interval(confusions[:1], "macro_f1") is None
    alone = certainty.compare(confusions[:1], confusions[1:], "macro_f1")
    assert (alone.ci95, alone.p, alone.n_speakers) == (None, 1.0, 1)
    assert [certainty.interval_method(n) for n in (1, 12, 13)] == [
        "none: one speaker",
        "Student t over speakers",
        "cluster bootstrap over speakers",
    ]


def test_conditions_that_agree_have_p_one() -> None:
    for n_speakers in (6, 14):
        same = speakers(np.random.default_rng(7), n_speakers)
        comparison = certainty.compare(same, same.copy(), "macro_f1")
        assert (comparison.delta, comparison.ci95, comparison.p) == (0.0, (0.0, 0.0), 1.0)


def test_holm_by_hand() -> None:
    assert certainty.holm([0.01, 0.04, 0.03, 0.005]) == pytest.approx([0.03, 0.06, 0.06, 0.02])
    assert certainty.holm([0.9, 0.8]) == [1.0, 1.0]
    assert certainty.holm([]) == []
