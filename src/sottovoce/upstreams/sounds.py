"""Sounds on their way into an upstream: read by threads a little ahead, in batches of like length."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, TypeVar

from sottovoce.errors import AudioError
from sottovoce.speech import audio
from sottovoce.speech.audio import Waveform
from sottovoce.speech.utterance import Utterance
from sottovoce.store.artefacts import Task
from sottovoce.upstreams.card import Upstream

BATCH_FRAMES = 2048
"""Frames in one pass through the upstream, unless a single utterance has more."""

READ_AHEAD = 16

Batch = list[tuple[int, Waveform]]
"""Sounds with their positions in a shard."""

Given = TypeVar("Given")
Made = TypeVar("Made")


def batches(upstream: Upstream, tasks: Sequence[Task], rows: Sequence[dict[str, Any]]) -> Iterator[Batch]:
    """The sounds of a shard, the shortest first; the row of one that cannot be used gets its `error`."""

    def usable() -> Iterator[tuple[int, Waveform]]:
        for position, sound in _read_ahead(tasks):
            if isinstance(sound, str):
                rows[position]["error"] = sound
            elif len(sound) < upstream.card.shortest_s * audio.RATE_HZ:
                rows[position]["error"] = f"shorter than the {upstream.card.shortest_s} s this upstream needs"
            else:
                yield position, sound

    return _grouped(upstream, usable())


def by_length(upstream: Upstream, waveforms: Sequence[Waveform]) -> Iterator[Batch]:
    """Sounds in memory with their positions, in batches of like length, the shortest first."""
    return _grouped(upstream, sorted(enumerate(waveforms), key=lambda each: each[1].size))


def _grouped(upstream: Upstream, sounds: Iterable[tuple[int, Waveform]]) -> Iterator[Batch]:
    batch: Batch = []
    n_frames = 0
    for position, sound in sounds:
        size = upstream.n_frames(len(sound))
        if batch and n_frames + size > BATCH_FRAMES:
            yield batch
            batch, n_frames = [], 0
        batch.append((position, sound))
        n_frames += size
    if batch:
        yield batch


def in_order(
    pool: ThreadPoolExecutor, work: Callable[[Given], Made], given: Iterable[Given], *, ahead: int
) -> Iterator[Made]:
    """Results of `work` in the order of `given`, of which no more than `ahead` are begun before they are asked for."""
    waiting: deque[Future[Made]] = deque()
    for each in given:
        waiting.append(pool.submit(work, each))
        if len(waiting) > ahead:
            yield waiting.popleft().result()
    for future in waiting:
        yield future.result()


def _read_ahead(tasks: Sequence[Task]) -> Iterator[tuple[int, Waveform | str]]:
    """Sounds (or the reason why not) with their positions, in order of length, read by threads a little ahead."""
    order = sorted(range(len(tasks)), key=lambda i: (_duration_s(tasks[i].utterance), i))
    with ThreadPoolExecutor(2) as pool:
        sounds = in_order(pool, _read, (tasks[i].utterance for i in order), ahead=READ_AHEAD)
        yield from zip(order, sounds, strict=True)


def _duration_s(utterance: Utterance) -> float:
    if utterance.start_s is not None and utterance.end_s is not None:
        return utterance.end_s - utterance.start_s
    try:
        return audio.probe(utterance.path).duration_s
    except AudioError:
        return 0.0


def _read(utterance: Utterance) -> Waveform | str:
    try:
        return audio.read(utterance.path, start_s=utterance.start_s, end_s=utterance.end_s)
    except AudioError as problem:
        return problem.reason
