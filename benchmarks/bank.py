"""All folds and seeds in one pass, against the field's way: each fold and seed by itself on padded batches.

    python benchmarks/bank.py            # with SOTTOVOCE_DATA and SOTTOVOCE_WEIGHTS: on EMOVO's Whisper-base features

Both sides train the same heads (Linear 256, ReLU, mean over frames, Linear), leaving one speaker out, three seeds,
with the settings of EmoBox's published recipe `examples/sb`: batches of 32, learning rate 1e-4, 20 epochs. Theirs: a
torch Module, Adam, fp32, once reading a .npy file an utterance as EmoBox does, once with all features in memory.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import balanced_accuracy_score
from torch import nn

from machine import device, gflops, state_machine, table, timed
from material import Pool, features
from sottovoce.learning import bank
from sottovoce.learning.bank import Course
from sottovoce.recipe import Training
from sottovoce.store.artefacts import Store
from sottovoce.upstreams.features import Frames
from sottovoce.weights.arithmetic import resolve_precision

HIDDEN, BATCH, RATE = 256, 32, 1e-4
DTYPES = {"fp32": torch.float32, "bf16": torch.bfloat16}


class PaddedHead(nn.Module):
    """The head as the field writes it, on padded batches with a mask."""

    def __init__(self, dimension: int, n_classes: int) -> None:
        super().__init__()
        self.before, self.after = nn.Linear(dimension, HIDDEN), nn.Linear(HIDDEN, n_classes)

    def forward(self, X: torch.Tensor, lengths: torch.Tensor) -> torch.Tensor:
        """X `[B, T, d]` zero-padded, lengths `[B]` -> logits `[B, K]`."""
        mask = (torch.arange(X.shape[1], device=X.device) < lengths[:, None])[..., None]
        pooled = (torch.relu(self.before(X)) * mask).sum(1) / lengths[:, None]
        return self.after(pooled)


Batch = tuple[torch.Tensor, torch.Tensor]
Load = Callable[[int], torch.Tensor]


def padded(rows: NDArray[np.int64], load: Load) -> Batch:
    """The utterances at `rows` as one zero-padded matrix `[B, T, d]`, and their lengths."""
    frames = [load(int(i)) for i in rows]
    X = nn.utils.rnn.pad_sequence(frames, batch_first=True)
    return X.to(device()), torch.tensor([len(f) for f in frames], device=device())


def batches(rows: NDArray[np.int64]) -> Iterator[NDArray[np.int64]]:
    """Consecutive rows, a batch at a time."""
    for start in range(0, len(rows), BATCH):
        yield rows[start : start + BATCH]


def train_their_way(
    load: Load, classes: NDArray[np.int64], own: NDArray[np.bool_], seed: int, epochs: int
) -> nn.Module:
    """One fold and seed by itself."""
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)
    head = PaddedHead(load(0).shape[1], int(classes.max()) + 1).to(device())
    optimiser = torch.optim.Adam(head.parameters(), lr=RATE)
    y = torch.from_numpy(classes).to(device())
    for _ in range(epochs):
        for rows in batches(rng.permutation(np.flatnonzero(own))):
            X, lengths = padded(rows, load)
            optimiser.zero_grad()
            nn.functional.cross_entropy(head(X, lengths), y[rows]).backward()
            optimiser.step()
    return head


def predict_their_way(head: nn.Module, load: Load, rows: NDArray[np.int64]) -> NDArray[np.int64]:
    """Predicted classes at `rows`."""
    with torch.inference_mode():
        return np.concatenate([head(*padded(part, load)).argmax(1).cpu().numpy() for part in batches(rows)])


def ua(pool: Pool, courses: list[Course], predict: Callable[[int, NDArray[np.int64]], NDArray[np.int64]]) -> float:
    """Unweighted accuracy over the held-out speakers of all folds together, mean over seeds."""
    scores = []
    for seed in {course.seed: None for course in courses}:
        found = np.full(len(pool.classes), -1)
        for number, course in enumerate(courses):
            if course.seed == seed:
                rows = np.flatnonzero(~course.own)
                found[rows] = predict(number, rows)
        scores.append(balanced_accuracy_score(pool.classes, found))
    return float(np.mean(scores))


def operations(frames: Frames, courses: list[Course], settings: Training) -> tuple[float, float]:
    """Operations (1e9) in the matrix products over frames, theirs and ours: one product forward, one backward."""
    lengths = frames.lengths
    one = 4e-9 * frames.dimension * HIDDEN
    theirs = ours = 0
    for course in courses:
        rng = np.random.default_rng(course.seed)
        for _ in range(settings.epochs):
            order = rng.permutation(np.flatnonzero(course.own))
            theirs += sum(len(rows) * lengths[rows].max() for rows in batches(order))
    for epoch in range(settings.epochs):
        for step in bank._steps(courses, settings, frames, epoch):
            ours += sum(len(group) * lengths[rows].sum() for group, rows in step)
    return one * theirs, one * ours


def main(epochs: int, seeds: int, n_invented: int, folder: Path) -> None:
    """Run both sides and print the tables."""
    state_machine()
    pool = features(Store(folder), n_invented)
    names = sorted(set(pool.speakers))
    courses = [Course(seed, pool.speakers != name) for seed in range(seeds) for name in names]
    arithmetic = resolve_precision("auto", device())
    held = Frames(pool.kept, dtype=DTYPES[arithmetic])
    exact = Frames(pool.kept)
    print(
        f"{pool.origin}: {len(held)} utterances, {len(names)} folds x {seeds} seeds, {epochs} epochs, "
        f"{int(held.lengths.sum())} frames of {held.dimension}"
    )

    arrays = [exact.fetch(np.array([i]))[0] for i in range(len(exact))]
    for i, array in enumerate(arrays):
        np.save(folder / f"{i}.npy", array.numpy())
    loads: dict[str, Load] = {
        "theirs, a .npy file an utterance": lambda i: torch.from_numpy(np.load(folder / f"{i}.npy")),
        "theirs, features in memory": arrays.__getitem__,
    }
    results: dict[str, tuple[float, float]] = {}
    for name, load in loads.items():
        heads: list[nn.Module] = []
        seconds = timed(
            lambda load=load, heads=heads: heads.extend(
                train_their_way(load, pool.classes, c.own, c.seed, epochs) for c in courses
            )
        )
        results[name] = seconds, ua(pool, courses, lambda n, r, h=heads, g=load: predict_their_way(h[n], g, r))

    settings = Training(hidden=HIDDEN, epochs=epochs, batch_size=BATCH, learning_rate=RATE)
    targets = np.eye(int(pool.classes.max()) + 1, dtype=np.float32)[pool.classes]
    ours: list[bank.Head] = []
    seconds = timed(lambda: ours.extend(bank.train(held, targets, courses, settings, device=device().type)))
    predicted = bank.predict(held, np.arange(len(held)), ours, device=device().type).argmax(-1)
    results[f"ours, one pass, {arithmetic}"] = seconds, ua(pool, courses, lambda n, r: predicted[n, r])
    table(
        "Training all heads",
        ["", "seconds", "ours is faster by", "UA"],
        [[name, s, f"{s / seconds:.1f} x", f"{score:.3f}"] for name, (s, score) in results.items()],
    )
    bounds(held, courses, settings, arithmetic, seconds)


def bounds(frames: Frames, courses: list[Course], settings: Training, arithmetic: str, seconds: float) -> None:
    """Print what the arithmetic alone would allow."""
    theirs, ours = operations(frames, courses, settings)
    dimension, per_seed = frames.dimension, len({c.own.tobytes() for c in courses})
    narrow = gflops(BATCH * 200, dimension, HIDDEN, torch.float32)
    wide = {name: gflops(BATCH * 200, dimension, HIDDEN * per_seed, dtype) for name, dtype in DTYPES.items()}
    rows: list[list[object]] = [["theirs", "fp32", theirs, narrow, theirs / narrow, ""]]
    for name, rate in wide.items():
        rows.append(["ours", name, ours, rate, ours / rate, f"{theirs / narrow / (ours / rate):.1f} x"])
    table(
        "What the matrix products alone would take, at the rates measured now",
        ["", "", "1e9 operations", "1e9 a second", "seconds", "bound on the ratio"],
        rows,
    )
    share = ours / wide[arithmetic] / seconds
    print(f"Ours spent {share:.0%} of its time in matrix products, if they ran at the rate measured alone.")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=20)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--utterances", type=int, default=336, help="how many to invent where there is no EMOVO")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        main(arguments.epochs, arguments.seeds, arguments.utterances, Path(temporary))
