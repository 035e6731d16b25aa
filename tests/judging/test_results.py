"""The figures of results.json follow from the predictions, and the sentence says no more than they do."""

from __future__ import annotations

import json

import numpy as np
import pyarrow as pa
import pytest
from sklearn.metrics import f1_score

from sottovoce.errors import StoreError
from sottovoce.judging import certainty, predictions, results
from tests.judging.fabricated import CLASSES, predicted


@pytest.fixture(scope="module")
def table() -> pa.Table:
    return pa.concat_tables(
        [
            predicted("target-only", 1.0),
            predicted("all-synthetic", 0.5),
            predicted("bootstrapped", 1.0, round=1),
            predicted("bootstrapped", 2.5, round=2),
            predicted("untranslated-selected", 1.2, round=2),
        ]
    )


def test_conditions_keep_their_order_and_score_pooled_seeds(table: pa.Table) -> None:
    judged = results.judge(table)
    assert [(row["name"], row["round"]) for row in judged["conditions"]] == [
        ("target-only", 0), ("all-synthetic", 0), ("bootstrapped", 1), ("bootstrapped", 2), ("untranslated-selected", 2)
    ]  # fmt: skip
    row = judged["conditions"][0]
    by_hand = []
    for seed in (0, 1, 2):
        rows = [r for r in table.to_pylist() if r["condition"] == "target-only" and r["seed"] == seed]
        guessed = [CLASSES[int(np.argmax([r[name] for name in CLASSES]))] for r in rows]
        by_hand.append(f1_score([r["label"] for r in rows], guessed, average="macro"))
    assert [seed["macro_f1"] for seed in row["per_seed"]] == pytest.approx(by_hand, abs=1e-6)
    assert row["macro_f1"] == pytest.approx(np.mean(by_hand), abs=1e-6)
    low, high = row["macro_f1_ci95"]
    assert low < row["macro_f1"] < high and (low + high) / 2 == pytest.approx(row["macro_f1"], abs=1e-5)
    assert row["interval_method"] == "Student t over speakers"


def test_pairs_are_the_last_rounds_with_the_baseline_and_the_rivals(table: pa.Table) -> None:
    judged = results.judge(table)
    names = [(c["a"], c["a_round"], c["b"], c["b_round"]) for c in judged["comparisons"] if c["metric"] == "ua"]
    assert names == [
        ("all-synthetic", 0, "target-only", 0),
        ("bootstrapped", 2, "target-only", 0),
        ("untranslated-selected", 2, "target-only", 0),
        ("bootstrapped", 2, "all-synthetic", 0),
        ("bootstrapped", 2, "untranslated-selected", 2),
    ]
    scores = {(row["name"], row["round"]): row for row in judged["conditions"]}
    for row in judged["comparisons"]:
        difference = scores[row["a"], row["a_round"]][row["metric"]] - scores[row["b"], row["b_round"]][row["metric"]]
        assert row["delta"] == pytest.approx(difference, abs=2e-6)
        assert row["p"] <= row["p_holm"] <= 1 and row["n_speakers"] == 6
    assert len(judged["comparisons"]) == 15


def test_chosen_pairs_and_missing_ones(table: pa.Table) -> None:
    chosen = [(("bootstrapped", 2), ("bootstrapped", 1))]
    judged = results.judge(table, pairs=chosen)
    assert {(c["a_round"], c["b_round"]) for c in judged["comparisons"]} == {(2, 1)}
    assert all(c["p"] == c["p_holm"] for c in judged["comparisons"])
    with pytest.raises(StoreError, match=r"no predictions of noise \(round 0\)"):
        results.judge(table, pairs=[(("noise", 0), ("target-only", 0))])


def test_the_result_is_plain_json_with_short_figures_and_does_not_depend_on_row_order(table: pa.Table) -> None:
    judged = results.judge(table)
    text = json.dumps(judged, allow_nan=False)
    assert json.loads(text) == judged
    assert "-0.0," not in text
    order = np.random.default_rng(0).permutation(table.num_rows)
    shuffled = results.judge(table.take(order))
    assert sorted(shuffled["conditions"], key=str) == sorted(judged["conditions"], key=str)


def test_what_is_written_of_p_is_enough_to_correct_it_anew() -> None:
    """A study corrects the p of several runs together: six decimals of k / 2^10 would be off by as many units."""
    names = ("target-only", "all-synthetic", "bootstrapped")
    rows = results.judge(pa.concat_tables([predicted(name, n_speakers=10) for name in names]))["comparisons"]
    written = [row["p"] for row in rows if row["metric"] == "ua"]
    assert [1024 * p for p in written] == [int(1024 * p) for p in written] and any(p != round(p, 6) for p in written)
    assert [row["p_holm"] for row in rows if row["metric"] == "ua"] == certainty.holm(written)


