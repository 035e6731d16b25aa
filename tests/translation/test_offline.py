"""The offline translator: where its text comes from, what it keeps of the source, and what it says when it cannot."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sottovoce.speech import audio
from sottovoce.speech.manifest import Utterance
from sottovoce.translation import voices
from sottovoce.translation.offline import OfflineTranslator
from sottovoce.translation.prosody import agreement, analyse, compare
from sottovoce.translation.translator import Translation


@pytest.fixture
def spoken(tmp_path: Path) -> Utterance:
    path = tmp_path / "kids.flac"
    audio.write(path, 0.3 * voices.speak("Kids are talking by the door.", "en")[0])
    return Utterance("kids", str(path), "s1", "angry", language="en", text="Kids are talking by the door.")


def kept_of(source: Utterance, made: Translation) -> dict[str, float]:
    """How much of the prosody arrived."""
    assert made.waveform is not None
    return compare(analyse(audio.read(source.path, start_s=source.start_s, end_s=source.end_s)), analyse(made.waveform))


def test_text_comes_from_the_memory(spoken: Utterance) -> None:
    (made,) = OfflineTranslator("it").translate([spoken])
    assert made.error is None and made.text == "I bambini parlano vicino alla porta."
    assert kept_of(spoken, made)["f0_contour_correlation"] > 0.8


def test_the_manifests_own_translation_comes_first(spoken: Utterance) -> None:
    (made,) = OfflineTranslator("it").translate([replace(spoken, translation="I ragazzi parlano.")])
    assert made.text == "I ragazzi parlano."


def test_no_translation_says_what_to_add(spoken: Utterance) -> None:
    (made,) = OfflineTranslator("it").translate([replace(spoken, text="Nobody translated this.")])
    assert made.waveform is None and made.error is not None
    assert "'Nobody translated this.' into it" in made.error and "`translation` column" in made.error


def test_unreadable_source_is_an_error_of_its_own(spoken: Utterance, tmp_path: Path) -> None:
    broken = tmp_path / "broken.wav"
    broken.write_text("no sound")
    made = OfflineTranslator("it").translate([replace(spoken, id="broken", path=str(broken)), spoken])
    assert made[0].error is not None and "broken.wav" in made[0].error
    assert made[1].error is None


def test_plain_voice_is_the_ablation(spoken: Utterance) -> None:
    (plain,) = OfflineTranslator("it", expressive=False).translate([spoken])
    (expressive,) = OfflineTranslator("it").translate([spoken])
    assert plain.waveform is not None and expressive.waveform is not None
    assert np.array_equal(plain.waveform, voices.speak("I bambini parlano vicino alla porta.", "it")[0])
    plainly, expressively = (kept_of(spoken, made)["f0_contour_correlation"] for made in (plain, expressive))
    assert plainly < expressively


def test_a_part_of_a_recording(spoken: Utterance) -> None:
    part = replace(spoken, start_s=0.2, end_s=0.9)
    (made,) = OfflineTranslator("it").translate([part])
    (whole,) = OfflineTranslator("it").translate([spoken])
    assert kept_of(part, made)["source_speech_s"] < 0.71 < kept_of(spoken, whole)["source_speech_s"]
    assert made.waveform is not None and whole.waveform is not None
    assert made.waveform.size < whole.waveform.size


def test_other_rates_are_brought_to_16_khz(spoken: Utterance) -> None:
    (made,) = OfflineTranslator("pl").translate([replace(spoken, translation="Dzieci rozmawiają przy drzwiach.")])
    assert made.error is None and made.rate_hz == 16_000


@pytest.mark.real
def test_prosody_of_real_speech_arrives(real_corpora: Path) -> None:
    texts = {"01": "Kids are talking by the door.", "02": "Dogs are sitting by the door."}
    recordings = sorted((real_corpora / "ravdess").glob("**/03-01-0[45]-02-0?-01-0[1-3].*"))
    utterances = [
        Utterance(path.stem, str(path), path.stem[-2:], "angry", language="en", text=texts[path.stem.split("-")[4]])
        for path in recordings
    ]
    assert len(utterances) == 12
    made = OfflineTranslator("it").translate(utterances)
    measures = [kept_of(u, translation) for u, translation in zip(utterances, made, strict=True)]
    assert np.mean([m["f0_contour_correlation"] for m in measures]) > 0.85
    assert np.mean([m["loudness_contour_correlation"] for m in measures]) > 0.55
    over_corpus = agreement(measures)
    for figure in ("f0_level_st", "loudness_db", "speech_s", "tilt_db_per_octave"):
        assert over_corpus[figure] > 0.8, figure
