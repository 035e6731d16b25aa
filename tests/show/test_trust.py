"""The report's part on the model: every figure follows from the predictions, and nothing is claimed that does not."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from sottovoce.judging import abstention, choosing
from sottovoce.judging import predictions as predicted
from sottovoce.judging.trust import trust_of
from sottovoce.show import trust
from sottovoce.show.report import write_report
from tests.show.conftest import edit_json
from tests.show.test_report import Page


def choice(run: Path, *conditions: str) -> dict:
    return vars(choosing.choose(predicted.read(run / "predictions.parquet"), conditions))


def test_the_page_tells_how_the_model_was_chosen_and_what_to_expect(run: Path):
    chosen = choice(run, "target-only", "bootstrapped")
    edit_json(run / "details.json", chosen=chosen)
    page = Page(write_report(run))
    assert "Condition bootstrapped (round 2) , trained on all target speakers." in page.text
    expected = f"{100 * chosen['scores']['macro_f1']:.1f}"
    assert f"by the other folds alone gives macro F1 {expected}" in page.text
    drawn = [attributes["aria-label"] or "" for tag, attributes in page.tags if tag == "svg"]
    assert sum(label.startswith("Reliability: ") for label in drawn) == 1
    assert sum(label.startswith("Wrong answers in percent") for label in drawn) == 1
    assert "The bound holds at 95 % for new speakers like these 6" in page.text


def test_a_model_that_was_not_chosen(run: Path):
    edit_json(run / "details.json", chosen=choice(run, "target-only"))
    text = Page(write_report(run)).text
    assert "It was not chosen among several, so its score above stands." in text and "It won" not in text


def test_no_bound_where_speakers_are_shared(run: Path):
    proof = json.loads((run / "folds.json").read_text())["proof"]
    edit_json(run / "folds.json", proof=proof | {"speaker_disjoint": False})
    edit_json(run / "details.json", chosen=choice(run, "target-only"))
    assert "unheard" not in Page(write_report(run)).text
    assert "unheard" not in Page(write_report(run)).text
    text = Page(write_report(run)).text
    assert "There is no bound" in text and "bound holds at 95 %" not in text


def test_the_table_is_what_predict_would_do(run: Path):
    table = predicted.read(run / "predictions.parquet")
    shown = trust.contents(table, choice(run, "bootstrapped"), new_speakers=True)
    steps = trust_of(choosing.last_round(table, "bootstrapped")).steps
    for rate, row in zip(trust.RATES, shown["rates"][1], strict=True):
        step = abstention.chosen(steps, rate)
        assert row[0] == f"{100 * rate:.0f} %"
        expected = "–" if step is None else f"{100 * step.coverage:.0f} %"
        assert row[1] == expected
    assert {row[1] for row in shown["rates"][1]} > {"–"}  # some can be promised, some cannot


@pytest.mark.parametrize("n_speakers", [1, 6])
def test_drawn_with_and_without_a_bound(run: Path, n_speakers: int):
    table = predicted.read(run / "predictions.parquet")
    few = table.filter([speaker in "abcdef"[:n_speakers] for speaker in table["speaker"].to_pylist()])
    shown = trust.contents(few, choice(run, "target-only"), new_speakers=True)
    assert ("stroke-dasharray" in shown["errors"]) == (n_speakers > 1)
    assert shown["errors"].count("<svg") == shown["reliability"].count("<svg") == 1
