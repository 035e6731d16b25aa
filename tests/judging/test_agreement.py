"""Concordance by hand, by the plain formula and by other libraries; intervals and comparisons on top of it."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from sklearn.metrics import mean_absolute_error

from sottovoce.errors import StoreError
from sottovoce.judging import agreement, certainty, choosing, predictions, results


def said_of(
    condition: str = "target-only",
    skill: float = 0.5,
    *,
    round: int = 0,
    n_speakers: int = 6,
    seeds: tuple[int, ...] = (0, 1),
    names: tuple[str, ...] = ("arousal", "valence"),
) -> pa.Table:
    """Leave-one-speaker-out predictions of measures from 1 to 7; the labels are always the same."""
    rng = np.random.default_rng([*condition.encode(), round])
    blocks = []
    for speaker in range(n_speakers):
        true = np.random.default_rng(speaker).uniform(1, 7, (12, len(names)))
        for seed in seeds:
            said = skill * true + (1 - skill) * rng.uniform(1, 7, true.shape)
            who = {"utterances": [f"s{speaker}-{i}" for i in range(12)], "speakers": [f"s{speaker}"] * 12}
            where = {"condition": condition, "round": round, "fold": speaker + 1, "seed": seed}
            blocks.append(predictions.table_of_measures(names, true, said, **where, **who))
    return pa.concat_tables(blocks)


def one_measure(true: list[float], said: list[float], speakers: list[str]) -> pa.Table:
    return predictions.table_of_measures(
        ["x"],
        np.array(true)[:, None],
        np.array(said)[:, None],
        condition="target-only",
        round=0,
        fold=1,
        seed=0,
        utterances=[str(i) for i in range(len(true))],
        speakers=speakers,
    )


def plain_ccc(true: np.ndarray, said: np.ndarray) -> float:
    """Lin's formula, as it is printed."""
    covariance = np.mean((true - true.mean()) * (said - said.mean()))
    return 2 * covariance / (true.var() + said.var() + (true.mean() - said.mean()) ** 2)


def test_a_case_worked_by_hand():
    """true 1 2 3, said 2 2 5: means 2 and 3, variances 2/3 and 2, covariance 1: 2 / (2/3 + 2 + 1) = 6/11."""
    sums = agreement.sums(one_measure([1, 2, 3], [2, 2, 5], ["a"] * 3))[2]
    assert agreement.scores(sums, "ccc") == pytest.approx(6 / 11)
    assert agreement.scores(sums, "pearson") == pytest.approx(np.sqrt(3) / 2)
    assert agreement.scores(sums, "mae") == pytest.approx(1)


def test_scores_are_those_of_other_libraries():
    table = said_of(seeds=(0,))
    true, said = predictions.true_and_said(table)
    pooled = agreement.sums(table)[2].sum(axis=(0, 1))
    for i in range(2):
        assert agreement.of_each(pooled, "ccc")[i] == pytest.approx(plain_ccc(true[:, i], said[:, i]))
        assert agreement.of_each(pooled, "pearson")[i] == pytest.approx(stats.pearsonr(true[:, i], said[:, i])[0])
        assert agreement.of_each(pooled, "mae")[i] == pytest.approx(mean_absolute_error(true[:, i], said[:, i]))


@pytest.mark.parametrize(("true", "said"), [([2, 2, 2], [1, 2, 3]), ([1, 2, 3], [2, 2, 2]), ([2, 2], [2, 2])])
def test_where_nothing_varies_there_is_no_agreement_and_no_nan(true, said):
    sums = agreement.sums(one_measure(true, said, ["a"] * len(true)))[2]
    assert agreement.scores(sums, "ccc").tolist() == agreement.scores(sums, "pearson").tolist() == [[0.0]]


def test_rounding_is_not_taken_for_variance():
    table = one_measure([0.1] * 9, [0.1 + 1e-17 * i for i in range(9)], ["a"] * 9)
    assert agreement.scores(agreement.sums(table)[2], "pearson")[0, 0] == 0.0


@given(st.lists(st.integers(0, 3), min_size=3, max_size=6).filter(lambda weights: sum(weights) > 1))
def test_weights_count_speakers_so_often(weights):
    """The statistic of weights is the score of a table in which each speaker stands that often."""
    table = said_of(n_speakers=len(weights), seeds=(0,), names=("x",))
    statistic = certainty.pooled(agreement.sums(table)[2], lambda sums: agreement.scores(sums, "ccc"))
    true, said = (values[:, 0] for values in predictions.true_and_said(table))
    times = np.repeat(weights, 12)
    expected = plain_ccc(np.repeat(true, times), np.repeat(said, times))
    assert statistic(np.array([weights], float))[0] == pytest.approx(expected, abs=1e-9)


