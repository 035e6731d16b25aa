from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.special import rel_entr

from sottovoce.learning.bootstrapping import kl_divergence, select, select_by_error

ALL = np.ones


def test_divergence_of_cases_worked_by_hand():
    predicted = np.array([[0.5, 0.5], [0.25, 0.75], [1.0, 0.0], [0.9, 0.1]])
    labels = np.array([[0.5, 0.5], [0.5, 0.5], [0.5, 0.5], [0.1, 0.9]])
    expected = [0.0, 0.25 * np.log(0.5) + 0.75 * np.log(1.5), np.log(2), 0.8 * np.log(9)]
    assert kl_divergence(predicted, labels) == pytest.approx(expected, abs=1e-12)


def test_the_direction_is_from_the_label_to_the_model():
    predicted, label = np.array([[0.9, 0.1]]), np.array([[0.6, 0.4]])
    assert kl_divergence(predicted, label)[0] == pytest.approx(0.9 * np.log(1.5) + 0.1 * np.log(0.25))
    assert kl_divergence(label, predicted)[0] != pytest.approx(kl_divergence(predicted, label)[0])


def test_a_class_that_the_label_excludes_costs_infinity_unless_the_model_does_too():
    predicted = np.array([[0.9, 0.1], [1.0, 0.0]])
    assert kl_divergence(predicted, np.array([[1.0, 0.0], [1.0, 0.0]])).tolist() == [np.inf, 0.0]


def test_equation_2_keeps_what_the_model_labels_alike():
    predicted = np.array([[0.8, 0.2], [0.4, 0.6], [0.1, 0.9], [0.51, 0.49]])
    labels = np.array([[0.975, 0.025], [0.975, 0.025], [0.025, 0.975], [0.025, 0.975]])
    selected = select(predicted, labels, "argmax", ALL(4, bool))
    assert selected.correct.tolist() == selected.kept.tolist() == [True, False, True, False]


def test_equation_3_keeps_what_is_labelled_alike_and_below_the_median():
    # all labelled alike but the last, with growing distance from the label
    predicted = np.array([[0.95, 0.05], [0.9, 0.1], [0.8, 0.2], [0.6, 0.4], [0.3, 0.7]])
    labels = np.tile([0.95, 0.05], (5, 1))
    selected = select(predicted, labels, "kl", ALL(5, bool))
    assert np.all(np.diff(selected.kl) > 0)
    assert selected.correct.tolist() == [True, True, True, True, False]
    assert selected.kept.tolist() == [True, True, False, False, False]  # the third is the median itself


def test_other_quantiles_and_the_other_direction():
    predicted = np.array([[0.95, 0.05], [0.9, 0.1], [0.8, 0.2], [0.7, 0.3], [0.6, 0.4], [0.3, 0.7]])
    labels = np.tile([0.95, 0.05], (6, 1))
    for keep, n in ((0.2, 1), (0.4, 2), (0.6, 3), (0.8, 4), (1.0, 5)):  # 1 lets all pass that is labelled alike
        kept = select(predicted, labels, "kl", ALL(6, bool), keep=keep).kept
        assert kept.tolist() == [True] * n + [False] * (6 - n)
    # sure and right lies nearer in one direction, unsure in the other
    predicted, labels = np.array([[0.999, 0.001], [0.501, 0.499]]), np.array([[0.8, 0.2], [0.8, 0.2]])
    for direction, nearer in (("forward", 0), ("reverse", 1)):
        of = (predicted, labels) if direction == "forward" else (labels, predicted)
        selected = select(predicted, labels, "kl", ALL(2, bool), divergence=direction)
        assert selected.kl == pytest.approx(rel_entr(*of).sum(axis=1))
        assert np.flatnonzero(selected.kept).tolist() == [nearer]


def test_where_most_divergences_are_infinite_the_finite_ones_are_below_the_median():
    predicted, labels = np.array([[0.9, 0.1]] * 5), np.array([[1.0, 0.0]] * 4 + [[0.9, 0.1]])
    assert select(predicted, labels, "kl", ALL(5, bool)).kept.tolist() == [False] * 4 + [True]


