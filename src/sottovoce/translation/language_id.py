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

from sottovoce.errors import AudioError, TranslationError, WeightsError
from sottovoce.speech import audio
from sottovoce.speech.audio import Waveform
from sottovoce.speech.manifest import Manifest
from sottovoce.store.artefacts import Shelf, Store, Task
from sottovoce.store.shards import Execution, WorkerMaker, map_shards
from sottovoce.translation.batches import Failure, halving
from sottovoce.translation.languages import whisper_token
from sottovoce.weights.arithmetic import Arithmetic, Precision, autocast, place, resolve_device, resolve_precision
from sottovoce.weights.checkpoint import Checkpoint, load_complete, open_checkpoint

METHOD = 2
"""Raised with every change of the code that changes a probability: it is part of the key of what is kept."""

LANGUAGE = "language_"
"""Prefix of a language's probability among an utterance's measures."""

BATCH = {"cpu": 1, "cuda": 16}
"""Utterances in one pass, each padded to 30 s. More than one are no faster on a processor, and change the last bits."""

READ_AT_ONCE = 16
"""Sounds of a shard in memory."""


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
            TranslationError: fewer than two candidates.
            WeightsError: not there, not Whisper, English alone, an encoder alone, without the settings of its input, or
                without one of the candidates.
        """
        self.candidates = tuple(dict.fromkeys(candidates))
        if len(self.candidates) < 2:
            raise TranslationError("name two candidates or more for a language: one alone is always the likeliest")
        self._checkpoint = open_checkpoint(weights, allow_download=allow_download)
        self._device = resolve_device(device)
        self._arithmetic: Arithmetic = resolve_precision(precision, self._device)
        self._tokens = _tokens(self._checkpoint, self.candidates)

    @property
    def settings(self) -> dict[str, Any]:
        """Everything a probability depends on beside the sound."""
        return {
            "identifier": "whisper",
            "method": METHOD,
            "revision": self._checkpoint.language_revision,
            "candidates": sorted(self.candidates),
            "precision": self._arithmetic,
            "device": self._device.type,
        }

    def identify(self, waveforms: Sequence[Waveform]) -> NDArray[np.float64]:
        """Probabilities `[utterance, candidate]` of mono waveforms at 16 kHz, of which the first 30 s are heard.

        Rows sum to 1. On a processor a row depends on its waveform alone; on a GPU its last bits on the batch too.
        """
        size = BATCH[self._device.type]
        parts = [self._asked(waveforms[i : i + size]) for i in range(0, len(waveforms), size)]
        return np.concatenate(parts) if parts else np.zeros((0, len(self.candidates)))

    def _asked(self, waveforms: Sequence[Waveform]) -> NDArray[np.float64]:
        model, output, extractor = self._model
        sounds = extractor(list(waveforms), sampling_rate=audio.RATE_HZ, return_tensors="pt", device=str(self._device))
        features = sounds.input_features.to(self._device)
        start = torch.full((len(waveforms), 1), model.config.decoder_start_token_id, device=self._device)
        with torch.inference_mode():
            with autocast(self._device, self._arithmetic):
                decoded = model.model(features, decoder_input_ids=start, use_cache=False).last_hidden_state[:, -1]
            # In fp32 whatever the precision: in bf16, logits of 16 or more would lie 0.125 apart, and languages tie.
            logits = decoded.float() @ output.T
        return logits.double().softmax(-1).cpu().numpy()

    @cached_property
    def _model(self) -> tuple[Any, torch.Tensor, Any]:
        """The model, the rows of its output layer for the candidates, in fp32, and what turns sound into its input."""
        from transformers import WhisperFeatureExtractor, WhisperForConditionalGeneration

        model = load_complete(WhisperForConditionalGeneration, self._checkpoint)
        output = model.proj_out.weight[self._tokens].to(self._device)  # a copy, before the layers are rounded
        place(model, self._device, self._arithmetic)
        return model, output, WhisperFeatureExtractor.from_pretrained(self._checkpoint.folder)

    def __getstate__(self) -> dict[str, Any]:  # a worker process loads the model for itself
        return {name: content for name, content in vars(self).items() if name != "_model"}


def unknown_to(weights: str, languages: Sequence[str], *, allow_download: bool = False) -> list[str]:
    """Those of the languages (ISO 639-1) that a checkpoint has no token for.

    Raises:
        WeightsError: not there, not Whisper, English alone, or an encoder alone.
    """
    known = _known_tokens(open_checkpoint(weights, allow_download=allow_download))
    return [code for code in languages if whisper_token(code) not in known]


def _known_tokens(checkpoint: Checkpoint) -> Mapping[str, int]:
    """The ids of all language tokens by token."""
    kind = checkpoint.config.get("model_type")
    if kind != "whisper":
        raise WeightsError(
            f"{checkpoint.weights} is a checkpoint of kind {kind!r}; languages are identified by Whisper"
        )
    generation = checkpoint.read_json("generation_config.json")
    known: Mapping[str, int] = generation.get("lang_to_id", {}) if generation.get("is_multilingual", True) else {}
    if not known:
        raise WeightsError(
            f"{checkpoint.weights} knows no languages (no lang_to_id in its generation_config.json): it is English "
            "alone, an encoder alone, or lacks that file; take a multilingual Whisper such as openai/whisper-large-v3"
        )
    return known


def _tokens(checkpoint: Checkpoint, candidates: Sequence[str]) -> list[int]:
    """The ids of the candidates' language tokens."""
    known = _known_tokens(checkpoint)
    absent = [code for code in candidates if whisper_token(code) not in known]
    if absent:
        raise WeightsError(
            f"{checkpoint.weights} does not know the language(s) {', '.join(absent)}. Leave them out of the "
            "candidates, or, where that is the target's language, do without (filter.language_id.use: never). "
            f"It knows {', '.join(sorted(token.strip('<|>') for token in known))}"
        )
    n_mels = checkpoint.config.get("num_mel_bins")
    if checkpoint.read_json("preprocessor_config.json").get("feature_size") != n_mels:
        raise WeightsError(
            f"{checkpoint.weights} has no preprocessor_config.json for {n_mels} mel bands, which says how sound is to "
            "be read; put the file of the published checkpoint beside the weights"
        )
    return [known[whisper_token(code)] for code in candidates]


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
    done = map_shards(
        shelf_of(store, make_identifier()), tasks, WorkerMaker(LanguageWorker, make_identifier), execution, on_done
    )
    rows = {task.utterance.id: done[task.key].row for task in tasks if task.key in done}
    return Heard(
        {i: probabilities(row) for i, row in rows.items() if row["error"] is None},
        {i: row["error"] for i, row in rows.items() if row["error"] is not None},
    )


