import pytest

from sottovoce.show import tables

CONDITION = {"ua": 0.5, "wa": 0.625, "ua_ci95": [0.4, 0.6], "wa_ci95": [0.5, 0.75]}


def _condition(name, number, macro_f1, ci95, n_selected):
    return CONDITION | {
        "name": name, "round": number, "macro_f1": macro_f1, "macro_f1_ci95": ci95, "n_selected": n_selected,
    }  # fmt: skip


def test_summary_is_in_points_and_keeps_rounds_together():
    results = {
        "conditions": [
            _condition("target-only", 0, 0.6789, [0.6, 0.7512], None),
            _condition("bootstrapped", 2, 0.7, None, 301.4),
            _condition("all-synthetic", 0, 0.66, [0.5, 0.8], 672.0),
            _condition("bootstrapped", 1, 0.69, [0.6, 0.8], 288.6),
        ]
    }
    columns, rows = tables.summary_table(results)
    assert columns == ["condition", "round", "macro F1", "UA", "WA", "added"]
    assert rows[0] == ["target-only", "", "67.9 (60.0 to 75.1)", "50.0 (40.0 to 60.0)", "62.5 (50.0 to 75.0)", ""]
    assert [(row[0], row[1], row[5]) for row in rows[1:]] == [
        ("bootstrapped", "1", "289"),
        ("bootstrapped", "2", "301"),
        ("all-synthetic", "", "672"),
    ]
    assert rows[2][2] == "70.0 (no interval)"


def _comparison(ci95, p_holm, delta=0.02):
    return {
        "a": "bootstrapped", "a_round": 2, "b": "target-only", "b_round": 0, "metric": "macro_f1",
        "delta": delta, "ci95": ci95, "p": 0.0004, "p_holm": p_holm, "n_speakers": 6,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("ci95", "p_holm", "words"),
    [
        ([0.01, 0.03], 0.01, "a gain"),
        ([0.01, 0.03], 0.2, "a gain by the interval, not by the permutation test"),
        ([-0.03, -0.01], 0.01, "a loss"),
        ([-0.03, -0.01], 0.05, "a loss by the interval, not by the permutation test"),
        ([-0.01, 0.03], 0.01, "no evidence of a difference"),
        ([0.0, 0.03], 0.01, "no evidence of a difference"),
        (None, 1.0, "one speaker: no evidence either way"),
    ],
)
def test_verdict_claims_no_more_than_the_figures(ci95, p_holm, words):
    assert tables.verdict(_comparison(ci95, p_holm)) == words


def test_comparison_is_signed_and_names_the_round():
    results = {"comparisons": [_comparison([-0.031, 0.012], 0.004, delta=-0.0001), _comparison(None, 1.0)]}
    columns, rows = tables.comparison_table(results, "macro_f1")
    assert columns[0] == "difference in macro F1"
    assert rows[0][:4] == ["bootstrapped (round 2) − target-only", "+0.0 (−3.1 to +1.2)", "< 0.001", "0.004"]
    assert rows[1][1] == "+2.0 (no interval)"
    assert tables.comparison_table(results, "ua")[1] == []


def test_records_with_other_fields_share_one_table():
    columns, rows = tables.records_table([{"what": "a", "licence_of_code": "MIT"}, {"what": "b", "n": 3, "mean": 0.5}])
    assert columns == ["what", "licence of code", "n", "mean"]
    assert rows == [["a", "MIT", "–", "–"], ["b", "–", "3", "0.50"]]


@pytest.mark.parametrize(("fraction", "shown"), [(0.68149, "68.1"), (None, "–"), (float("nan"), "–"), (0.0, "0.0")])
def test_points(fraction, shown):
    assert tables.points(fraction) == shown
