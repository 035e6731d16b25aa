"""The second half of a run: training every condition, round by round, and asking every model about its test part.

An *arm* is what may be added to the target's training part: nothing, the translated source (`D_syn`), the source as
it is, or altered copies of the part itself. A *trainee* is one fold with one seed; the last trainee has no test part
and becomes the model of the run.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields
from types import MappingProxyType
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sottovoce.experiment.banks import Banks
from sottovoce.experiment.inputs import Inputs
from sottovoce.experiment.place import Place
from sottovoce.experiment.task import Side, Task, task_of
from sottovoce.judging.splits import Fold
from sottovoce.learning import bank
from sottovoce.learning.bank import Course
from sottovoce.learning.bootstrapping import Selected, SelectedByError
from sottovoce.learning.head import Head
from sottovoce.recipe import Recipe
from sottovoce.speech.manifest import Manifest, Utterance
from sottovoce.store.artefacts import Kept
from sottovoce.store.progress import Progress
from sottovoce.upstreams.features import Extracted, Frames

Named = tuple[str, int]
"""A condition and its round."""


@dataclass(frozen=True)
class Trainee:
    """One fold with one seed; `fold` is None for the model of the run, which trains on every target speaker."""

    fold: Fold | None
    seed: int


@dataclass(frozen=True)
class Arm:
    """A pool: the target's utterances first, then those that may be added.

    `origins` are the target's utterances that an added one was made from, by its id.
    """

    name: str
    everything: str | None
    selected: str | None
    target: tuple[Utterance, ...]
    added: tuple[Utterance, ...]
    kept: tuple[Kept, ...]
    labels: NDArray[np.float32]
    origins: Mapping[str, frozenset[str]]


@dataclass
class Outcome:
    """What training gave: predictions, selections, numbers of added utterances, and the heads of the run's model.

    `weights` are those of `adaptive`, as it says.
    """

    predictions: list[pa.Table] = field(default_factory=list)
    selections: list[pa.Table] = field(default_factory=list)
    n_selected: dict[Named, list[float]] = field(default_factory=lambda: defaultdict(list))
    models: dict[Named, Head] = field(default_factory=dict)
    model_kept: dict[Named, list[str]] = field(default_factory=dict)
    weights: list[dict[str, Any]] = field(default_factory=list)


def train_arms(
    recipe: Recipe,
    inputs: Inputs,
    trainees: list[Trainee],
    place: Place,
    progress: Progress,
    *,
    title: str = "training",
    only_kept: bool = False,
) -> Outcome:
    """Train every arm of the recipe for each trainee; nothing here sees a test utterance's label.

    Raises:
        NotTrained: with `only_kept`, at the first bank that the store does not hold.
    """
    outcome = Outcome()
    banks, task = Banks(recipe.training, place, only_kept), task_of(recipe)
    work = _Work(recipe, inputs, banks, trainees, outcome, task)
    arms = arms_of(recipe, inputs)
    total = sum(work.n_banks(arm) for arm in arms) * recipe.training.epochs
    with progress.stage(title, total) as done:
        first = work.train_target(arms[0], done)
        for arm in arms[1:]:
            work.train_arm(arm, first, done)
    return outcome


def arms_of(recipe: Recipe, inputs: Inputs) -> list[Arm]:
    """The arms that the recipe's conditions need; the target's own is the first."""
    wanted, task = set(recipe.conditions), task_of(recipe)

    def arm(
        name: str,
        everything: str | None,
        selected: str | None,
        added: Manifest,
        found: Extracted | None,
        origins: Mapping[str, frozenset[str]] = MappingProxyType({}),
        side: Side = "source",
    ) -> Arm:
        target = inputs.target.manifest.utterances
        kept = [inputs.features["target"].kept[u.id] for u in target]
        kept += [found.kept[u.id] for u in added] if found is not None else []
        labels = [task.labels(target, "target"), *([task.labels(added.utterances, side)] if len(added) else [])]
        named = [name for name in (everything, selected) if name in wanted]
        return Arm(
            name,
            everything if everything in named else None,
            selected if selected in named else None,
            target,
            added.utterances,
            tuple(kept),
            np.concatenate(labels),
            origins,
        )

    arms = [arm("target", None, None, Manifest(()), None)]
    if "translated" in inputs.features:
        translated = inputs.translated
        arms.append(arm("translated", "all-synthetic", "bootstrapped", translated, inputs.features["translated"]))
    if wanted & {"untranslated", "untranslated-selected"}:
        source = inputs.source.manifest
        arms.append(arm("source", "untranslated", "untranslated-selected", source, inputs.features["source"]))
    for kind, made in inputs.copied.items():
        arms.append(arm(kind, kind, None, made.manifest, inputs.features[kind], made.origins, "target"))
    return arms[:1] + [arm for arm in arms[1:] if arm.everything or arm.selected]


@dataclass
class _Work:
    recipe: Recipe
    inputs: Inputs
    banks: Banks
    trainees: list[Trainee]
    outcome: Outcome
    task: Task

    def n_banks(self, arm: Arm) -> int:
        """How many banks the arm trains."""
        return self.recipe.selection.rounds if arm.selected else 1

    def train_target(self, arm: Arm, done: Callable[[int], None]) -> list[Head]:
        """`M_0`: the target's training part alone."""
        frames = self.banks.frames(arm.kept)
        courses = [self.course(arm, t, np.zeros(0, bool)) for t in self.trainees]
        heads = self.bank(arm, frames, courses, done)
        self.record("target-only", 0, arm, frames, heads, [np.zeros(0, bool)] * len(heads))
        return heads

    def train_arm(self, arm: Arm, first: list[Head], done: Callable[[int], None]) -> None:
        """All of the arm, and its selection round by round from `M_0` (arXiv 2409.10985, eq. 1)."""
        frames = self.banks.frames(arm.kept)
        admitted = [self.admitted(arm, t) for t in self.trainees]
        plain = [self.course(arm, t, among) for t, among in zip(self.trainees, admitted, strict=True)]
        heads, n = first, len(plain)
        for number in range(1, self.n_banks(arm) + 1):
            extra = plain if number == 1 and arm.everything else []
            chosen: list[Selected | SelectedByError] = []
            if arm.selected:
                chosen = self.choose(arm, frames, heads, admitted)
                self.record_selection(arm.selected, number, arm, chosen)
            courses = [self.course(arm, t, c.kept) for t, c in zip(self.trainees, chosen, strict=False)]
            trained = self.bank(arm, frames, extra + courses, done)
            if extra and arm.everything:
                self.record(arm.everything, 0, arm, frames, trained[:n], admitted)
            if arm.selected:
                heads = trained[len(extra) :]
                self.record(arm.selected, number, arm, frames, heads, [c.kept for c in chosen])

    def course(self, arm: Arm, trainee: Trainee, added: NDArray[np.bool_]) -> Course:
        """The fold's training part of the target with the chosen ones of the arm."""
        train = None if trainee.fold is None else set(trainee.fold.train)
        own = [train is None or u.id in train for u in arm.target]
        return Course(trainee.seed, np.concatenate([np.array(own, bool), added]))

    def admitted(self, arm: Arm, trainee: Trainee) -> NDArray[np.bool_]:
        """Which of the arm's utterances may train here: copies of what trains, others by their speaker."""
        plan, fold = self.inputs.plan, trainee.fold
        if fold is None:
            return np.ones(len(arm.added), bool)
        train = frozenset(fold.train)
        made_of = [arm.origins.get(u.id) for u in arm.added]
        pairs = zip(arm.added, made_of, strict=True)
        return np.array([plan.admits(fold, u) if origins is None else origins <= train for u, origins in pairs], bool)

    def choose(
        self, arm: Arm, frames: Frames, heads: Sequence[Head], admitted: Sequence[NDArray[np.bool_]]
    ) -> list[Selected | SelectedByError]:
        """Each model's selection from the whole of `D_syn`."""
        rows = np.arange(len(arm.target), len(frames))
        said, labels = self.said(frames, rows, heads), arm.labels[rows]
        by = self.task.criterion(self.inputs.source.manifest)
        return [self.task.select(each, labels, by, among) for each, among in zip(said, admitted, strict=True)]

    def said(self, frames: Frames, rows: NDArray[np.int64], heads: Sequence[Head]) -> NDArray[np.float64]:
        """What each model says of utterances of the pool, `[head, utterance, K]`."""
        return bank.predict(frames, rows, heads, outputs=self.task.outputs, device=self.banks.place.device)

    def bank(self, arm: Arm, frames: Frames, courses: list[Course], done: Callable[[int], None]) -> list[Head]:
        """Train the courses, or find them in the store."""
        return self.banks.heads(arm.kept, frames, arm.labels, courses, done, self.task.outputs)

    def record(
        self,
        name: str,
        number: int,
        arm: Arm,
        frames: Frames,
        heads: Sequence[Head],
        added: Sequence[NDArray[np.bool_]],
    ) -> None:
        """Ask every model about its test part; keep the run's model."""
        position = {u.id: i for i, u in enumerate(arm.target)}
        folds: dict[int, list[int]] = defaultdict(list)
        for i, trainee in enumerate(self.trainees):
            if trainee.fold is None:
                self.outcome.models[name, number] = heads[i]
                self.outcome.model_kept[name, number] = [u.id for u, k in zip(arm.added, added[i], strict=True) if k]
            else:
                folds[trainee.fold.number].append(i)
                self.outcome.n_selected[name, number].append(int(added[i].sum()))
        for members in folds.values():
            fold = self.trainees[members[0]].fold
            assert fold is not None
            rows = np.array([position[i] for i in fold.test if i in position], np.int64)
            said = self.said(frames, rows, [heads[i] for i in members])
            tested = [arm.target[row] for row in rows]
            for i, each in zip(members, said, strict=True):
                where = {"condition": name, "round": number, "fold": fold.number, "seed": self.trainees[i].seed}
                self.outcome.predictions.append(self.task.table(each, tested, **where))

    def record_selection(self, name: str, number: int, arm: Arm, chosen: Sequence[Selected | SelectedByError]) -> None:
        """Rows of `selection.parquet`; the run's own model is not an experiment and is left out."""
        ids = pa.array([u.id for u in arm.added], pa.string())
        for trainee, verdict in zip(self.trainees, chosen, strict=True):
            if trainee.fold is None:
                continue
            n = len(ids)
            columns: Mapping[str, Any] = {
                "condition": pa.array([name] * n, pa.string()),
                "fold": pa.array([trainee.fold.number] * n, pa.int32()),
                "seed": pa.array([trainee.seed] * n, pa.int32()),
                "round": pa.array([number] * n, pa.int32()),
                "utterance": ids,
                **{part.name: pa.array(getattr(verdict, part.name)) for part in fields(verdict)},
            }
            self.outcome.selections.append(pa.table(columns))
