from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from sottovoce.errors import ManifestError
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.translation.filtering import LEVEL, FilterRule, _p_alike, filter_translations

RULE = FilterRule("it")


GOING_ROUND = "vai " * 10


def utterance(name: str, emotion: str = "sad", text: str = "Sì.", ratio: float = 1.0, **languages: float) -> Utterance:
    heard = {f"language_{code}": p for code, p in (languages or {"it": 0.9, "en": 0.1}).items()}
    measures: Mapping[str, float] = {"duration_ratio": ratio, **heard}
    return Utterance(name, f"{name}.wav", "s", emotion, text=text, translated_from="x", measures=measures)


def reasons(*utterances: Utterance, rule: FilterRule = RULE) -> dict[str, tuple[str, ...]]:
    """Reasons of what was dropped; one more utterance is sure to pass."""
    filtered = filter_translations(Manifest((*utterances, utterance("sound"))), rule)
    dropped = {d.id: d.reasons for d in filtered.dropped}
    assert {u.id for u in filtered.kept} == {"sound", *(u.id for u in utterances)} - set(dropped)
    return dropped


def test_the_likeliest_language_must_be_the_target():
    dropped = reasons(utterance("right", it=0.4, en=0.35, de=0.25), utterance("wrong", it=0.4, en=0.6))
    assert dropped == {"wrong": ("heard as en (0.60; it: 0.40)",)}


def test_a_threshold_instead():
    likely = [utterance("unsure", it=0.4, en=0.35, de=0.25), utterance("sure", it=0.95, en=0.05)]
    assert set(reasons(*likely, rule=FilterRule("it", threshold=0.5))) == {"unsure"}
    assert not reasons(utterance("second", it=0.4, en=0.6), rule=FilterRule("it", threshold=0.3))


def test_languages_equally_likely_pass():
    """Whatever the order of the columns in the file they were read from."""
    assert not reasons(utterance("u", de=0.4, it=0.4, en=0.2), utterance("v", it=0.4, de=0.4, en=0.2))


def test_a_target_that_was_no_candidate_is_an_error_of_its_own():
    with pytest.raises(ManifestError, match=r"among de, en, and 'it', .*was not one of them; identify them again"):
        filter_translations(Manifest((utterance("u", de=0.4, en=0.6), utterance("v", de=0.6, en=0.4))), RULE)


def test_a_language_that_is_not_known():
    unheard = Utterance("unheard", "u.wav", "s", "sad")
    assert reasons(unheard) == {"unheard": ("its language could not be identified",)}
    assert not reasons(unheard, rule=FilterRule(None))


@pytest.mark.parametrize(("ratio", "passes"), [(0.39, False), (0.4, True), (2.5, True), (2.51, False)])
def test_duration(ratio: float, passes: bool):
    dropped = reasons(utterance("u", ratio=ratio))
    assert dropped == (
        {} if passes else {"u": (f"speech {ratio:.2f} times as long as the source's (allowed: 0.4 to 2.5)",)}
    )


def test_repetition():
    cries = [utterance("cry", text="No, no, no!"), utterance("laugh", text="Ah ah ah ah ah!")]
    dropped = reasons(utterance("u", text=GOING_ROUND), *cries)
    assert dropped == {"u": ("90 % of its words repeat what was just said",)}
    assert set(reasons(utterance("more", text=f"{GOING_ROUND} e poi siamo tornati a casa insieme"))) == {"more"}
    assert not reasons(utterance("half", text=f"{GOING_ROUND} e poi siamo tornati a casa tutti insieme"))


def test_every_reason_is_given():
    assert len(reasons(utterance("u", text=GOING_ROUND, ratio=9.0, en=1.0, it=0.0))["u"]) == 3


def test_nothing_left_is_an_error_with_the_reasons():
    wrong = [utterance(f"u{n}", en=1.0, it=0.0, ratio=9.0 if n else 1.0) for n in range(3)]
    with pytest.raises(ManifestError, match=r"(?s)all 3 translations.*language: 3.*duration: 2.*heard as en: 3"):
        filter_translations(Manifest(tuple(wrong)), RULE)


def test_tables_count_by_emotion():
    right = [utterance(f"r{n}", "sad") for n in range(3)] + [utterance("ra", "angry")]
    wrong = [utterance("w0", "angry", en=1.0, it=0.0), utterance("w1", "angry", ratio=9.0)]
    first, heard, dropped = filter_translations(Manifest((*right, *wrong)), RULE).tables
    assert first.columns == ("emotion", "translated", "dropped", "for language", "for duration", first.columns[-1])
    assert [row[:5] for row in first.rows] == [("angry", "3", "2", "1", "1"), ("sad", "3", "0", "0", "0")]
    assert first.rows[0][5] == "66.7 % (20.8 to 93.9)"  # Wilson's interval of 2 of 3
    assert heard.rows == (("it", "5"), ("en", "1"))
    assert [row[0] for row in dropped.rows] == ["w0", "w1"]


def translations(n: int, wrong: Mapping[str, int]) -> Manifest:
    return Manifest(
        tuple(
            utterance(f"{e}{i}", e, en=float(i < gone), it=float(i >= gone))
            for e, gone in wrong.items()
            for i in range(n)
        )
    )


@pytest.mark.parametrize("n", [12, 200])
def test_a_filter_that_drops_one_emotion_more_is_a_warning(n: int):
    warnings = filter_translations(translations(n, {"angry": n - 1, "sad": 0, "happy": n // 10}), RULE).warnings
    assert any("drops angry" in w and "more than sad (0 %)" in w and "no proof" in w for w in warnings)
    warnings = filter_translations(translations(n, {"angry": 2, "sad": 3, "happy": 2}), RULE).warnings
    assert len(warnings) == 1 and "dropped 7 of" in warnings[0]
    assert not filter_translations(translations(n, {"angry": 0, "sad": 0}), RULE).warnings


def test_alike_is_judged_as_fisher_does():
    """The test by drawing agrees with the exact one where that is at hand, also where counts are small."""
    for gone, total in [((9, 1), (10, 10)), ((3, 0), (12, 12)), ((5, 4), (12, 30)), ((40, 20), (200, 200))]:
        table = np.array([gone, np.subtract(total, gone)])
        exact: Any = stats.fisher_exact(table)
        assert _p_alike(np.array(total), np.array(gone)) == pytest.approx(exact.pvalue, abs=0.015)


def test_filters_that_drop_all_emotions_alike_are_seldom_suspected():
    """At the level of 1 %, in 200 filters that drop by chance."""
    chance = np.random.default_rng(5)
    total = np.array([12, 40, 25, 8])
    suspected = sum(_p_alike(total, chance.binomial(total, 0.2)) < LEVEL for _ in range(200))
    assert suspected <= 7  # 2 expected; more than 7 has probability 0.001


@given(st.lists(st.tuples(st.floats(0.01, 9), st.floats(0, 1), st.sampled_from(["sad", "angry"])), max_size=12))
def test_every_translation_is_kept_or_dropped(drawn):
    made = [utterance(f"u{n}", e, ratio=r, it=p, en=1 - p) for n, (r, p, e) in enumerate(drawn)]
    filtered = filter_translations(Manifest((*made, utterance("sound"))), RULE)
    assert sorted([u.id for u in filtered.kept] + [d.id for d in filtered.dropped]) == sorted(
        ["sound", *(u.id for u in made)]
    )
    assert sum(int(row[2]) for row in filtered.tables[0].rows) == len(filtered.dropped)
