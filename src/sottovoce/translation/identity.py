"""The translator that leaves the source as it is: what the others are compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sottovoce.errors import AudioError
from sottovoce.speech import audio
from sottovoce.speech.manifest import Utterance
from sottovoce.translation.translator import Translation, TranslatorCard

CARD = TranslatorCard(
    name="identity",
    languages=(),
    expressive=True,
    licence_of_code="Apache-2.0",
    licence_of_weights="none",
    licence_of_outputs="as the source recordings: they are the source recordings",
    needs="nothing",
    note="Rows without translation in Table V of arXiv 2409.10985: everything but the language is kept.",
)


class Identity:
    """Gives every utterance back at 16 kHz, in its own language."""

    card = CARD

    def __init__(self, target_language: str) -> None:
        self.target_language = target_language

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the output depends on beside the utterance: the recordings are the same for every target."""
        return {"translator": "identity", "method": 1}

    def translate(self, utterances: Sequence[Utterance]) -> list[Translation]:
        """Read each utterance; same order, same ids; an unreadable one is a `Translation` with `error`."""
        return [_read(utterance) for utterance in utterances]


def _read(utterance: Utterance) -> Translation:
    try:
        waveform = audio.read(utterance.path, start_s=utterance.start_s, end_s=utterance.end_s)
    except AudioError as problem:
        return Translation(utterance.id, error=str(problem))
    return Translation(utterance.id, waveform, audio.RATE_HZ, utterance.text, language=utterance.language)
