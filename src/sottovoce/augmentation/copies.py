"""Copies of training utterances that augmentation adds: under noise, or pasted together (arXiv 2409.10985, Table IV).

CopyPaste (Pappagari et al., arXiv 2010.14602): emotion is what a listener takes away from a recording, so an utterance
joined with another of the same emotion, or with a neutral one, keeps its label. Joined are two of one speaker; that is
ours, as are the range of signal-to-noise ratios and one copy an utterance: arXiv 2409.10985 prints none of it.

A copy is kept as sound, under the digests of what it was made from.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np

from sottovoce.augmentation.transforms import add_noise, entropy_of, mixed, within_full_scale
from sottovoce.corpora.names import LOSSLESS, recordings
from sottovoce.errors import AudioError
from sottovoce.recipe.augmentation import Copies
from sottovoce.speech import audio
from sottovoce.speech.audio import RATE_HZ, Waveform
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.store.artefacts import Shelf, Store, Task, key_of
from sottovoce.store.shards import Execution, map_shards

Kind = Literal["noise", "copypaste"]
KINDS: tuple[Kind, ...] = ("noise", "copypaste")
NEUTRAL = "neutral"
METHOD = 1
"""Raised with every change of what a copy sounds like."""


@dataclass(frozen=True)
class Copied:
    """Copies with their sounds; the utterances each was made from (it may train only where all of them do), by its id;
    and why others could not be made."""

    manifest: Manifest
    origins: Mapping[str, frozenset[str]]
    refused: Mapping[str, str]


@dataclass(frozen=True)
class Copy:
    """One copy to be made: as an utterance that has no sound yet, the task that makes it, and what it is made from."""

    utterance: Utterance
    task: Noisy | Pasted
    origins: frozenset[str]


@dataclass(frozen=True)
class Noisy(Task):
    """An utterance under noise at `snr_db`: Gaussian, or from a recording of noise, from anywhere in it."""

    snr_db: float
    seed: int
    noise: str | None

    def waveform(self) -> Waveform:
        """As long as the utterance."""
        speech = _read(self.utterance)
        if self.noise is None:
            return add_noise(speech, RATE_HZ, snr_db=self.snr_db, slope=0.0, noise_seed=self.seed)
        noise = audio.read(self.noise)
        start = np.random.default_rng(self.seed).integers(max(1, noise.size - speech.size + 1))
        return mixed(speech, np.resize(noise[start:], speech.size), self.snr_db)


@dataclass(frozen=True)
class Pasted(Task):
    """An utterance and the one that follows it."""

    second: Utterance

    def waveform(self) -> Waveform:
        """As long as both."""
        return np.concatenate([_read(self.utterance), _read(self.second)])


class CopyWorker:
    """Writes a shard of copies as FLAC at 16 kHz."""

    def __call__(self, tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
        """See `store.shards.Worker`."""
        return [_kept(task, folder) for task in tasks if isinstance(task, Noisy | Pasted)]


def copies(
    target: Manifest,
    kind: Kind,
    settings: Copies,
    store: Store,
    execution: Execution | None = None,
    on_done: Callable[[int], None] = lambda n: None,
) -> Copied:
    """Copies of the target's utterances, made now or found in the store.

    Args:
        target: natural utterances.
        kind: under noise, or pasted together.
        settings: how many, how noisy, and where noise was recorded.
        store: where copies are kept.
        execution: serial, processes or Ray.
        on_done: called with the number of copies that came to be done.

    Raises:
        CorpusError: the folder of noise is not there.
        AudioError: there is no recording in it.
    """
    planned = plan(target, kind, settings, store)
    done = map_shards(shelf_of(store), [copy.task for copy in planned], CopyWorker, execution, on_done)
    made, origins, refused = [], {}, {}
    for copy in planned:
        kept = done[copy.task.key]
        if kept.error is not None:
            refused[copy.utterance.id] = kept.error
        else:
            made.append(replace(copy.utterance, path=kept.place(kept.row["file"])))
            origins[copy.utterance.id] = copy.origins
    return Copied(Manifest(tuple(made)), origins, refused)


def shelf_of(store: Store) -> Shelf:
    """Where copies are kept."""
    return store.shelf("copies", {"method": METHOD})


def plan(target: Manifest, kind: Kind, settings: Copies, store: Store) -> list[Copy]:
    """Which copies are to be made: the same for the same utterances, settings and recordings, in any order of them.

    An utterance whose speaker has no other of its emotion, nor a neutral one, is not pasted to anything.
    """
    tasks = store.tasks(sorted(target.utterances, key=lambda u: u.id))
    numbered = [(task, number) for number in range(1, settings.number + 1) for task in tasks]
    if kind == "copypaste":
        alike: dict[tuple[str, str], list[Task]] = {}
        for task in tasks:
            alike.setdefault((task.utterance.speaker, task.utterance.emotion), []).append(task)
        made = [_pasted(alike, task, number, settings.seed) for task, number in numbered]
    else:
        noises = _noises(settings, store)
        made = [_noisy(task, number, settings, noises) for task, number in numbered]
    return [copy for copy in made if copy is not None]


def _noises(settings: Copies, store: Store) -> list[tuple[str, str | None]]:
    """Paths and digests of the recordings of noise; none for Gaussian noise."""
    if settings.noise_folder is None:
        return []
    paths = recordings(Path(settings.noise_folder), LOSSLESS)
    if not paths:
        raise AudioError(settings.noise_folder, "no .wav or .flac file of noise lies here")
    digests = store.sound_digests(Utterance(str(path), str(path), "", "") for path in paths)
    return list(digests.items())


def _noisy(task: Task, number: int, settings: Copies, noises: Sequence[tuple[str, str | None]]) -> Copy:
    rng = _random("noise", task.utterance.id, number, settings.seed)
    snr_db, seed = float(rng.uniform(*settings.noise_snr_db)), int(rng.integers(2**32))
    noise, digest = noises[int(rng.integers(len(noises)))] if noises else (None, None)
    key = key_of("noise", task.key, snr_db, seed, digest)
    return _copy("noise", number, task.utterance, Noisy(key, task.utterance, snr_db, seed, noise), [task.utterance])


def _pasted(alike: Mapping[tuple[str, str], Sequence[Task]], task: Task, number: int, seed: int) -> Copy | None:
    """`alike` are the tasks by speaker and emotion."""
    own, rng = task.utterance, _random("copypaste", task.utterance.id, number, seed)
    of_speaker = [alike.get((own.speaker, emotion), ()) for emotion in dict.fromkeys([own.emotion, NEUTRAL])]
    pools = [others for pool in of_speaker if (others := [o for o in pool if o.utterance.id != own.id])]
    if not pools:
        return None
    pool = pools[int(rng.integers(len(pools)))]
    other = pool[int(rng.integers(len(pool)))]
    first, second = (task, other) if rng.random() < 0.5 else (other, task)
    pasted = Pasted(key_of("copypaste", first.key, second.key), first.utterance, second.utterance)
    return _copy("copypaste", number, own, pasted, [own, other.utterance])


def _copy(kind: Kind, number: int, own: Utterance, task: Noisy | Pasted, of: Sequence[Utterance]) -> Copy:
    """The copy has the label and the votes of the utterance it is a copy of, whatever was pasted to that."""
    made = replace(
        own,
        id=f"{own.id}+{kind}{number}",
        text=None,
        text_id=None,
        start_s=None,
        end_s=None,
        translated_from=own.id,
        translator=kind,
        measures={},
    )
    return Copy(made, task, frozenset(u.id for u in of))


def _random(*named: Any) -> np.random.Generator:
    return np.random.default_rng(entropy_of(repr(named)))


def _read(utterance: Utterance) -> Waveform:
    return audio.read(utterance.path, start_s=utterance.start_s, end_s=utterance.end_s)


def _kept(task: Noisy | Pasted, folder: Path) -> dict[str, Any]:
    name = f"{task.key}.flac"
    try:
        audio.write(folder / name, within_full_scale(task.waveform()), RATE_HZ)
    except AudioError as problem:
        return {"file": None, "error": str(problem)}
    return {"file": name, "error": None}
