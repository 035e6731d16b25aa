"""Banks of heads: what is not in the store is trained in one pass, and each head is found again by all it depends on.

A head depends on its pool, its course and the settings, not on what was trained beside it (but for rounding, see
`learning.bank`). So another seed, condition or round trains what is new, and runs and studies share the rest.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from time import monotonic
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save

from sottovoce.experiment.place import Place
from sottovoce.learning import bank
from sottovoce.learning.bank import Course
from sottovoce.learning.head import Head
from sottovoce.learning.outputs import CLASSES, Outputs
from sottovoce.recipe import Training
from sottovoce.store.artefacts import Kept, Shelf, key_of
from sottovoce.upstreams.features import Frames
from sottovoce.weights.arithmetic import resolve_precision

HEADS = "heads.safetensors"


class NotTrained(Exception):
    """Raised where a bank would have to be trained and was not to be."""


@dataclass(frozen=True)
class Lesson:
    """A course, and the key under which its head is kept among those of its pool and settings."""

    course: Course
    key: str

    @property
    def id(self) -> str:
        """For who reads the index: the seed, and how much it is about."""
        return f"seed {self.course.seed}, {int(self.course.own.sum())} utterances"


@dataclass(frozen=True)
class Banks:
    """How banks are trained and where they are kept. With `only_kept` none is trained that is not."""

    training: Training
    place: Place
    only_kept: bool = False

    def frames(self, kept: Sequence[Kept]) -> Frames:
        """The frames of a pool, in the precision of the products and within the memory that they may take."""
        dtype = torch.bfloat16 if self._precision == "bf16" else torch.float32
        return Frames(kept, dtype=dtype, memory_bytes=int(self.training.memory_gib * 2**30))

    def heads(
        self,
        kept: Sequence[Kept],
        frames: Frames,
        labels: NDArray[np.float32],
        courses: Sequence[Course],
        on_epoch: Callable[[int], None],
        outputs: Outputs = CLASSES,
    ) -> list[Head]:
        """One head a course: those in the store are found, whatever they were trained beside, the others trained.

        Args:
            kept: where the pool's frames are; what the key is made of.
            frames: those of `kept`, as `frames` gives them.
            labels: the pool's soft labels, or its measures from 0 to 1, `[pool, K]`.
            courses: what each head trains on.
            on_epoch: called with the number of epochs that came to be done.
            outputs: what the heads give.

        Raises:
            NotTrained: with `only_kept`, where the store lacks one of them.
        """
        shelf = self._shelf(kept, labels, outputs)
        lessons = [Lesson(c, key_of(c.seed, c.own.tolist())) for c in courses]
        found = shelf.finished({lesson.key for lesson in lessons})
        missing = list({lesson.key: lesson for lesson in lessons if lesson.key not in found}.values())
        if not missing:
            on_epoch(self.training.epochs)
        elif self.only_kept:
            raise NotTrained
        else:
            self._train(shelf, missing, frames, labels, on_epoch, outputs)
            found = shelf.finished({lesson.key for lesson in lessons})
        files = {file: bank.heads_from_tensors(load_file(file)) for file in {_file(each) for each in found.values()}}
        heads = {key: files[_file(each)][each.row["position"]] for key, each in found.items()}
        return [heads[lesson.key] for lesson in lessons]

    def _shelf(self, kept: Sequence[Kept], labels: NDArray[np.float32], outputs: Outputs) -> Shelf:
        """Of all heads that may be trained on this pool with these settings."""
        settings = self.training.model_dump(include=set(_MATTERS))
        settings |= {"device": torch.device(self.place.device).type, "precision": self._precision}
        settings |= {"outputs": outputs.name, "labels": key_of(labels.tolist())}
        settings |= {"frames": key_of([[k.folder.parent.name, k.row["key"]] for k in kept])}
        return self.place.store.shelf("banks", settings)

    def _train(
        self,
        shelf: Shelf,
        lessons: Sequence[Lesson],
        frames: Frames,
        labels: NDArray[np.float32],
        on_epoch: Callable[[int], None],
        outputs: Outputs,
    ) -> None:
        """All lessons at once, kept as one shard."""
        start = monotonic()
        courses = [lesson.course for lesson in lessons]
        heads = bank.train(
            frames,
            labels,
            courses,
            self.training,
            outputs=outputs,
            device=self.place.device,
            checkpoint=shelf.unfinished(lessons) / "checkpoint.safetensors",
            on_epoch=on_epoch,
        )
        own_frames = sum(int(frames.lengths[c.own].sum()) for c in courses)
        n_operations = operations(own_frames, frames.dimension, self.training)
        self.place.speeds.record(measured_as(frames.n_layers is not None), n_operations / 1e9, monotonic() - start)
        content = save(bank.heads_to_tensors(heads))  # not save_file: its error on a full disk is no OSError

        def write(lessons: Sequence[Lesson], folder: Path) -> list[dict[str, Any]]:
            (folder / HEADS).write_bytes(content)
            return [{"position": i} for i in range(len(lessons))]

        shelf.add(lessons, write)

    @property
    def _precision(self) -> str:
        return resolve_precision(self.training.precision, torch.device(self.place.device))


def operations(n_frames: int, dimension: int, training: Training) -> float:
    """Floating-point operations of training on `n_frames`: one product forward, one back, for every epoch."""
    return 4.0 * n_frames * dimension * training.hidden * training.epochs


def measured_as(mixed: bool) -> str:
    """The stage by which the speed of training is remembered: to fetch and mix all layers takes most of the time."""
    return "training: mix" if mixed else "training"


def _file(kept: Kept) -> Path:
    return kept.file(HEADS)


_MATTERS = ("hidden", "epochs", "batch_size", "learning_rate", "weight_decay")
assert set(_MATTERS) < set(Training.model_fields)
