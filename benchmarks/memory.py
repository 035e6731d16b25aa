"""Peak memory of training and of extraction: bounded by a budget, not by the size of the corpus.

    python benchmarks/memory.py                      # 50,000 utterances of 4 s at d = 512: 10 GB on disk for a while
    python benchmarks/memory.py --utterances 2000    # a quick look

Each measurement runs in a process of its own, since a peak never falls.
"""

from __future__ import annotations

import argparse
import multiprocessing
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from machine import state_machine, table
from sottovoce.learning import bank
from sottovoce.recipe import Training
from sottovoce.speech import audio
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.store.artefacts import Shelf, Store, Task, key_of
from sottovoce.store.shards import SHARD_SIZE, map_shards
from sottovoce.upstreams.features import FRAMES, Frames, extract
from sottovoce.upstreams.loading import load_upstream

N_FRAMES, DIMENSION, N_CLASSES = 200, 512, 4
GIB = 1 << 30


def peak_gib() -> float:
    """The largest resident size this process ever had."""
    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit / GIB


class Noise:
    """A worker that invents features, as many as a real one would compute."""

    def __call__(self, tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
        """See `store.shards.Worker`."""
        rng = np.random.default_rng(int(tasks[0].utterance.id))
        frames = rng.standard_normal((len(tasks) * N_FRAMES, DIMENSION), np.float32).astype(np.float16)
        np.save(folder / FRAMES, frames)
        return [
            {"start": i * N_FRAMES, "n_frames": N_FRAMES, "dimension": DIMENSION, "n_layers": None}
            for i in range(len(tasks))
        ]


def tasks(n: int) -> list[Task]:
    """Tasks without recordings."""
    return [Task(key_of("noise", i), Utterance(str(i), "", "s", "sad")) for i in range(n)]


def invent(shelf: Shelf, n: int) -> float:
    """Write the features of `n` utterances."""
    map_shards(shelf, tasks(n), Noise)
    return peak_gib()


def train(shelf: Shelf, n: int, memory_gib: float) -> float:
    """One epoch of two courses on all of them."""
    found = shelf.finished()
    frames = Frames([found[task.key] for task in tasks(n)], memory_bytes=int(memory_gib * GIB))
    targets = np.eye(N_CLASSES, dtype=np.float32)[np.arange(n) % N_CLASSES]
    courses = [bank.Course(0, np.arange(n) % 5 != fold) for fold in range(2)]
    bank.train(frames, targets, courses, Training(epochs=1))
    return peak_gib()


def sounds(folder: Path, n: int) -> Manifest:
    """Noise of 4 s, a file each."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(n):
        waveform = np.random.default_rng(i).normal(0, 0.1, 4 * audio.RATE_HZ).astype(np.float32)
        audio.write(folder / f"{i}.wav", waveform)
    return Manifest(tuple(Utterance(str(i), str(folder / f"{i}.wav"), "s", "sad") for i in range(n)))


def extraction(folder: Path, n: int) -> float:
    """Log-mel frames of `n` recordings into a fresh store."""
    manifest = sounds(folder / "sounds", n)
    extract(manifest, partial(load_upstream, "logmel"), Store(folder / f"store{n}"))
    return peak_gib()


def alone(work: Callable[..., float], *arguments: Any) -> float:
    """The result of a call in a fresh process."""
    with ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as pool:
        return pool.submit(work, *arguments).result()


def main(n: int, n_sounds: int, memory_gib: float, folder: Path) -> None:
    """Measure and print."""
    state_machine()
    on_disk = 2 * n * N_FRAMES * DIMENSION
    if shutil.disk_usage(folder).free < 1.2 * on_disk:
        print(f"{folder} lacks the {1.2 * on_disk / GIB:.1f} GiB needed; choose another --folder.")
        sys.exit(1)
    shelf = Store(folder).shelf("features", {"invented": True})
    baseline = alone(peak_gib)
    rows: list[list[object]] = [["nothing but the imports", "", "", baseline]]
    written = alone(invent, shelf, n)
    rows.append([f"writing features in shards of {SHARD_SIZE}", n, on_disk / GIB, written])
    rows.append(
        [
            f"training, budget {memory_gib:g} GiB, 2 courses, 1 epoch",
            n,
            on_disk / GIB,
            alone(train, shelf, n, memory_gib),
        ]
    )
    for count in (n_sounds, 4 * n_sounds):
        rows.append(["extraction, logmel", count, "", alone(extraction, folder, count)])
    table("Peak resident memory", ["", "utterances", "features, fp16, GiB", "peak, GiB"], rows)


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--utterances", type=int, default=50_000)
    parser.add_argument("--sounds", type=int, default=256, help="recordings to extract; then four times as many")
    parser.add_argument("--memory-gib", type=float, default=2.0, help="frames held in memory; more stay on disk")
    parser.add_argument("--folder", type=Path, default=None, help="where the features are written, then removed")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=arguments.folder) as temporary:
        main(arguments.utterances, arguments.sounds, arguments.memory_gib, Path(temporary))
