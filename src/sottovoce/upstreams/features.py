"""Features of utterances: computed once, kept ragged in fp16, fetched by the batch."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sottovoce.errors import StoreError, UpstreamError
from sottovoce.speech import audio
from sottovoce.speech.manifest import Manifest
from sottovoce.store.artefacts import Kept, Shelf, Store, Task
from sottovoce.store.shards import Execution, WorkerMaker, map_shards
from sottovoce.upstreams.card import Upstream
from sottovoce.upstreams.sounds import Batch, batches, in_order
from sottovoce.weights.arithmetic import one_core_each

METHOD = 1
"""Raised with every change of the code that changes frames: it is part of the key of what is kept."""

FRAMES = "frames.npy"

SHAPES = {torch.bfloat16: 256}
"""Batches have a multiple of so many rows. For products in bf16 oneDNN compiles and keeps a kernel for every shape that
it meets: where each batch had a shape of its own that took as long as the products, and a gigabyte."""


class Frames:
    """Ragged frames of an ordered pool of utterances.

    While all frames fit in `memory_bytes` they are held in memory in the type of the matrix products; else they stay
    in fp16 on disk and each fetch reads its utterances, so that memory does not grow with the corpus.
    """

    def __init__(
        self, pool: Sequence[Kept], *, dtype: torch.dtype = torch.float32, memory_bytes: int = 2 << 30
    ) -> None:
        self._kept, self.dtype, self._multiple = list(pool), dtype, SHAPES.get(dtype, 1)
        self.lengths: NDArray[np.int64] = np.array([k.row["n_frames"] for k in pool], np.int64)
        shapes = {(k.row["dimension"], k.row["n_layers"]) for k in pool}
        if len(shapes) > 1:
            raise StoreError(f"features of different shapes cannot be trained on together: {sorted(shapes, key=str)}")
        self.dimension, self.n_layers = shapes.pop() if shapes else (0, None)
        self._row_shape = (self.dimension,) if self.n_layers is None else (self.n_layers, self.dimension)
        self._row_bytes = 2 * int(np.prod(self._row_shape))
        self._starts: dict[Path, int] = {}
        total = int(self.lengths.sum()) * self._row_bytes // 2 * torch.empty((), dtype=dtype).element_size()
        self._ends: NDArray[np.int64] = self.lengths.cumsum()
        self._held = self._all() if total <= memory_bytes else None

    def __len__(self) -> int:
        return len(self._kept)

    def fetch(self, rows: NDArray[np.int64]) -> tuple[torch.Tensor, torch.Tensor]:
        """Frames at `rows`, one utterance behind the other (`[F, d]` or `[F, L, d]`), and lengths `[B]`.

        F is their sum or, in bf16, the next multiple of `SHAPES`: what follows the last utterance is to be left out.
        The frames are not the caller's to change: those of neighbours are a part of what is held, not a copy.
        """
        lengths = torch.from_numpy(self.lengths[rows])
        rest = -int(lengths.sum()) % self._multiple
        if self._held is None:
            spare = torch.zeros((rest, *self._row_shape), dtype=torch.float16)
            return _joined([*(self._read(self._kept[i]) for i in rows), spare]).to(self.dtype), lengths
        starts, ends = (self._ends - self.lengths)[rows], self._ends[rows]
        if np.array_equal(starts[1:], ends[:-1]):  # as when all are asked in turn
            return self._held[starts[:1].sum() : ends[-1:].sum() + rest], lengths
        spare = self._held[len(self._held) - rest :]
        return _joined([*(self._held[start:end] for start, end in zip(starts, ends, strict=True)), spare]), lengths

    def _all(self) -> torch.Tensor:
        """Everything, and as many rows of zeros as a batch may want."""
        total = int(self.lengths.sum())
        held = torch.empty((total + self._multiple - 1, *self._row_shape), dtype=self.dtype)
        held[total:] = 0
        for kept, end, length in zip(self._kept, self._ends, self.lengths, strict=True):
            held[end - length : end] = self._read(kept)
        return held

    def _read(self, kept: Kept) -> torch.Tensor:
        # A plain read, not a memory map: mapped pages would count as this process's memory and fill it.
        path = kept.file(FRAMES)
        frames = np.empty((kept.row["n_frames"], *self._row_shape), np.float16)
        try:
            with path.open("rb", buffering=0) as stream:
                if path not in self._starts:
                    np.lib.format.read_magic(stream)
                    np.lib.format.read_array_header_1_0(stream)
                    self._starts[path] = stream.tell()
                stream.seek(self._starts[path] + kept.row["start"] * self._row_bytes)
                n_read = stream.readinto(frames.data)
        except (OSError, ValueError) as problem:
            raise StoreError(f"{path} cannot be read ({problem}); run the same command again") from problem
        if n_read != frames.nbytes:
            raise StoreError(f"{path} is shorter than its index says; run the same command again: it makes it anew")
        return torch.from_numpy(frames)


def _joined(utterances: Sequence[torch.Tensor]) -> torch.Tensor:
    """One behind the other. Where there are layers each lies in one piece, as they are mixed: to join costs a copy
    anyway, and to mix needs no other."""
    if utterances[0].ndim == 2:
        return torch.cat(list(utterances))
    return torch.cat([frames.transpose(0, 1) for frames in utterances], 1).transpose(0, 1)


@dataclass(frozen=True)
class Extracted:
    """Features of a manifest: what there is, by utterance id, and what was refused and why."""

    kept: Mapping[str, Kept]
    refused: Mapping[str, str]


def extract(
    manifest: Manifest,
    make_upstream: Callable[[], Upstream],
    store: Store,
    execution: Execution | None = None,
    on_done: Callable[[int], None] = lambda n: None,
    loaded: Upstream | None = None,
) -> Extracted:
    """Compute the features of every utterance that the store does not hold yet.

    Args:
        manifest: the utterances.
        make_upstream: loads the upstream; picklable, since worker processes load their own.
        store: where features are kept, by upstream settings and content of the sound.
        execution: serial or processes.
        on_done: progress.
        loaded: what `make_upstream` makes, where this process has it already.
    """
    upstream = loaded or make_upstream()
    shelf = shelf_of(store, upstream)
    tasks = store.tasks(manifest.utterances)
    # other processes load the upstream for themselves; in this one it is loaded already
    alone = execution is None or execution.executor == "serial"
    make_worker = (lambda: FeatureWorker(upstream)) if alone else WorkerMaker(FeatureWorker, make_upstream)
    done = map_shards(shelf, tasks, make_worker, execution, on_done)
    found = {task.utterance.id: done[task.key] for task in tasks if task.key in done}
    refused = {i: kept.error for i, kept in found.items() if kept.error is not None}
    return Extracted({i: kept for i, kept in found.items() if i not in refused}, refused)


def shelf_of(store: Store, upstream: Upstream) -> Shelf:
    """Where features of this upstream with these settings are kept."""
    return store.shelf("features", {"method": METHOD, **upstream.settings})


class FeatureWorker:
    """Computes the frames of a shard in batches of like length, while threads read the sounds to come."""

    def __init__(self, upstream: Upstream) -> None:
        self.upstream = upstream

    def __call__(self, tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
        """See `store.shards.Worker`."""
        rows: list[dict[str, Any]] = [{} for _ in tasks]
        made: list[NDArray[np.float16] | None] = [None] * len(tasks)
        for position, frames in self._computed(batches(self.upstream, tasks, rows)):
            made[position] = frames
        start = 0
        for row, frames in zip(rows, made, strict=True):
            if frames is None:
                continue
            if not np.isfinite(frames).all():
                row["error"] = "features that are not finite in 16 bits"
                continue
            n_layers = frames.shape[1] if frames.ndim == 3 else None
            row |= {"start": start, "n_frames": len(frames), "dimension": frames.shape[-1], "n_layers": n_layers}
            start += len(frames)
        whole = [f for f, row in zip(made, rows, strict=True) if f is not None and "n_frames" in row]
        if whole:
            _write_frames(folder / FRAMES, whole)
        return rows

    def _computed(self, given: Iterator[Batch]) -> Iterator[tuple[int, NDArray[np.float16]]]:
        """Frames by position; each core takes batches of its own."""
        with one_core_each(self.upstream.settings.get("device", "cpu")) as cores:
            for computed in in_order(cores, self._compute, given, ahead=cores.number):
                yield from computed

    def _compute(self, batch: Batch) -> list[tuple[int, NDArray[np.float16]]]:
        frames = self.upstream.frames([waveform for _, waveform in batch])
        return [(i, each.to(torch.float16).numpy()) for (i, _), each in zip(batch, frames, strict=True)]


def _write_frames(path: Path, frames: Sequence[NDArray[np.float16]]) -> None:
    # Not np.save: it would need all frames twice, and its error on a full disk does not say that the disk is full.
    header = np.lib.format.header_data_from_array_1_0(frames[0])
    with path.open("wb") as stream:
        np.lib.format.write_array_header_1_0(stream, header | {"shape": (sum(map(len, frames)), *frames[0].shape[1:])})
        for each in frames:
            stream.write(np.ascontiguousarray(each).data)


def precision_deviation(
    manifest: Manifest, extracted: Extracted, exact: Upstream, n_utterances: int = 4
) -> dict[str, float]:
    """How far kept features lie from `exact` (the same upstream in fp32), on the first utterances of a manifest.

    Returns:
        `relative_rms`: root mean square of the difference over that of the exact frames; `cosine`: smallest cosine
        between the mean-pooled vectors of an utterance.

    Raises:
        UpstreamError: no utterance has features.
    """
    chosen = [u for u in manifest if u.id in extracted.kept][:n_utterances]
    if not chosen:
        raise UpstreamError("no utterance has features to compare")
    kept = Frames([extracted.kept[u.id] for u in chosen])
    squares, reference, cosines = 0.0, 0.0, []
    for i, u in enumerate(chosen):
        ours = kept.fetch(np.array([i]))[0].flatten(1)
        theirs = exact.frames([audio.read(u.path, start_s=u.start_s, end_s=u.end_s)])[0].float().flatten(1)
        squares += float((ours - theirs).square().sum())
        reference += float(theirs.square().sum())
        cosines.append(float(torch.cosine_similarity(ours.mean(0), theirs.mean(0), dim=0)))
    return {"relative_rms": (squares / reference) ** 0.5, "cosine": min(cosines)}