def test_few_speakers_are_warned_of() -> None:
    two = pa.concat_tables([predicted("target-only", n_speakers=6), predicted("bootstrapped", n_speakers=6)])
    assert results.judge(two)["warnings"] == []
    (warning,) = results.judge(pa.concat_tables([two, predicted("all-synthetic")]))["warnings"]
    assert "6 speakers" in warning and "0.031" in warning and "after correction" in warning
    small = [predicted(name, n_speakers=4) for name in ("target-only", "bootstrapped")]
    (warning,) = results.judge(pa.concat_tables(small))["warnings"]
    assert "no comparison can reach significance" in warning and "0.12" in warning
    single = [predicted(name, n_speakers=1) for name in ("target-only", "bootstrapped")]
    judged = results.judge(pa.concat_tables(single))
    assert "one test speaker" in judged["warnings"][0]
    assert judged["conditions"][0]["ua_ci95"] is None and judged["comparisons"][0]["ci95"] is None
    assert "no evidence either way" in results.headline(judged)


def test_what_few_speakers_can_reach_beside_comparisons_of_more() -> None:
    """Holm's correction steps down: behind a smaller p, that of six speakers is not multiplied."""
    assert certainty.holm([certainty.smallest_p(6), certainty.smallest_p(10)])[0] < results.SIGNIFICANT
    assert results.limits(6, 1, [10]) == []
    (warning,) = results.limits(6, 2, [10, 10])
    assert "over 4 comparisons makes it 0.062 at least" in warning and "none of theirs" in warning
    assert results.limits(10, 2, [6, 6]) == []
    assert results.limits(6, 1, [6]) == results.limits(6, 2)
    assert results.limits(6, 1, [4]), "four speakers never come before six"


def test_conditions_tested_on_different_utterances_are_not_compared(table: pa.Table) -> None:
    with pytest.raises(StoreError, match=r"untranslated-selected \(round 2\) and target-only \(round 0\) were not"):
        results.judge(table.slice(0, table.num_rows - 1))
    with pytest.raises(StoreError, match="same utterances"):
        results.judge(pa.concat_tables([predicted("target-only"), predicted("bootstrapped", seeds=(0, 1))]))


def test_speakers_and_confusions(table: pa.Table) -> None:
    rows = results.per_speaker(table)
    assert len(rows) == 5 * 6 and {row["n"] for row in rows} == {12}
    wa = [row["wa"] for row in rows if row["condition"] == "target-only"]
    assert np.mean(wa) == pytest.approx(results.judge(table)["conditions"][0]["wa"], abs=2e-6)
    matrices = results.confusions(table)
    assert [m["condition"] for m in matrices][:2] == ["target-only", "all-synthetic"]
    assert np.sum(matrices[0]["matrix"], axis=1) == pytest.approx(np.ones(4), abs=1e-5)
    diagonal = np.diagonal(matrices[3]["matrix"]).mean()
    assert diagonal == pytest.approx(results.judge(table)["conditions"][3]["ua"], abs=1e-5)


def test_a_class_that_nobody_speaks_leaves_an_empty_row() -> None:
    table = predicted(classes=("angry", "happy"))
    wider = table.append_column("sad", pa.array(np.zeros(table.num_rows)))
    assert results.confusions(wider)[0]["matrix"][2] == [0.0, 0.0, 0.0]
    assert results.judge(wider)["conditions"][0]["ua"] == results.judge(table)["conditions"][0]["ua"]
    assert predictions.classes_of(wider) == ["angry", "happy", "sad"]


def figures(delta: float, low: float, high: float, p_holm: float = 0.01, b: str = "target-only") -> dict:
    row = {"a": "bootstrapped", "b": b, "metric": "macro_f1", "delta": delta, "ci95": [low, high]}
    return {"comparisons": [row | {"p_holm": p_holm, "n_speakers": 6}]}


@pytest.mark.parametrize(
    ("found", "ending"),
    [
        (figures(0.003, -0.019, 0.025), "(95 % interval -1.9 to +2.5): no evidence of a gain."),
        (figures(0.03, 0.01, 0.05), "(95 % interval +1.0 to +5.0): a gain."),
        (figures(-0.03, -0.05, -0.01), "(95 % interval -5.0 to -1.0): a loss."),
        (
            figures(0.03, 0.01, 0.05, p_holm=0.0938),
            "a gain by the interval, but not significant in the permutation test (p = 0.094 after Holm).",
        ),
    ],
)
def test_the_headline_says_what_the_interval_allows(found: dict, ending: str) -> None:
    sentence = results.headline(found)
    assert sentence.startswith("On 6 speakers never heard in training, bootstrapping changed macro F1 by ")
    assert sentence.endswith(ending)


def test_the_headline_of_shared_speakers_of_another_rival_and_of_nothing() -> None:
    shared = results.headline(figures(0.03, 0.01, 0.05), speaker_dependent=True)
    assert shared.endswith("so this is not evidence about new speakers.") and "never heard" not in shared
    assert " against training on all translated speech (95" in results.headline(
        figures(0.03, 0.01, 0.05, b="all-synthetic")
    )
    assert "nothing to conclude" in results.headline({"comparisons": []})
    assert "by +0.0 points" in results.headline(figures(-0.0001, -0.1, 0.1))
