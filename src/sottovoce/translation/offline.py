"""The translator that runs anywhere: known translations, a plain voice, and the source's prosody on top.

It stands in for expressive speech-to-speech translation (Seamless) where that cannot run. It neither hears the
words nor translates them: the text comes from the manifest's `translation` column or a translation memory.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path
from typing import Any

from sottovoce.errors import MissingExtra, SottovoceError, TranslationError
from sottovoce.speech import audio
from sottovoce.speech.manifest import Utterance
from sottovoce.translation import memory as translation_memory
from sottovoce.translation import vocoder, voices
from sottovoce.translation.prosody import Prosody, analyse
from sottovoce.translation.transfer import PlainVoice, transfer
from sottovoce.translation.translator import Translation, TranslatorCard

METHOD = 2
"""Raised with every change of the code that changes the sound: it is part of the key of what is kept."""


def card(expressive: bool = True, voice: voices.Engine | None = None, engine: str = "auto") -> TranslatorCard:
    """The facts of this translator, with the licence of one voice or, without one, of all that are installed."""
    spoken_by = [voice] if voice else voices.engines()
    licences = "; ".join(f"{each.title}: {each.licence}" for each in spoken_by)
    return TranslatorCard(
        name="offline",
        languages=voices.languages(engine),
        expressive=expressive,
        licence_of_code=f"Apache-2.0; {licences}",
        licence_of_weights="none",
        licence_of_outputs="as the source recordings: neither voice restricts the sound it makes",
        needs="no weights and no network: the extra 'offline' (or 'espeak'), and a translation of every text",
        note="One voice for each language: every translated utterance has its timbre, at the F0 of the source. "
        "It stands in for Seamless and is no measure of it.",
    )


def missing() -> str | None:
    """What keeps it from running here."""
    if not any(engine.installed for engine in voices.engines()):
        return "pip install 'sottovoce[offline]'"
    try:
        vocoder.version()
    except MissingExtra as problem:
        return str(problem)
    return None


class OfflineTranslator:
    """Speaks known translations with the source's prosody, or with `expressive=False` in a plain voice."""

    def __init__(
        self,
        target_language: str,
        expressive: bool = True,
        memory: str | Path | None = None,
        engine: str = "auto",
    ) -> None:
        """Choose a voice and load the translation memory.

        Args:
            target_language: ISO 639-1 code of the language to speak.
            expressive: carry the source's prosody over; False is the ablation "EX" of arXiv 2409.10985.
            memory: a translation memory of your own (see `memory`), laid over the shipped one.
            engine: `pico`, `espeak`, or `auto`.

        Raises:
            TranslationError: no voice speaks the language, or the memory is malformed.
            MissingExtra: the voice or WORLD is not installed.
        """
        self.target_language = target_language
        self._voice = voices.engine_for(target_language, engine)
        self._memory = translation_memory.load(memory)
        self._engine, self._expressive, self._world = engine, expressive, vocoder.version()
        self.card = card(expressive, self._voice, engine)

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the output depends on beside the utterance."""
        return {
            "translator": "offline",
            "method": METHOD,
            "target_language": self.target_language,
            "expressive": self._expressive,
            "engine": self._engine,
            "engines": {engine.name: engine.version for engine in voices.engines()},
            "pyworld": self._world,
            "memory": self._memory.digest(self.target_language),
        }

    def translate(self, utterances: Sequence[Utterance]) -> list[Translation]:
        """Translate each utterance; same order, same ids; a failure is a `Translation` with `error`."""
        return [self._translate(utterance) for utterance in utterances]

    def _translate(self, utterance: Utterance) -> Translation:
        text = None
        try:
            text = self._text(utterance)
            recording = audio.read(utterance.path, start_s=utterance.start_s, end_s=utterance.end_s)
            if self._expressive:
                voice = _plain_voice(text, self.target_language, self._engine)
                waveform = transfer(voice, analyse(recording), self._said_plainly(utterance))
            else:
                waveform = _plain_speech(text, self.target_language, self._engine)
            return Translation(utterance.id, waveform, audio.RATE_HZ, text)
        except SottovoceError as problem:
            return Translation(utterance.id, text=text, error=str(problem))

    def _text(self, utterance: Utterance) -> str:
        if utterance.translation:
            return utterance.translation
        if utterance.text and utterance.language:
            known = self._memory.lookup(utterance.text, utterance.language, self.target_language)
            if known:
                return known
        said = f"of '{utterance.text}'" if utterance.text else "(and no text)"
        raise TranslationError(
            f"no translation {said} into {self.target_language}: "
            "add a `translation` column or a line to the translation memory"
        )

    def _said_plainly(self, utterance: Utterance) -> Prosody | None:
        """Prosody of the source's own text in a plain voice, or None where it is unknown or nobody speaks it."""
        if not (utterance.text and utterance.language):
            return None
        try:
            return _plain_prosody(utterance.text, utterance.language)
        except SottovoceError:
            return None


def _plain_speech(text: str, language: str, engine: str) -> audio.Waveform:
    waveform, rate_hz = voices.speak(text, language, engine=engine)
    return audio.resample(waveform, rate_hz, audio.RATE_HZ)


@lru_cache(maxsize=32)  # some 2 MB a text
def _plain_voice(text: str, language: str, engine: str) -> PlainVoice:
    return PlainVoice.of(_plain_speech(text, language, engine))


@lru_cache(maxsize=1024)
def _plain_prosody(text: str, language: str) -> Prosody:
    return analyse(_plain_speech(text, language, "auto"))
