"""What a model says of any number of recordings: resumable, in any number of processes, in bounded memory."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sottovoce.experiment.place import Place
from sottovoce.speech.audio import RATE_HZ
from sottovoce.speech.utterance import Utterance
from sottovoce.store.artefacts import Kept, Task
from sottovoce.store.shards import WorkerMaker, map_shards
from sottovoce.upstreams.sounds import batches
from sottovoce.use.answering import Model
from sottovoce.use.model import load
from sottovoce.use.recordings import Recording

METHOD = 1
"""Raised with every change of the code that changes predictions: it is part of the key of what is kept."""

CHUNK = 16_384
"""Recordings that are looked up together: memory grows with this, not with their number."""


@dataclass(frozen=True)
class Said:
    """What the model says of one recording: probabilities `[K]`, or why it says nothing."""

    recording: Recording
    start_s: float
    end_s: float | None
    probabilities: NDArray[np.float64] | None
    error: str | None


def predict(
    model: Model,
    folder: Path,
    recordings: Sequence[Recording],
    place: Place,
    weights: str | None = None,
    on_done: Callable[[int], None] = lambda n: None,
) -> Iterator[Said]:
    """Predict every recording that the store does not hold yet, and give all in order.

    Args:
        model: loaded, for this process; others load it from `folder`, with `weights` (see `use.model.load`).
        folder: see above.
        recordings: what to listen to.
        place: store, executor and device.
        weights: see above.
        on_done: called with the number of recordings that came to be done.

    Raises:
        StoreError: the disk is full, a worker process died, or a URI does not answer.
    """
    settings = {"method": METHOD, "model": model.digest, **model.upstream.settings}
    shelf = place.store.shelf("predictions", settings)
    # other processes load the model for themselves; in this one it is loaded already
    elsewhere = WorkerMaker(PredictionWorker, partial(load, folder.absolute(), device=place.device, weights=weights))
    make_worker = (lambda: PredictionWorker(model)) if place.execution.executor == "serial" else elsewhere
    for start in range(0, len(recordings), CHUNK):
        chunk = recordings[start : start + CHUNK]
        tasks = place.store.tasks([_utterance(i, each) for i, each in enumerate(chunk)])
        done = map_shards(shelf, tasks, make_worker, place.execution, on_done)
        for recording, task in zip(chunk, tasks, strict=True):
            if task.key in done:  # else it is another slice's
                yield _said(recording, done[task.key])


class PredictionWorker:
    """Predicts a shard in batches of like length, while threads read the sounds to come."""

    def __init__(self, model: Model) -> None:
        self.model = model

    def __call__(self, tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
        """See `store.shards.Worker`. Each row holds `seconds` and `probabilities`; there are no files beside it."""
        rows: list[dict[str, Any]] = [{} for _ in tasks]
        for batch, said in self.model.answers(batches(self.model.upstream, tasks, rows)):
            for (position, waveform), probabilities in zip(batch, said, strict=True):
                if np.isfinite(probabilities).all():
                    rows[position] |= {"seconds": waveform.size / RATE_HZ, "probabilities": probabilities.tolist()}
                else:
                    rows[position]["error"] = "the upstream's features of it are not finite"
        return rows


def _utterance(number: int, recording: Recording) -> Utterance:
    return Utterance(str(number), recording.path, "", "", start_s=recording.start_s, end_s=recording.end_s)


def _said(recording: Recording, kept: Kept) -> Said:
    start_s = recording.start_s or 0.0
    if kept.error is not None:
        return Said(recording, start_s, recording.end_s, None, kept.error)
    probabilities = np.array(kept.row["probabilities"])
    return Said(recording, start_s, start_s + kept.row["seconds"], probabilities, None)