def shelf_of(store: Store, identifier: LanguageIdentifier) -> Shelf:
    """Where the probabilities of this identifier are kept."""
    return store.shelf("languages", identifier.settings)


def with_probabilities(manifest: Manifest, heard: Heard) -> Manifest:
    """The utterances with their probabilities among the measures, instead of any from before."""
    return Manifest(
        tuple(replace(u, measures=_renewed(u.measures, heard.probabilities.get(u.id, {}))) for u in manifest)
    )


def _renewed(measures: Mapping[str, float], heard: Mapping[str, float]) -> dict[str, float]:
    others = {name: figure for name, figure in measures.items() if not name.startswith(LANGUAGE)}
    return others | {LANGUAGE + code: p for code, p in heard.items()}


def probabilities(figures: Mapping[str, Any]) -> dict[str, float]:
    """The probabilities by language among the measures of an utterance, or the columns of a row; sorted by code."""
    codes = sorted(
        name.removeprefix(LANGUAGE) for name, p in figures.items() if name.startswith(LANGUAGE) and p is not None
    )
    return {code: figures[LANGUAGE + code] for code in codes}


class LanguageWorker:
    """Identifies the language of the utterances of a shard."""

    def __init__(self, identifier: LanguageIdentifier) -> None:
        self.identifier = identifier

    def __call__(self, tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
        """See `store.shards.Worker`."""
        return [row for i in range(0, len(tasks), READ_AT_ONCE) for row in self._rows(tasks[i : i + READ_AT_ONCE])]

    def _rows(self, tasks: Sequence[Task]) -> list[dict[str, Any]]:
        rows: dict[int, dict[str, Any]] = {}
        sounds: dict[int, Waveform] = {}
        for position, task in enumerate(tasks):
            u = task.utterance
            try:
                sounds[position] = audio.read(u.path, start_s=u.start_s, end_s=u.end_s)
            except AudioError as problem:
                rows[position] = {"error": problem.reason}
        names = [task.utterance.id for task in tasks]
        heard = halving(list(sounds), lambda part: list(self.identifier.identify([sounds[i] for i in part])), names)
        rows |= {position: self._row(shares) for position, shares in heard.items()}
        return [rows[position] for position in range(len(tasks))]

    def _row(self, shares: NDArray[np.float64] | Failure) -> dict[str, Any]:
        if isinstance(shares, Failure):
            return {"error": shares.reason}
        if not np.isfinite(shares).all():
            return {"error": "the model's probabilities are not numbers"}
        return {LANGUAGE + code: float(p) for code, p in zip(self.identifier.candidates, shares, strict=True)}