@given(st.integers(2, 15))
def test_weights_of_one_give_the_score_that_is_reported(n_speakers):
    table = said_of(n_speakers=n_speakers)
    (condition,) = results.judge(table)["conditions"]
    statistic = certainty.pooled(agreement.sums(table)[2], lambda sums: agreement.scores(sums, "ccc"))
    assert condition["ccc"] == pytest.approx(statistic(np.ones((1, n_speakers)))[0], abs=1e-6)
    low, high = condition["ccc_ci95"]
    assert -1 <= low < condition["ccc"] < high <= 1


def test_results_by_measure_and_by_seed():
    (condition,) = results.judge(said_of())["conditions"]
    assert set(condition) == {
        "name", "round", "ccc", "ccc_ci95", "by_measure", "interval_method", "per_seed",
    }  # fmt: skip
    assert condition["ccc"] == pytest.approx(np.mean([m["ccc"] for m in condition["by_measure"].values()]), abs=2e-6)
    assert condition["ccc"] == pytest.approx(np.mean([seed["ccc"] for seed in condition["per_seed"]]), abs=2e-6)
    for of in condition["by_measure"].values():
        low, high = of["ccc_ci95"]
        assert low < of["ccc"] < high and of["ccc"] <= of["pearson"] and of["mae"] > 0


def test_conditions_are_compared_by_ccc():
    worse, better = said_of(skill=0.2), said_of("bootstrapped", 0.9, round=2)
    judged = results.judge(pa.concat_tables([worse, better]))
    (row,) = judged["comparisons"]
    first, second = judged["conditions"]
    assert row["metric"] == "ccc" and row["delta"] == pytest.approx(second["ccc"] - first["ccc"], abs=2e-6)
    assert row["p"] == row["p_holm"] == pytest.approx(2 / 2**6, abs=1e-6) and row["ci95"][0] > 0
    sentence = results.headline(judged)
    assert f"bootstrapping changed CCC by {row['delta']:+.3f} (95 % interval" in sentence and "points" not in sentence
    same = pa.concat_tables([worse, predictions.renamed(worse, "untranslated")])
    (none,) = results.judge(same)["comparisons"]
    assert (none["delta"], none["p"]) == (0.0, 1.0)
    assert "changed CCC by +0.000 " in results.headline(results.judge(same))


def test_the_best_ccc_is_chosen_fold_by_fold():
    table = pa.concat_tables([said_of(skill=0.2), said_of("untranslated", 0.9)])
    found = choosing.choose(table, ["target-only", "untranslated"])
    assert found.condition == "untranslated" and set(found.by_fold.values()) == {"untranslated"}
    assert found.scores is not None and found.scores["ccc"] == results.judge(table)["conditions"][1]["ccc"]


def test_a_speaker_whose_labels_do_not_vary_has_no_ccc_of_his_own():
    table = one_measure([1, 2, 3, 2, 2], [1, 2, 2, 1, 3], ["a", "a", "a", "b", "b"])
    rows = results.per_speaker(table)
    assert [(row["speaker"], row["n"]) for row in rows] == [("a", 3), ("b", 2)]
    assert rows[0]["ccc"] == pytest.approx(plain_ccc(np.array([1, 2, 3]), np.array([1, 2, 2])), abs=1e-6)
    assert rows[1]["ccc"] is None


def test_predictions_of_measures_are_read_back_and_checked(tmp_path):
    path = predictions.write(tmp_path / "predictions.parquet", said_of())
    table = predictions.read(path)
    assert predictions.is_of_measures(table) and predictions.measures_of(table) == ["arousal", "valence"]
    for broken, why in (
        (table.drop_columns(["said_valence"]), "column 'said_valence' is missing"),
        (table.append_column("label", pa.array(["sad"] * table.num_rows)), "labels|label|sum to 1|outside"),
        (pa.concat_tables([table, table]), "rows repeat an utterance"),
        (table.set_column(6, "true_arousal", pa.array([np.nan] * table.num_rows)), "are no numbers"),
        (table.append_column("notes", pa.array([""] * table.num_rows)), "'notes' belongs to nothing"),
    ):
        with pytest.raises(StoreError, match=why):
            predictions.write(path, broken)


def test_conditions_with_other_labels_are_not_compared():
    other = said_of("untranslated")
    true, _ = predictions.true_and_said(other)
    other = other.set_column(6, "true_arousal", pa.array(true[:, 0] + 1))
    with pytest.raises(StoreError, match="same utterances"):
        results.judge(pa.concat_tables([said_of(), other]))
