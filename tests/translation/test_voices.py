"""The offline voices: the same text is the same sound, and every refusal says what to do."""

from __future__ import annotations

import numpy as np
import pytest

from sottovoce.errors import MissingExtra, TranslationError
from sottovoce.translation import voices

TEXTS = {
    "pico": ("it", "Il gatto dorme sulla sedia.", "Domani andiamo al mercato."),
    "espeak": ("pl", "Kot śpi na krześle.", "Jutro idziemy na targ."),
}


@pytest.mark.parametrize("engine", TEXTS)
def test_same_sound_whatever_was_said_before(engine: str) -> None:
    language, first, second = TEXTS[engine]
    alone, rate_hz = voices.speak(first, language, engine=engine)
    voices.speak(second, language, engine=engine)
    again, _ = voices.speak(first, language, engine=engine)
    assert np.array_equal(alone, again)
    assert alone.dtype == np.float32 and alone.ndim == 1 and np.abs(alone).max() <= 1
    assert 0.5 < alone.size / rate_hz < 5


@pytest.mark.parametrize("language", ["de", "en", "en-gb", "es", "fr", "it"])
def test_pico_speaks_its_languages(language: str) -> None:
    assert voices.engine_for(language) is voices.PICO
    waveform, rate_hz = voices.speak("Radio Roma 21", language)
    assert rate_hz == 16_000 and waveform.size > 8_000


@pytest.mark.parametrize("language", ["pl", "ur", "zh", "no", "en", "fr"])
def test_espeak_speaks_by_iso_code(language: str) -> None:
    waveform, rate_hz = voices.speak("radio 21", language, engine="espeak")
    assert rate_hz == 22_050 and waveform.size > 8_000


def test_pico_comes_first_and_espeak_has_the_rest() -> None:
    assert voices.engine_for("IT") is voices.PICO
    assert voices.engine_for("pl") is voices.ESPEAK
    assert set(voices.languages("pico")) < set(voices.languages())


def test_unknown_language_lists_what_there_is() -> None:
    with pytest.raises(TranslationError, match=r"'xx'.* de, .*en, .*it, "):
        voices.speak("hello", "xx")
    with pytest.raises(TranslationError, match="'pl'"):
        voices.engine_for("pl", "pico")


def test_unknown_engine() -> None:
    with pytest.raises(TranslationError, match="pico or espeak"):
        voices.languages("festival")


@pytest.mark.parametrize(("language", "extra"), [("it", "offline"), ("pl", "espeak")])
def test_missing_package_names_its_extra(monkeypatch: pytest.MonkeyPatch, language: str, extra: str) -> None:
    monkeypatch.setattr(voices, "find_spec", lambda module: None)
    with pytest.raises(MissingExtra, match=rf"sottovoce\[{extra}\]"):
        voices.speak("ciao", language)
    assert [engine.version for engine in voices.engines()] == [None, None]


@pytest.mark.parametrize(
    ("text", "reason"), [("", "nothing to say"), (" ...!", "nothing"), ("你好", "stays silent"), ("a" * 2001, "longer")]
)
def test_texts_that_cannot_be_spoken(text: str, reason: str) -> None:
    with pytest.raises(TranslationError, match=reason):
        voices.speak(text, "it", engine="pico")


def test_markup_is_no_command() -> None:
    slowed, _ = voices.speak('<speed level="20">ciao ciao</speed>', "it")
    spelt_out, _ = voices.speak('speed level="20" ciao ciao /speed', "it")
    assert np.array_equal(slowed, spelt_out)


def test_a_failing_engine_says_why() -> None:
    with pytest.raises(TranslationError, match="eSpeak NG has no voice 'nobody'"):
        voices._render(voices.ESPEAK, "hello", "nobody")
