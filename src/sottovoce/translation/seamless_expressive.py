"""SeamlessExpressive, the translator of arXiv 2409.10985: what is said and how it is said, in another language.

Its library needs versions of torch and fairseq2 that cannot live beside ours, so it runs in an environment of its own
(`environments`), as a worker process (`expressive_worker`) that keeps the model loaded and is restarted when it dies.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from sottovoce.errors import AudioError, TranslationError
from sottovoce.speech import audio
from sottovoce.speech.manifest import Utterance
from sottovoce.translation import environments
from sottovoce.translation.batches import no_room_for
from sottovoce.translation.outside import Outside, OutsideError
from sottovoce.translation.translator import Translation, TranslatorCard

METHOD = 1
"""Raised with every change of the code that changes the sound: it is part of the key of what is kept."""

CODES = {"de": "deu", "en": "eng", "es": "spa", "fr": "fra", "it": "ita", "zh": "cmn"}
"""What its vocoder speaks."""

DURATION_FACTORS = {"de": 1.1, "fr": 1.2}
"""How much longer these say the same than the model's durations, by the library's own documentation; others 1."""

CARD = TranslatorCard(
    name="seamless-expressive",
    languages=tuple(sorted(CODES)),
    expressive=True,
    licence_of_code="MIT (seamless_communication)",
    licence_of_weights="Seamless Licensing Agreement: non-commercial, by request",
    licence_of_outputs="Seamless Licensing Agreement: what the model makes is non-commercial too; and as the source "
    "recordings. Its watermark is left in",
    needs="weights from https://ai.meta.com/resources/models-and-libraries/seamless-downloads/, and an environment of "
    "its own: sottovoce setup seamless-expressive --source DIR --weights DIR; a GPU for more than a few utterances",
    note="The paper's translator. 24 kHz, brought to 16 kHz here.",
)

BATCH = 16
START_LIMIT_S = 900.0
LEAST_LIMIT_S, LIMIT_PER_S = 120.0, 60.0
"""Time for one request: the least, and for each second of sound (a processor takes some 10)."""

MOST_DEATHS = 5
"""Deaths in a row without one utterance in between."""


@dataclass(frozen=True)
class _Heard:
    """An utterance as the worker gets it."""

    position: int
    utterance: Utterance
    sound: Path
    out: Path
    duration_s: float


class SeamlessExpressive:
    """Hands batches to the worker; what fails in a batch is tried once more by itself."""

    def __init__(
        self,
        target_language: str,
        environment: str | None = None,
        *,
        beams: int = 5,
        duration_factor: float | None = None,
    ) -> None:
        """Find the environment; the worker is started when it is first asked.

        Args:
            target_language: ISO 639-1 code.
            environment: folder that `sottovoce setup` made; None for the usual place.
            beams: of the search for the text.
            duration_factor: how much longer the translation's units last; None: by language.

        Raises:
            TranslationError: it does not speak the language, or it is not set up.
        """
        if target_language not in CODES:
            raise TranslationError(
                f"seamless-expressive does not speak '{target_language}'; it speaks {' '.join(CODES)}. For others "
                "there are seamless-m4t-v2 (without expression) and cascade"
            )
        self.target_language, self.card = target_language, CARD
        self._beams = beams
        self._duration_factor = duration_factor or DURATION_FACTORS.get(target_language, 1.0)
        self._record = environments.find(environment)
        self._worker = Outside(self._record.command, START_LIMIT_S)
        self._deaths = 0

    @property
    def settings(self) -> dict[str, Any]:
        """Everything the output depends on beside the utterance."""
        return {
            "translator": CARD.name,
            "method": METHOD,
            "target_language": self.target_language,
            "beams": self._beams,
            "duration_factor": self._duration_factor,
            "weights": self._record.weights_digest,
            "versions": self._record.versions,
            "device": self._device,
        }

    @cached_property
    def _device(self) -> str:
        return self._record.device()

    def translate(self, utterances: Sequence[Utterance]) -> list[Translation]:
        """Translate each utterance; same order, same ids; a failure is a `Translation` with `error`.

        Raises:
            TranslationError: the worker dies again and again without a translation in between, or there is no room
                in memory for one utterance alone.
        """
        made: dict[int, Translation] = {}
        with tempfile.TemporaryDirectory(prefix="sottovoce-") as folder:
            heard: list[_Heard] = []
            for position, u in enumerate(utterances):
                sound, out = (Path(folder) / f"{position}{end}.wav" for end in ("", "-out"))
                try:
                    waveform = audio.read(u.path, start_s=u.start_s, end_s=u.end_s)
                    audio.write(sound, waveform)
                    heard.append(_Heard(position, u, sound, out, waveform.size / audio.RATE_HZ))
                except AudioError as problem:
                    made[position] = Translation(u.id, error=str(problem))
            heard.sort(key=lambda h: h.duration_s)
            for start in range(0, len(heard), BATCH):
                made |= self._batch(heard[start : start + BATCH])
        return [made[position] for position in range(len(utterances))]

    def _batch(self, batch: Sequence[_Heard]) -> dict[int, Translation]:
        """One request; if the worker dies of it, each utterance by itself, so that one alone is lost."""
        try:
            return self._asked(batch)
        except OutsideError as problem:
            self._count_death(problem, f"{len(batch)} utterances")
        made: dict[int, Translation] = {}
        for each in batch:
            try:
                made |= self._asked([each])
            except OutsideError as problem:
                if problem.killed:
                    raise no_room_for(each.utterance.id, f"the translator was killed: {problem.reason}") from problem
                self._count_death(problem, each.utterance.id)
                made[each.position] = Translation(each.utterance.id, error=f"the translator failed: {problem.reason}")
        return made

    def _asked(self, batch: Sequence[_Heard]) -> dict[int, Translation]:
        wanted = [{"id": str(h.position), "audio": str(h.sound), "out": str(h.out)} for h in batch]
        request = {
            "do": "translate",
            "target": CODES[self.target_language],
            "beams": self._beams,
            "duration_factor": self._duration_factor,
            "utterances": wanted,
        }
        limit_s = max(LEAST_LIMIT_S, LIMIT_PER_S * sum(h.duration_s for h in batch))
        reply = self._worker.ask(request, limit_s)
        replies = reply.get("utterances")
        if not isinstance(replies, list):
            raise OutsideError(f"it answered with no utterances: {str(reply)[:300]}")
        answers = {str(a.get("id")): a for a in replies if isinstance(a, dict)}
        self._deaths = 0
        forgotten = {"error": "it did not answer for it"}
        return {h.position: _read(h, answers.get(str(h.position), forgotten)) for h in batch}

    def _count_death(self, problem: OutsideError, given: str) -> None:
        self._deaths += 1
        if self._deaths >= MOST_DEATHS:
            raise TranslationError(
                f"the worker of seamless-expressive failed {self._deaths} times in a row; what was translated is kept. "
                f"Last, given {given}: {problem.reason}. Check its environment with: sottovoce setup "
                "seamless-expressive; if it is the recordings, take them out of the manifest"
            ) from problem


def _read(heard: _Heard, answer: dict[str, Any]) -> Translation:
    """What the worker wrote for one utterance, or why there is nothing; for want of memory, `no_room_for` it."""
    if answer.get("no_room"):
        raise no_room_for(heard.utterance.id, str(answer.get("error")))
    if answer.get("error"):
        return Translation(heard.utterance.id, error=f"the translator failed: {answer['error']}")
    text = str(answer.get("text") or "") or None
    try:
        rate_hz = audio.probe(heard.out).rate_hz
        waveform = audio.read(heard.out, rate_hz=rate_hz)
    except AudioError as problem:
        return Translation(
            heard.utterance.id, text=text, error=f"the translator wrote no usable sound: {problem.reason}"
        )
    return Translation(heard.utterance.id, waveform, rate_hz, text)


def missing() -> str | None:
    """What keeps it from running here."""
    try:
        environments.find(None)
    except TranslationError:
        return "sottovoce setup seamless-expressive --source DIR --weights DIR"
    return None
