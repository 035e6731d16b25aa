"""Which language is spoken: Whisper asked for probabilities over a list of candidates (arXiv 2409.10985, section II-B).

Whisper's decoder begins every transcript with a token for the language. The softmax of that one step over the tokens of
the candidates is the answer. Short clips confuse it among its hundred languages, so the candidates are few and stated.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sottovoce.errors import AudioError, WeightsError
from sottovoce.speech import audio
from sottovoce.speech.audio import Waveform
from sottovoce.speech.manifest import Manifest
from sottovoce.store.artefacts import Shelf, Store, Task
from sottovoce.store.shards import Execution, map_shards
from sottovoce.weights.arithmetic import Precision, autocast, place, resolve_device, resolve_precision
from sottovoce.weights.checkpoint import Checkpoint, load_complete, open_checkpoint

METHOD = 1
"""Raised with every change of the code that changes a probability: it is part of the key of what is kept."""

LANGUAGE = "language_"
"""Prefix of a language's probability among an utterance's measures."""

BATCH = 16
"""Utterances in one pass: each is padded to 30 s, so that they are all alike."""


class LanguageIdentifier:
    """A multilingual Whisper and the languages it may choose from."""

    def __init__(
        self,
        weights: str = "openai/whisper-large-v3",
        candidates: Sequence[str] = ("de", "en", "es", "fr", "it"),
        *,
        device: str = "cpu",
        precision: Precision = "auto",
        allow_download: bool = False,
    ) -> None:
        """Check the checkpoint; the model itself is loaded when it is first asked.

        Args:
            weights: any size of multilingual Whisper with its decoder: a folder or a hub id.
            candidates: ISO 639-1 codes that the probabilities are shared among.
            device: `cpu` or `cuda`.
            precision: `auto` is bf16 where the processor has it and fp32 elsewhere.
            allow_download: permit fetching a hub id.

        Raises:
            WeightsError: not there, not Whisper, English alone, or without one of the candidates.
        """
        self._checkpoint = open_checkpoint(weights, allow_download=allow_download)
        self._device = resolve_device(device)
        self._arithmetic = resolve_precision(precision, self._device)
        self.candidates = tuple(dict.fromkeys(candidates))
        self._tokens = _tokens(self._checkpoint, self.candidates)

    @property
    def settings(self) -> dict[str, Any]:
        """Everything a probability depends on beside the sound."""
        return {
            "identifier": "whisper",
            "method": METHOD,
            "revision": self._checkpoint.revision,
            "candidates": list(self.candidates),
            "precision": self._arithmetic,
            "device": self._device.type,
        }

    def identify(self, waveforms: Sequence[Waveform]) -> NDArray[np.float64]:
        """Probabilities `[utterance, candidate]` of mono waveforms at 16 kHz; rows sum to 1. It hears 30 s at most."""
        parts = [self._asked(waveforms[i : i + BATCH]) for i in range(0, len(waveforms), BATCH)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.candidates)))

    def _asked(self, waveforms: Sequence[Waveform]) -> NDArray[np.float64]:
        model, extractor = self._model
        features = extractor(list(waveforms), sampling_rate=audio.RATE_HZ, return_tensors="pt").input_features
        start = torch.full((len(waveforms), 1), model.config.decoder_start_token_id, device=self._device)
        with torch.inference_mode(), autocast(self._device, self._arithmetic):
            logits = model(features.to(self._device), decoder_input_ids=start).logits[:, -1, self._tokens]
        return logits.double().softmax(-1).cpu().numpy()

    @cached_property
    def _model(self) -> tuple[Any, Any]:
        from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration

        model = load_complete(WhisperForConditionalGeneration, self._checkpoint)
        place(model, self._device, self._arithmetic)
        return model, WhisperFeatureExtractor.from_pretrained(self._checkpoint.folder)

    def __getstate__(self) -> dict[str, Any]:  # a worker process loads the model for itself
        return {name: content for name, content in vars(self).items() if name != "_model"}


def _tokens(checkpoint: Checkpoint, candidates: Sequence[str]) -> list[int]:
    """The ids of the candidates' language tokens."""
    kind = checkpoint.config.get("model_type")
    if kind != "whisper":
        raise WeightsError(
            f"{checkpoint.weights} is a checkpoint of kind {kind!r}; languages are identified by Whisper"
        )
    known: Mapping[str, int] = checkpoint.read_json("generation_config.json").get("lang_to_id", {})
    if not known:
        raise WeightsError(
            f"{checkpoint.weights} knows no languages (no lang_to_id in its generation_config.json): it is English "
            "alone or an encoder; take a multilingual Whisper such as openai/whisper-large-v3"
        )
    absent = [code for code in candidates if f"<|{code}|>" not in known]
    if absent:
        raise WeightsError(
            f"{checkpoint.weights} does not know the language(s) {', '.join(absent)}; leave them out of the "
            f"candidates. It knows {', '.join(sorted(token.strip('<|>') for token in known))}"
        )
    return [known[f"<|{code}|>"] for code in candidates]