def test_a_near_but_wrong_utterance_is_not_kept():
    predicted = np.array([[0.49, 0.51], [0.9, 0.1], [0.95, 0.05]])
    labels = np.array([[0.51, 0.49], [0.5, 0.5], [0.5, 0.5]])
    selected = select(predicted, labels, "kl", ALL(3, bool))
    assert selected.kl.argmin() == 0 and not selected.kept[0]


def test_the_median_is_over_the_utterances_of_this_fold_alone():
    predicted = np.array([[0.95, 0.05], [0.9, 0.1], [0.8, 0.2], [0.75, 0.25], [0.7, 0.3], [0.65, 0.35]])
    labels = np.tile([0.95, 0.05], (6, 1))
    assert select(predicted, labels, "kl", ALL(6, bool)).kept.tolist() == [True] * 3 + [False] * 3
    among = np.array([False, False, True, True, True, True])
    assert select(predicted, labels, "kl", among).kept.tolist() == [False, False, True, True, False, False]
    assert select(predicted, labels, "argmax", among).kept.tolist() == among.tolist()


def test_equal_divergences_lie_below_no_median():
    predicted, labels = np.tile([0.8, 0.2], (4, 1)), np.tile([0.95, 0.05], (4, 1))
    assert not select(predicted, labels, "kl", ALL(4, bool)).kept.any()


def test_infinite_divergences_are_never_kept():
    predicted = np.array([[0.6, 0.4], [1.0, 0.0], [0.7, 0.3]])
    labels = np.array([[1.0, 0.0], [0.9, 0.1], [1.0, 0.0]])
    selected = select(predicted, labels, "kl", ALL(3, bool))
    assert selected.kept.tolist() == [False, True, False]  # the median is infinite, and what is finite lies below it


def test_no_utterance_to_choose_from_gives_no_choice():
    empty = np.zeros((0, 4))
    assert select(empty, empty, "kl", ALL(0, bool)).kept.shape == (0,)
    predicted = np.array([[0.9, 0.1]])
    assert not select(predicted, predicted, "kl", np.zeros(1, bool)).kept.any()


distributions = st.integers(1, 40).flatmap(
    lambda n: st.tuples(
        *(arrays(np.float64, (n, 4), elements=st.floats(0.001, 1.0)).map(lambda a: a / a.sum(1, keepdims=True)),) * 2,
        arrays(np.bool_, n),
    )
)


@given(distributions)
def test_what_is_kept_is_correct_of_this_fold_and_at_most_half(case):
    predicted, labels, among = case
    kl, argmax = select(predicted, labels, "kl", among), select(predicted, labels, "argmax", among)
    assert not (argmax.kept & ~(argmax.correct & among)).any()
    assert (argmax.kept == (argmax.correct & among)).all()
    assert not (kl.kept & ~argmax.kept).any()
    assert kl.kept.sum() <= among.sum() / 2
    assert np.all(kl.kl > -1e-12)
    np.testing.assert_allclose(kl.kl, rel_entr(predicted, labels).sum(1), atol=1e-12)


@given(distributions, st.randoms())
def test_the_order_of_utterances_does_not_matter(case, random):
    predicted, labels, among = case
    order = random.sample(range(len(among)), len(among))
    straight = select(predicted, labels, "kl", among).kept[order]
    np.testing.assert_array_equal(straight, select(predicted[order], labels[order], "kl", among[order]).kept)


def test_measures_are_selected_by_the_squared_error_below_its_median():
    """Two measures; errors by hand: 0, .02, .08, .125, .5."""
    labels = np.array([[0.5, 0.5]] * 5)
    predicted = np.array([[0.5, 0.5], [0.7, 0.5], [0.9, 0.5], [0.5, 1.0], [1.5, 0.5]])
    found = select_by_error(predicted, labels, ALL(5, bool))
    assert found.error == pytest.approx([0, 0.02, 0.08, 0.125, 0.5])
    assert found.kept.tolist() == [True, True, False, False, False]  # the third is the median itself
    among = np.array([False, True, True, True, True])  # median of these: between .08 and .125
    assert select_by_error(predicted, labels, among).kept.tolist() == [False, True, True, False, False]
    assert select_by_error(predicted, labels, among, keep=0.25).kept.tolist() == [False, True, False, False, False]
    assert select_by_error(predicted, labels, among, keep=1).kept.tolist() == among.tolist()
    assert not select_by_error(predicted, labels, ~ALL(5, bool)).kept.any()
