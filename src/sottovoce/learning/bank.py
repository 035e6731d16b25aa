"""Many heads trained at once: all folds and seeds, and all conditions of a round, in one pass over the frames.

Each head follows a `Course`: its seed, and which utterances of the pool are its own. In every epoch the pool is
shuffled by the course's seed and cut into as many slices as the course's own utterances fill batches; a batch is
what is its own of one slice. A head therefore depends on the pool, its course and the settings, and on nothing else
in the bank: alone or among others it is trained on the same batches, to the same weights up to rounding.

Courses with equal seeds and equally many batches (the folds of one seed, as a rule) meet the same slices. Their
frames are fetched once, and one wide matrix product serves them all; an utterance that is not a course's own has
weight zero in its loss. Where courses share little (each selected for itself), each multiplies its own frames only.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.torch import save

from sottovoce.learning.head import Head, mix_layers, pooled_hidden
from sottovoce.learning.outputs import CLASSES, Outputs
from sottovoce.recipe import Training
from sottovoce.store.atomic import write_atomically
from sottovoce.store.memory import give_back_freed_memory, keep_freed_memory
from sottovoce.upstreams.features import Frames
from sottovoce.weights.arithmetic import one_core_each

_log = logging.getLogger(__name__)

OVERHEAD, FETCH = 1e8, {torch.float32: 150.0, torch.bfloat16: 300.0}
"""What a separate product costs beside its arithmetic, in operations that take as long: once, and for each number of
the frames that it fetches for itself. Courses share a product where the zeros in it cost less than separate ones."""


@dataclass(frozen=True)
class Course:
    """How one head is trained: `own` marks its utterances, bool `[pool]`."""

    seed: int
    own: NDArray[np.bool_]

    def n_batches(self, batch_size: int) -> int:
        """Batches an epoch: own utterances over batch size, rounded, at least one."""
        return max(1, round(int(self.own.sum()) / batch_size))


def slices(pool_size: int, n_slices: int, seed: int, epoch: int) -> list[NDArray[np.int64]]:
    """The pool in the order of one epoch, cut into `n_slices` nearly equal parts (positions in the pool)."""
    order = np.random.default_rng([seed, epoch]).permutation(pool_size)
    return np.array_split(order, n_slices)


def train(
    frames: Frames,
    targets: NDArray[np.float32],
    courses: Sequence[Course],
    settings: Training,
    *,
    outputs: Outputs = CLASSES,
    device: str = "cpu",
    checkpoint: Path | None = None,
    on_epoch: Callable[[int], None] = lambda n: None,
) -> list[Head]:
    """Train a head for each course with AdamW for a fixed number of epochs.

    Args:
        frames: the pool's frames, ragged.
        targets: the pool's soft labels (or measures from 0 to 1), `[pool, K]`.
        courses: what each head trains on.
        settings: hidden size, epochs, batch size, learning rate, weight decay.
        outputs: what the heads give: it has the loss.
        device: where the matrix products run.
        checkpoint: a file to continue from and to write after each epoch; removed by the caller.
        on_epoch: called with the number of epochs that came to be done.

    Returns:
        One head a course, on the CPU.
    """
    keep_freed_memory()
    heads = [_trainable(frames, targets.shape[1], course, settings, device) for course in courses]
    parameters = [tensor for head in heads for tensor in head.tensors().values()]
    optimiser = torch.optim.AdamW(parameters, lr=settings.learning_rate, weight_decay=settings.weight_decay, fused=True)
    done = _resume(checkpoint, parameters, optimiser)
    on_epoch(done)
    y = torch.from_numpy(targets).to(device)

    def learn(part: Part) -> None:
        _loss(frames, y, courses, heads, outputs, *part, device).backward()

    with one_core_each(device) as cores:
        for epoch in range(done, settings.epochs):
            for step in _steps(courses, settings, frames, epoch, cores.number):
                optimiser.zero_grad(set_to_none=True)  # AdamW leaves a head alone that has no batch in this step
                for _ in cores.map(learn, _divided(step, cores.number)):
                    pass
                optimiser.step()
            give_back_freed_memory()
            if checkpoint is not None and epoch + 1 < settings.epochs:
                _keep(checkpoint, parameters, optimiser, epoch + 1)
            on_epoch(1)
    return [head.to("cpu") for head in heads]


def predict(
    frames: Frames,
    rows: NDArray[np.int64],
    heads: Sequence[Head],
    *,
    outputs: Outputs = CLASSES,
    device: str = "cpu",
    budget: int = 8192,
) -> NDArray[np.float64]:
    """What every head says of the pool's utterances at `rows`, such as class probabilities: `[head, utterance, K]`.

    Frames are fetched once for all heads, about `budget` of them at a time.
    """
    heads = [head.to(device) for head in heads]
    made: list[NDArray[np.float64]] = []
    with torch.inference_mode():
        for part in _within(frames.lengths[rows], budget):
            made.append(outputs.said(_logits(frames, rows[part], heads, device).double()).cpu().numpy())
    if not made:
        return np.zeros((len(heads), 0, heads[0].b2.numel() if heads else 0))
    return np.concatenate(made, axis=1)


Part = tuple[list[int], NDArray[np.int64]]
"""Courses (their numbers) that share a product, and the pool positions whose frames they are computed on."""

Step = list[Part]


def _divided(step: Step, n_cores: int) -> Step:
    """The same work in parts that keep `n_cores` cores equally busy."""
    return [(group[i::n_cores], rows) for group, rows in step for i in range(min(n_cores, len(group)))]


def _steps(courses: Sequence[Course], settings: Training, frames: Frames, epoch: int, n_cores: int = 1) -> list[Step]:
    plans: dict[tuple[int, int], list[int]] = defaultdict(list)
    for number, course in enumerate(courses):
        plans[course.seed, course.n_batches(settings.batch_size)].append(number)
    steps: list[Step] = [[] for _ in range(max(n for _, n in plans))]
    product = 4.0 * frames.dimension * settings.hidden  # of one frame, forth and back
    fetch = FETCH[frames.dtype] * frames.dimension * (frames.n_layers or 1)

    def shared(own: NDArray[np.bool_], lengths: NDArray[np.int64]) -> bool:
        """Whether courses with these utterances had better share: on each core, which computes a part of them."""
        n_courses, n_parts = len(own), min(len(own), n_cores)
        n_own, n_union = int((own @ lengths).sum()), int(lengths[own.any(axis=0)].sum())
        saved = (n_courses - n_parts) * OVERHEAD + max(n_own - n_parts * n_union, 0) * fetch
        return (n_courses * n_union - n_own) * product <= saved

    for (seed, n_slices), numbers in plans.items():
        for step, rows in zip(steps, slices(len(frames), n_slices, seed, epoch), strict=False):
            own = np.stack([courses[n].own[rows] for n in numbers])
            busy = np.flatnonzero(own.any(axis=1))
            if shared(own[busy], frames.lengths[rows]):
                step.append(([numbers[i] for i in busy], rows[own.any(axis=0)]))
            else:
                step.extend(([numbers[i]], rows[own[i]]) for i in busy)
    return steps


def _loss(
    frames: Frames,
    y: torch.Tensor,
    courses: Sequence[Course],
    heads: Sequence[Head],
    outputs: Outputs,
    group: list[int],
    rows: NDArray[np.int64],
    device: str,
) -> torch.Tensor:
    logits = _logits(frames, rows, [heads[n] for n in group], device)
    own = torch.from_numpy(np.stack([courses[n].own[rows] for n in group])).to(device)
    return outputs.loss(logits, y[torch.from_numpy(rows)], own.float()).sum()


def _logits(frames: Frames, rows: NDArray[np.int64], heads: Sequence[Head], device: str) -> torch.Tensor:
    """Logits `[head, row, K]`, the hidden layers of all heads in one matrix product."""
    X, lengths = frames.fetch(rows)
    X = X.to(device)
    mixes = [h.mix for h in heads if h.mix is not None]
    if mixes:  # each head mixes the layers in its own way: the hidden layers share no product, the mixing does
        mixed = mix_layers(X, torch.stack(mixes)).unbind()
        pooled = torch.stack([pooled_hidden(m, h.w1, h.b1, lengths) for m, h in zip(mixed, heads, strict=True)])
    else:
        wide = pooled_hidden(X, torch.cat([h.w1 for h in heads], 1), torch.cat([h.b1 for h in heads]), lengths)
        pooled = wide.view(len(rows), len(heads), -1).transpose(0, 1)
    return torch.baddbmm(torch.stack([h.b2 for h in heads])[:, None], pooled, torch.stack([h.w2 for h in heads]))


def _within(lengths: NDArray[np.int64], budget: int) -> list[slice]:
    """Consecutive runs of utterances with at most `budget` frames each, or one utterance."""
    runs, start, total = [], 0, 0
    for position, length in enumerate(lengths):
        if total and total + length > budget:
            runs.append(slice(start, position))
            start, total = position, 0
        total += int(length)
    return [*runs, slice(start, len(lengths))] if len(lengths) else []


def _trainable(frames: Frames, n_classes: int, course: Course, settings: Training, device: str) -> Head:
    head = Head.fresh(frames.dimension, settings.hidden, n_classes, frames.n_layers, course.seed).to(device)
    for tensor in head.tensors().values():
        tensor.requires_grad_(True)
    return head


def _keep(path: Path, parameters: list[torch.Tensor], optimiser: torch.optim.Optimizer, epochs: int) -> None:
    state = {f"{i}.weight": p.detach().contiguous() for i, p in enumerate(parameters)}
    for i, p in enumerate(parameters):
        state |= {f"{i}.{name}": torch.as_tensor(t).contiguous() for name, t in optimiser.state.get(p, {}).items()}
    # Not save_file: its error on a full disk is no OSError.
    content = save(state, metadata={"epochs": str(epochs)})
    write_atomically(path, lambda partial: partial.write_bytes(content))


def _resume(path: Path | None, parameters: list[torch.Tensor], optimiser: torch.optim.Optimizer) -> int:
    if path is None or not path.exists():
        return 0
    try:
        with safe_open(path, "pt") as opened:
            epochs = int(opened.metadata()["epochs"])
            state = {name: opened.get_tensor(name) for name in opened.keys()}  # noqa: SIM118  it is no mapping
    except (OSError, SafetensorError) as problem:
        _log.warning("checkpoint %s is damaged (%s): training starts again", path, problem)
        return 0
    with torch.no_grad():
        for i, p in enumerate(parameters):
            p.copy_(state[f"{i}.weight"])
            names = ("step", "exp_avg", "exp_avg_sq")
            if f"{i}.step" in state:
                optimiser.state[p] = {n: state[f"{i}.{n}"].to(p.device) for n in names}
    return epochs


def heads_to_tensors(heads: Sequence[Head]) -> dict[str, torch.Tensor]:
    """All heads' weights under `<number>.<name>`, for one safetensors file."""
    return {f"{i}.{name}": t.contiguous() for i, head in enumerate(heads) for name, t in head.tensors().items()}


def heads_from_tensors(tensors: dict[str, torch.Tensor]) -> list[Head]:
    """The inverse of `heads_to_tensors`."""
    count = 1 + max(int(name.partition(".")[0]) for name in tensors)
    names = [f.name for f in fields(Head)]
    return [Head(**{n: tensors[f"{i}.{n}"] for n in names if f"{i}.{n}" in tensors}) for i in range(count)]
