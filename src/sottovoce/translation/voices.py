"""Two engines that speak a text on any machine, without a download at run time.

SVOX Pico has one good voice each for a few languages; eSpeak NG has a robotic one for a hundred more. A text
and a language always give the same sound: each rendering has a process of its own (see `engine`).
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import metadata
from importlib.util import find_spec
from pathlib import Path
from types import MappingProxyType

import numpy as np

from sottovoce.errors import MissingExtra, TranslationError
from sottovoce.speech.audio import SILENT_PEAK, Waveform

LONGEST_CHARACTERS = 2_000
"""More than any utterance holds; Pico counts the bytes of a text in 16 bits."""

_TIME_LIMIT_S = 120

_PICO_VOICES = {
    "de": "de-DE",
    "en": "en-US",
    "en-gb": "en-GB",
    "en-us": "en-US",
    "es": "es-ES",
    "fr": "fr-FR",
    "it": "it-IT",
}
# ISO 639-1 codes that eSpeak NG knows by another name.
_ESPEAK_ALIASES = {"en": "en-us", "no": "nb", "zh": "cmn"}


def _pico_voices() -> Mapping[str, str]:
    return _PICO_VOICES


def _espeak_voices() -> Mapping[str, str]:
    """Language code -> voice, from eSpeak NG's own voice files: lines `language CODE [PRIORITY]`, 5 if not given."""
    import espeakng_loader

    claims: dict[str, tuple[int, str]] = {}
    for file in Path(espeakng_loader.get_data_path()).glob("lang/**/*"):
        if file.is_file():
            for line in file.read_text(encoding="utf-8", errors="replace").splitlines():
                match line.split():
                    case ["language", code, *priority]:
                        claim = (int(priority[0]) if priority else 5, file.name)
                        claims[code.lower()] = min(claims.get(code.lower(), claim), claim)
    voices = {code: voice for code, (_, voice) in claims.items()}
    return voices | {code: voices[name] for code, name in _ESPEAK_ALIASES.items() if name in voices}


@dataclass(frozen=True)
class Engine:
    """One text-to-speech engine. `extra` installs it; `licence` is that of code and voices."""

    name: str
    title: str
    module: str
    distribution: str
    extra: str
    licence: str
    _voices: Callable[[], Mapping[str, str]]

    @property
    def installed(self) -> bool:
        """Whether its package is here."""
        return find_spec(self.module) is not None

    @property
    def version(self) -> str | None:
        """Version of its package, or None where it is not installed."""
        return metadata.version(self.distribution) if self.installed else None

    @property
    def voices(self) -> Mapping[str, str]:
        """Language code -> the engine's name of the voice; empty where the engine is not installed."""
        return _voices_of(self) if self.installed else {}


@cache
def _voices_of(engine: Engine) -> Mapping[str, str]:
    return MappingProxyType(dict(sorted(engine._voices().items())))


PICO = Engine("pico", "SVOX Pico", "ttspico", "ttspico", "offline", "Apache-2.0 (code and voices)", _pico_voices)
ESPEAK = Engine(
    "espeak",
    "eSpeak NG",
    "espeakng_loader",
    "espeakng-loader",
    "espeak",
    "GPL-3.0-or-later (the library; the sound it makes is not covered by it)",
    _espeak_voices,
)


def engines() -> tuple[Engine, ...]:
    """Every engine in order of preference, whether it is installed or not."""
    return PICO, ESPEAK


def languages(engine: str = "auto") -> tuple[str, ...]:
    """Codes of the languages that an engine, or any installed one, can speak; sorted.

    Raises:
        TranslationError: there is no engine of this name.
    """
    return tuple(sorted({code for candidate in _candidates(engine) for code in candidate.voices}))


def engine_for(language: str, engine: str = "auto") -> Engine:
    """The engine that will speak `language`: with `auto` Pico where it has the language, else eSpeak NG.

    Raises:
        MissingExtra: the engine that is needed is not installed.
        TranslationError: no engine of this name, or none that speaks this language; lists those there are.
    """
    candidates = _candidates(engine)
    for candidate in candidates:
        if language.lower() in candidate.voices:
            return candidate
    for candidate in candidates:
        if not candidate.installed and (candidate is not PICO or engine == "pico" or language.lower() in _PICO_VOICES):
            raise MissingExtra(f"speaking '{language}' with {candidate.title}", candidate.extra)
    raise TranslationError(f"no voice speaks '{language}'. There are voices for: {', '.join(languages(engine))}")


def speak(text: str, language: str, *, engine: str = "auto") -> tuple[Waveform, int]:
    """Speak a text in a plain voice.

    Args:
        text: what to say, at most `LONGEST_CHARACTERS`.
        language: ISO 639-1 code, or a longer one that the engine knows (`en-gb`).
        engine: `pico`, `espeak`, or `auto`.

    Returns:
        Mono float32 `[n]` in [-1, 1] and its rate in hertz (16000 for Pico, 22050 for eSpeak NG).

    Raises:
        MissingExtra: the engine is not installed.
        TranslationError: nobody speaks the language, or the text cannot be spoken.
    """
    speaker = engine_for(language, engine)
    # Both engines read markup between angle brackets, and C ends a text at its first null character.
    plain = " ".join(text.translate({ord(mark): " " for mark in "<>\0"}).split())
    if not any(character.isalnum() for character in plain):
        raise TranslationError(f"there is nothing to say in {text!r}")
    if len(plain) > LONGEST_CHARACTERS:
        raise TranslationError(f"a text of {len(plain)} characters is longer than {LONGEST_CHARACTERS}; cut it up")
    waveform, rate_hz = _render(speaker, plain, speaker.voices[language.lower()])
    if waveform.size == 0 or np.abs(waveform).max() < SILENT_PEAK:
        raise TranslationError(f"{speaker.title} stays silent on {text!r}: is it written in '{language}'?")
    return waveform, rate_hz


def _render(engine: Engine, text: str, voice: str) -> tuple[Waveform, int]:
    command = [sys.executable, "-m", "sottovoce.translation.engine", engine.name, voice]
    try:
        process = subprocess.run(command, input=text.encode(), capture_output=True, timeout=_TIME_LIMIT_S, check=False)
    except subprocess.TimeoutExpired as problem:
        raise TranslationError(f"{engine.title} did not finish {text!r} within {_TIME_LIMIT_S} s") from problem
    if process.returncode != 0:
        reason = process.stderr.decode(errors="replace").strip() or f"exit status {process.returncode}"
        raise TranslationError(f"{engine.title} failed on {text!r}: {reason}")
    rate_hz, _, sound = process.stdout.partition(b"\n")
    return np.frombuffer(sound, np.int16).astype(np.float32) / np.float32(32_768), int(rate_hz)


def _candidates(engine: str) -> tuple[Engine, ...]:
    by_name = {candidate.name: candidate for candidate in engines()}
    if engine == "auto":
        return engines()
    if engine not in by_name:
        raise TranslationError(f"there is no engine '{engine}'; choose auto, {' or '.join(by_name)}")
    return (by_name[engine],)
