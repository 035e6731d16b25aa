"""What the benchmarks work on: EMOVO and Whisper-base where they are to be had, else invented frames of like size."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sottovoce.corpora.catalogue import corpora
from sottovoce.speech.emotions import FOUR_CLASSES
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.store.artefacts import Kept, Store, Task, key_of
from sottovoce.upstreams.features import FRAMES, extract
from sottovoce.upstreams.loading import load_upstream


@dataclass(frozen=True)
class Pool:
    """Features of utterances with their speakers and classes; `origin` says in words where they come from."""

    kept: list[Kept]
    speakers: NDArray[np.str_]
    classes: NDArray[np.int64]
    origin: str


def real() -> tuple[Path, Path] | None:
    """Folders of EMOVO and Whisper-base, where the environment names them."""
    if not {"SOTTOVOCE_DATA", "SOTTOVOCE_WEIGHTS"} <= set(os.environ):
        return None
    return Path(os.environ["SOTTOVOCE_DATA"], "emovo"), Path(os.environ["SOTTOVOCE_WEIGHTS"], "whisper-base")


def emovo(folder: Path) -> Manifest:
    """The utterances of EMOVO's four classes."""
    return corpora()["emovo"].prepare(folder).manifest.with_emotions(FOUR_CLASSES)


def features(store: Store, n_invented: int) -> Pool:
    """Whisper-base features of EMOVO, or else of `n_invented` utterances by six invented speakers."""
    if (folders := real()) is None:
        return _invented(store, n_invented)
    manifest = emovo(folders[0])
    extracted = extract(manifest, partial(load_upstream, "whisper", str(folders[1])), store)
    known = [u for u in manifest if u.id in extracted.kept]
    return Pool(
        [extracted.kept[u.id] for u in known],
        np.array([u.speaker for u in known]),
        np.array([FOUR_CLASSES.index(u.emotion) for u in known]),
        "EMOVO, four classes; Whisper-base, final layer, trimmed",
    )


def _invented(store: Store, n: int) -> Pool:
    rng = np.random.default_rng(0)
    speakers, classes = np.arange(n) % 6, np.arange(n) // 6 % 4
    centres, voices = rng.normal(0, 0.12, (4, 512)), rng.normal(0, 0.3, (6, 512))
    lengths = rng.integers(80, 260, n)  # 1.6 to 5.2 s, as in EMOVO
    arrays = [
        (rng.normal(size=(t, 512)) + centres[c] + voices[s]).astype(np.float16)
        for t, c, s in zip(lengths, classes, speakers, strict=True)
    ]
    origin = "INVENTED frames (SOTTOVOCE_DATA and SOTTOVOCE_WEIGHTS are not set): times count, accuracies do not"
    return Pool(keep(store, arrays, "invented"), speakers.astype(str), classes, origin)


def keep(store: Store, arrays: Sequence[NDArray[np.float16]], name: str) -> list[Kept]:
    """Put frames `[T, d]` into a store as `extract` would, as one shard."""
    tasks = [Task(key_of(name, i), Utterance(f"{name}{i}", "", "s", "sad")) for i in range(len(arrays))]

    def work(_: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
        np.save(folder / FRAMES, np.concatenate(arrays))
        starts = np.cumsum([0, *map(len, arrays)])
        return [
            {"start": int(s), "n_frames": len(a), "dimension": a.shape[1], "n_layers": None}
            for s, a in zip(starts, arrays, strict=False)
        ]

    shelf = store.shelf("features", {"invented": True})
    shelf.add(tasks, work)
    found = shelf.finished([task.key for task in tasks])
    return [found[task.key] for task in tasks]
