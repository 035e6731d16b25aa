"""Translating a whole manifest: sharded, resumable, each translation kept as sound with its provenance."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sottovoce.errors import AudioError
from sottovoce.speech import audio
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.store.artefacts import Kept, Store, Task
from sottovoce.store.shards import Execution, WorkerMaker, map_shards
from sottovoce.translation.translator import Translation, Translator

MEASURE = "measure_"


@dataclass(frozen=True)
class Translated:
    """`D_syn`, and the utterances that could not be translated with the reason."""

    manifest: Manifest
    refused: Mapping[str, str]


def translate(
    source: Manifest,
    make_translator: Callable[[], Translator],
    store: Store,
    execution: Execution | None = None,
    on_done: Callable[[int], None] = lambda n: None,
) -> Translated:
    """Translate every utterance that the store does not hold yet.

    A translated utterance keeps speaker, corpus, emotion and votes of the one it was made from, so that no fold can
    have a speaker on one side and the translation of his speech on the other.

    Args:
        source: natural utterances.
        make_translator: makes the translator; picklable, since worker processes make their own.
        store: where translations are kept, by translator settings, content of the sound and text.
        execution: serial or processes.
        on_done: progress.
    """
    translator = make_translator()
    shelf = store.shelf("translations", translator.settings)
    tasks = tasks_of(source, store)
    done = map_shards(shelf, tasks, WorkerMaker(TranslationWorker, make_translator), execution, on_done)
    made, refused = [], {}
    for task in tasks:
        kept = done.get(task.key)
        if kept is None:  # another slice's share of the work
            continue
        if kept.error is not None:
            refused[task.utterance.id] = kept.error
        else:
            made.append(_translated(task.utterance, translator, kept))
    return Translated(Manifest(tuple(made)), refused)


def tasks_of(source: Manifest, store: Store) -> list[Task]:
    """The tasks of a translation: a recording, and what a translator may read of its row."""
    return store.tasks(source.utterances, "language", "text", "translation")


def _translated(source: Utterance, translator: Translator, kept: Kept) -> Utterance:
    row = kept.row
    measures = {n.removeprefix(MEASURE): m for n, m in row.items() if n.startswith(MEASURE) and m is not None}
    return replace(
        source,
        id=f"{source.id}>{translator.target_language}",
        path=kept.place(row["file"]),
        language=row.get("language") or translator.target_language,
        text=row["text"],
        translation=None,
        start_s=None,
        end_s=None,
        translated_from=source.id,
        translator=translator.card.name,
        measures=measures,
    )


class TranslationWorker:
    """Translates a shard and writes its sounds as FLAC at 16 kHz."""

    def __init__(self, translator: Translator) -> None:
        self.translator = translator

    def __call__(self, tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
        """See `store.shards.Worker`."""
        translations = self.translator.translate([task.utterance for task in tasks])
        return [_keep(task, each, folder) for task, each in zip(tasks, translations, strict=True)]


def _keep(task: Task, translation: Translation, folder: Path) -> dict[str, Any]:
    row: dict[str, Any] = {"file": None, "text": translation.text, "error": translation.error}
    row["language"] = translation.language
    if translation.waveform is None:
        return row | {"error": translation.error or "the translator returned no sound"}
    name = f"{task.key}.flac"
    try:
        audio.write(folder / name, audio.resample(translation.waveform, translation.rate_hz, audio.RATE_HZ))
    except AudioError as problem:
        return row | {"error": problem.reason}
    return row | {"file": name} | {f"{MEASURE}{m}": float(v) for m, v in translation.measures.items()}
