"""Small pools of ragged frames in a store of their own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from sottovoce.speech.manifest import Utterance
from sottovoce.store.artefacts import Kept, Store, Task, key_of
from sottovoce.upstreams.features import FRAMES, Frames


def kept_frames(root: Path, arrays: Sequence[NDArray[np.floating]]) -> list[Kept]:
    """Put `[T, d]` or `[T, L, d]` arrays on a shelf as `extract` would: other frames have other keys."""
    tasks = [
        Task(key_of(i, array.tolist()), Utterance(str(i), "nowhere.wav", "s", "sad")) for i, array in enumerate(arrays)
    ]

    def work(_: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
        np.save(folder / FRAMES, np.concatenate(arrays).astype(np.float16))
        starts = np.cumsum([0, *map(len, arrays)])
        layers = arrays[0].shape[1] if arrays[0].ndim == 3 else None
        return [
            {"start": int(s), "n_frames": len(a), "dimension": a.shape[-1], "n_layers": layers}
            for s, a in zip(starts, arrays, strict=False)
        ]

    shelf = Store(root).shelf("features", {})
    shelf.add(tasks, work)
    finished = shelf.finished()
    return [finished[task.key] for task in tasks]


def toy(n: int, d: int = 12, n_classes: int = 3, n_layers: int | None = None, apart: float = 1.0, seed: int = 0):
    """Frames around one centre a class (in the last layer alone, where there are layers), and the classes."""
    rng = np.random.default_rng(seed)
    classes = rng.permutation(np.arange(n) % n_classes)
    centres = rng.normal(size=(n_classes, d)) * apart
    arrays = []
    for c in classes:
        shape = (int(rng.integers(3, 40)), d) if n_layers is None else (int(rng.integers(3, 40)), n_layers, d)
        frames = rng.normal(size=shape)
        frames[..., -1, :] += centres[c] if n_layers is not None else 0.0
        arrays.append(frames if n_layers is not None else frames + centres[c])
    return arrays, classes


def pool(root: Path, n: int = 60, *, dtype: torch.dtype = torch.float32, **settings: Any):
    """Frames and soft targets of a toy problem: `Frames`, `[n, K]` float32, classes `[n]`."""
    arrays, classes = toy(n, **settings)
    n_classes = int(classes.max()) + 1
    targets = (0.95 * np.eye(n_classes)[classes] + 0.05 / n_classes).astype(np.float32)
    return Frames(kept_frames(root, arrays), dtype=dtype), targets, classes