@dataclass(frozen=True)
class Heard:
    """Probabilities by language by utterance id, and the utterances that could not be heard."""

    probabilities: Mapping[str, Mapping[str, float]]
    refused: Mapping[str, str]


def identify(
    manifest: Manifest,
    make_identifier: Callable[[], LanguageIdentifier],
    store: Store,
    execution: Execution | None = None,
    on_done: Callable[[int], None] = lambda n: None,
) -> Heard:
    """Identify the language of every utterance that the store does not hold yet.

    Args:
        manifest: the utterances.
        make_identifier: makes the identifier; picklable, since worker processes make their own.
        store: where probabilities are kept, by identifier settings and content of the sound.
        execution: serial, processes or Ray.
        on_done: progress.
    """
    tasks = store.tasks(manifest.utterances)
    done = map_shards(shelf_of(store, make_identifier()), tasks, WorkerMaker(make_identifier), execution, on_done)
    rows = {task.utterance.id: done[task.key].row for task in tasks if task.key in done}
    return Heard(
        {i: _probabilities(row) for i, row in rows.items() if row["error"] is None},
        {i: row["error"] for i, row in rows.items() if row["error"] is not None},
    )


def shelf_of(store: Store, identifier: LanguageIdentifier) -> Shelf:
    """Where the probabilities of this identifier are kept."""
    return store.shelf("languages", identifier.settings)


def with_probabilities(manifest: Manifest, heard: Heard) -> Manifest:
    """The utterances with their probabilities among the measures."""
    return Manifest(
        tuple(
            replace(
                u, measures={**u.measures, **{LANGUAGE + c: p for c, p in heard.probabilities.get(u.id, {}).items()}}
            )
            for u in manifest
        )
    )


def _probabilities(row: Mapping[str, Any]) -> dict[str, float]:
    return {n.removeprefix(LANGUAGE): p for n, p in row.items() if n.startswith(LANGUAGE) and p is not None}


@dataclass(frozen=True)
class WorkerMaker:
    """Makes a `LanguageWorker` in whichever process needs one."""

    make_identifier: Callable[[], LanguageIdentifier]

    def __call__(self) -> LanguageWorker:
        return LanguageWorker(self.make_identifier())


class LanguageWorker:
    """Identifies the language of the utterances of a shard."""

    def __init__(self, identifier: LanguageIdentifier) -> None:
        self.identifier = identifier

    def __call__(self, tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
        """See `store.shards.Worker`."""
        rows: list[dict[str, Any]] = []
        heard: list[tuple[int, Waveform]] = []
        for position, task in enumerate(tasks):
            u = task.utterance
            try:
                heard.append((position, audio.read(u.path, start_s=u.start_s, end_s=u.end_s)))
                rows.append({"error": None})
            except AudioError as problem:
                rows.append({"error": problem.reason})
        probabilities = self.identifier.identify([waveform for _, waveform in heard])
        for (position, _), shares in zip(heard, probabilities, strict=True):
            rows[position] |= {
                LANGUAGE + code: float(p) for code, p in zip(self.identifier.candidates, shares, strict=True)
            }
        return rows
