import numpy as np
import pyarrow as pa
import pytest

from sottovoce.judging import predictions as predicted
from sottovoce.judging import results as judged
from sottovoce.show import rounds

EMOTION_OF = {"u1": "happy", "u2": "happy", "u3": "sad", "u4": "sad"}


def _selection(kept: dict[tuple[int, int, int], set[str]], kl: float = 0.5) -> pa.Table:
    rows = [
        {"condition": "bootstrapped", "fold": fold, "seed": seed, "round": number, "utterance": utterance, "kl": kl,
         "correct": utterance in chosen, "kept": utterance in chosen}
        for (fold, seed, number), chosen in kept.items()
        for utterance in EMOTION_OF
    ]  # fmt: skip
    return pa.Table.from_pylist(rows)


def test_counts_are_means_over_folds_and_seeds():
    table = _selection({(0, 0, 1): {"u1", "u2", "u3"}, (1, 0, 1): {"u3"}})
    (selection,) = rounds.selections(table, EMOTION_OF)
    assert selection.condition == "bootstrapped"
    assert selection.pool == {"happy": 2.0, "sad": 2.0}
    assert selection.kept == {1: {"happy": 1.0, "sad": 1.0}}
    assert selection.moves == [rounds.Move(1, n_kept=2.0, share_kept=0.5, new=None, dropped=None)]


def test_moves_compare_each_training_with_itself_alone():
    # Fold 0 drops u1 and takes u3; fold 1 swaps them the other way: pooled over folds nothing would seem to move.
    table = _selection({(0, 7, 1): {"u1"}, (0, 7, 2): {"u3"}, (1, 7, 1): {"u3"}, (1, 7, 2): {"u1", "u3"}})
    second = rounds.selections(table, EMOTION_OF)[0].moves[1]
    assert second.new == pytest.approx(2 / 3)
    assert second.dropped == pytest.approx(1 / 2)


def test_round_that_keeps_nothing_has_no_shares_of_it():
    table = _selection({(0, 0, 1): set(), (0, 0, 2): {"u1"}, (0, 0, 3): set()})
    first, second, third = rounds.selections(table, EMOTION_OF)[0].moves
    assert (first.n_kept, second.new, second.dropped) == (0.0, 1.0, None)
    assert (third.new, third.dropped) == (None, 1.0)


def test_divergences_that_are_not_finite_are_not_drawn():
    (selection,) = rounds.selections(_selection({(0, 0, 1): {"u1"}}, kl=float("inf")), EMOTION_OF)
    assert selection.kl == {}
    (selection,) = rounds.selections(_selection({(0, 0, 1): {"u1"}}, kl=0.25), EMOTION_OF)
    np.testing.assert_array_equal(selection.kl[1], [0.25] * 4)
    np.testing.assert_array_equal(selection.was_kept[1], [True, False, False, False])


def _predictions(condition, number, fold, seed, right: bool) -> pa.Table:
    share = 0.9 if right else 0.1
    return predicted.table(
        ["happy", "sad"], np.array([[share, 1 - share], [1 - share, share]]),
        condition=condition, round=number, fold=fold, seed=seed,
        utterances=[f"{fold}a", f"{fold}b"], speakers=[str(fold)] * 2, labels=["happy", "sad"],
    )  # fmt: skip


def test_oracle_takes_the_best_round_of_every_fold_and_seed():
    right = {  # (round, fold, seed); fold 0 is best at round 0 or 1, fold 1 at round 2, for seed 1 never
        (0, 0, 0): True, (1, 0, 0): False, (2, 0, 0): False, (0, 1, 0): False, (1, 1, 0): False, (2, 1, 0): True,
        (0, 0, 1): False, (1, 0, 1): True, (2, 0, 1): False, (0, 1, 1): False, (1, 1, 1): False, (2, 1, 1): False,
    }  # fmt: skip
    table = pa.concat_tables(
        _predictions("bootstrapped" if number else "target-only", number, fold, seed, outcome)
        for (number, fold, seed), outcome in right.items()
    )
    # Seed 0: everything right, 1.0. Seed 1: fold 0 right and fold 1 wrong, half of each class, 0.5.
    assert rounds.oracle(table, "bootstrapped", "target-only") == pytest.approx(0.75)
    reported = [condition["macro_f1"] for condition in judged.judge(table)["conditions"]]
    assert max(reported) < 0.75


def test_oracle_ignores_other_conditions():
    table = pa.concat_tables(
        [
            _predictions("target-only", 0, 0, 0, False),
            _predictions("bootstrapped", 1, 0, 0, False),
            _predictions("all-synthetic", 0, 0, 0, True),
        ]
    )
    assert rounds.oracle(table, "bootstrapped", "target-only") == 0.0
    assert rounds.oracle(table, "untranslated-selected", "target-only") is None
    assert rounds.oracle(table, "all-synthetic", "target-only") is None, "it shares round 0 with the baseline"


def test_oracle_is_no_bound():
    """Each fold's best round by the fold's own F1, pooled, is .50 here, and round 0 of both folds is .75."""
    labels = [[0, 0, 1, 0], [0, 1, 1, 1]]
    said = {0: [[1, 0, 1, 1], [0, 0, 1, 0]], 1: [[0, 0, 0, 0], [1, 1, 1, 1]]}
    table = pa.concat_tables(
        predicted.table(
            ["happy", "sad"], np.eye(2)[said[number][fold]],
            condition="bootstrapped" if number else "target-only", round=number, fold=fold, seed=0,
            utterances=[f"{fold}{i}" for i in range(4)], speakers=[str(fold)] * 4,
            labels=[("happy", "sad")[label] for label in labels[fold]],
        )
        for number in said for fold in range(2)
    )  # fmt: skip
    reported = [condition["macro_f1"] for condition in judged.judge(table)["conditions"]]
    chosen = rounds.oracle(table, "bootstrapped", "target-only")
    assert chosen is not None and chosen < max(reported) - 0.1
