"""Choosing the condition of the model, and the score of choosing."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import f1_score

from sottovoce.judging import choosing
from sottovoce.judging import predictions as table_of
from tests.judging.fabricated import CLASSES, predicted


def macro_f1(rows: list[dict]) -> float:
    seeds = sorted({row["seed"] for row in rows})
    scores = []
    for seed in seeds:
        own = [row for row in rows if row["seed"] == seed]
        guess = [max(CLASSES, key=row.__getitem__) for row in own]
        scores.append(f1_score([row["label"] for row in own], guess, average="macro"))
    return float(np.mean(scores))


def test_the_best_at_its_last_round_wins():
    table = pa.concat_tables(
        [
            predicted("target-only", 1.0),
            predicted("bootstrapped", 9.0, round=1),
            predicted("bootstrapped", 2.0, round=2),
        ]
    )
    found = choosing.choose(table, ["target-only", "bootstrapped"])
    assert (found.condition, found.round) == ("bootstrapped", 2)
    assert set(found.by_fold.values()) == {"bootstrapped"} and set(found.by_fold) == set(table["fold"].to_pylist())
    last = choosing.last_round(table, "bootstrapped")
    assert set(last["round"].to_pylist()) == {2} and last.num_rows == predicted().num_rows


def test_a_fold_never_votes_for_itself():
    """Every fold's choice and the procedure's score, computed again in the plainest way."""
    table = pa.concat_tables(
        [predicted("target-only", 1.0, n_speakers=4), predicted("untranslated", 1.1, n_speakers=4)]
    )
    rows = table.to_pylist()
    found = choosing.choose(table, ["target-only", "untranslated"])
    picked = []
    for fold in (1, 2, 3, 4):
        scores = {
            name: macro_f1([r for r in rows if r["condition"] == name and r["fold"] != fold])
            for name in ("target-only", "untranslated")
        }
        best = max(scores, key=scores.__getitem__)
        assert found.by_fold[fold] == best
        picked += [r for r in rows if r["condition"] == best and r["fold"] == fold]
    assert found.scores is not None and found.scores["macro_f1"] == pytest.approx(macro_f1(picked), abs=1e-6)
    assert found.scores["macro_f1_ci95"][0] < found.scores["macro_f1"] < found.scores["macro_f1_ci95"][1]


def test_choosing_among_equals_does_not_flatter():
    """Conditions of one skill, again and again: the best looks better than it is, the score of choosing does not."""
    skill, best, procedure = [], [], []
    for repetition in range(25):
        names = [f"{repetition}-{i}" for i in range(6)]
        table = pa.concat_tables([predicted(name, 0.8, n_speakers=4, each=10, seeds=(0,)) for name in names])
        found = choosing.choose(table, names)
        each = [macro_f1(choosing.last_round(table, name).to_pylist()) for name in names]
        assert found.scores is not None
        skill.append(np.mean(each))
        best.append(max(each))
        procedure.append(found.scores["macro_f1"])
    assert np.mean(best) > np.mean(skill) + 0.06
    assert np.mean(procedure) == pytest.approx(np.mean(skill), abs=0.03)


def test_nothing_to_choose_from():
    alone = choosing.choose(predicted("target-only"), ["target-only"])
    assert (alone.condition, alone.by_fold, alone.scores) == ("target-only", {}, None)
    one_fold = pa.concat_tables(
        [predicted("target-only", 1.0, n_speakers=1), predicted("untranslated", 5.0, n_speakers=1)]
    )
    found = choosing.choose(one_fold, ["target-only", "untranslated"])
    assert found.condition == "untranslated" and found.scores is None


def test_of_equals_the_first():
    table = predicted("target-only", n_speakers=3)
    same = table_of.renamed(table, "untranslated")
    both = pa.concat_tables([table, same])
    assert choosing.choose(both, ["target-only", "untranslated"]).condition == "target-only"
    assert choosing.choose(both, ["untranslated", "target-only"]).condition == "untranslated"
    assert table_of.classes_of(both) == list(CLASSES)
