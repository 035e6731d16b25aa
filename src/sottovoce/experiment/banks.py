"""Banks of heads, trained once: each is kept in the store under everything it depends on, and found there again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

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
from sottovoce.store.artefacts import Kept, key_of
from sottovoce.upstreams.features import Frames
from sottovoce.weights.arithmetic import resolve_precision


class NotTrained(Exception):
    """Raised where a bank would have to be trained and was not to be."""


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
        """Train one head a course, or find them in the store.

        Args:
            kept: where the pool's frames are; what the key is made of.
            frames: those of `kept`, as `frames` gives them.
            labels: the pool's soft labels, or its measures from 0 to 1, `[pool, K]`.
            courses: what each head trains on.
            on_epoch: called with the number of epochs that came to be done.
            outputs: what the heads give.

        Raises:
            NotTrained: with `only_kept`, where the store does not hold them.
        """
        settings = self.training.model_dump(include=set(_MATTERS))
        settings |= {"device": torch.device(self.place.device).type, "precision": self._precision}
        if outputs != CLASSES:  # what was kept before there were others has no such setting
            settings["outputs"] = outputs.name
        pool = [[k.folder.parent.name, k.row["key"]] for k in kept] + [key_of(labels.tolist())]
        names = [(c.seed, key_of(c.own.tolist())) for c in courses]
        different = dict(zip(names, courses, strict=True))  # courses that are alike are trained once
        place = self.place.store.single("banks", key_of(settings, pool, [list(name) for name in different]))

        def of_courses(trained: list[Head]) -> list[Head]:
            by_name = dict(zip(different, trained, strict=True))
            return [by_name[name] for name in names]

        if (found := place.find()) is not None:
            on_epoch(self.training.epochs)
            return of_courses(bank.heads_from_tensors(load_file(found / "heads.safetensors")))
        if self.only_kept:
            raise NotTrained
        start = monotonic()
        heads = bank.train(
            frames,
            labels,
            list(different.values()),
            self.training,
            outputs=outputs,
            device=self.place.device,
            checkpoint=place.unfinished / "checkpoint.safetensors",
            on_epoch=on_epoch,
        )
        own_frames = sum(int(frames.lengths[c.own].sum()) for c in different.values())
        units = operations(own_frames, frames.dimension, self.training) / 1e9
        self.place.speeds.record("training", units, monotonic() - start)
        content = save(bank.heads_to_tensors(heads))  # not save_file: its error on a full disk is no OSError
        place.keep(lambda folder: (folder / "heads.safetensors").write_bytes(content))
        return of_courses(heads)

    @property
    def _precision(self) -> str:
        return resolve_precision(self.training.precision, torch.device(self.place.device))


def operations(n_frames: int, dimension: int, training: Training) -> float:
    """Floating-point operations of training on `n_frames`: one product forward, one back, for every epoch."""
    return 4.0 * n_frames * dimension * training.hidden * training.epochs


_MATTERS = ("hidden", "epochs", "batch_size", "learning_rate", "weight_decay")
assert set(_MATTERS) < set(Training.model_fields)
