"""Measuring how much of the source's prosody every translation kept: a sharded map over pairs of recordings."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from sottovoce.errors import AudioError
from sottovoce.speech import audio
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.store.artefacts import Shelf, Store, Task, key_of
from sottovoce.store.shards import Execution, map_shards
from sottovoce.translation import prosody, vocoder
from sottovoce.translation.corpus import MEASURE

METHOD = 2
"""Raised with every change of the measures: it is part of the key of what is kept."""


@dataclass(frozen=True)
class Pair(Task):
    """A translated utterance, and the one it was made from."""

    source: Utterance


def can_measure() -> bool:
    """Whether WORLD, which tracks the pitch, is installed."""
    return importlib.util.find_spec("pyworld") is not None


def measure(
    source: Manifest,
    translated: Manifest,
    store: Store,
    execution: Execution | None = None,
    on_done: Callable[[int], None] = lambda n: None,
) -> Manifest:
    """The translated manifest with the measures of `prosody.compare`; unreadable recordings stay without.

    Args:
        source: what the translations were made from, by id.
        translated: utterances with `translated_from`.
        store: where the measures are kept, by the content of both recordings.
        execution: serial, processes or Ray.
        on_done: progress.
    """
    pairs = pairs_of(source, translated, store)
    done = map_shards(shelf_of(store), pairs, PairWorker, execution, on_done)
    return Manifest(tuple(_with_measures(pair.utterance, done[pair.key].row) for pair in pairs))


def pairs_of(source: Manifest, translated: Manifest, store: Store) -> list[Pair]:
    """The tasks: a pair for every translated utterance, keyed by the content of both recordings."""
    before = {u.id: u for u in source}
    originals = [before[u.translated_from] for u in translated if u.translated_from is not None]
    keys = zip(store.tasks(originals), store.tasks(translated.utterances), strict=True)
    return [Pair(key_of(s.key, t.key), t.utterance, s.utterance) for s, t in keys]


def shelf_of(store: Store) -> Shelf:
    """Where measures are kept."""
    return store.shelf("prosody", {"method": METHOD, "pyworld": vocoder.version()})


def _with_measures(utterance: Utterance, row: Mapping[str, Any]) -> Utterance:
    found = {n.removeprefix(MEASURE): m for n, m in row.items() if n.startswith(MEASURE) and m is not None}
    return replace(utterance, measures={**utterance.measures, **found})


class PairWorker:
    """Compares both recordings of every pair of a shard."""

    def __call__(self, tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
        """See `store.shards.Worker`."""
        return [_compared(task) for task in tasks if isinstance(task, Pair)]


def _compared(pair: Pair) -> dict[str, Any]:
    try:
        source, translated = (
            prosody.analyse(audio.read(u.path, start_s=u.start_s, end_s=u.end_s)) for u in (pair.source, pair.utterance)
        )
    except AudioError as problem:
        return {"error": str(problem)}
    return {f"{MEASURE}{name}": figure for name, figure in prosody.compare(source, translated).items()}
