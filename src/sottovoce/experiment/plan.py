"""What a run would do: stages, what the store holds of each, and how long the rest may take."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass

from sottovoce.augmentation.copies import Kind, copies
from sottovoce.augmentation.copies import plan as planned_copies
from sottovoce.augmentation.copies import shelf_of as shelf_of_copies
from sottovoce.errors import AudioError
from sottovoce.experiment import adaptive
from sottovoce.experiment.banks import NotTrained, measured_as, operations
from sottovoce.experiment.inputs import (
    SOURCE_CONDITIONS,
    SYNTHETIC_CONDITIONS,
    Natural,
    Place,
    folds_of,
    gather,
    kinds_of,
    labelled,
    target_language,
    upstream_maker,
)
from sottovoce.experiment.task import task_of
from sottovoce.experiment.teacher import with_votes
from sottovoce.experiment.training import train_all, trainees
from sottovoce.recipe import MIXES, Recipe
from sottovoce.speech import audio, checks
from sottovoce.speech.manifest import Manifest
from sottovoce.store.progress import Quiet
from sottovoce.translation.synthesis import outlook, synthesise
from sottovoce.upstreams.card import Upstream
from sottovoce.upstreams.features import shelf_of

KEPT_SHARE = 0.4
"""Share of the source that a round is assumed to keep while nothing is known; the median rule keeps under half."""


@dataclass(frozen=True)
class StagePlan:
    """One stage: its steps, how many are kept already, and a rough estimate of the seconds left."""

    title: str
    total: int
    kept: int
    left_s: float


def plan(recipe: Recipe, place: Place) -> list[StagePlan]:
    """Look at everything and make nothing. Recordings are read only where all that training needs is kept.

    Raises:
        SottovoceError: what the run itself would stumble over at its start.
    """
    task = task_of(recipe)
    target, _ = labelled(recipe.target, task, "target")
    source, _ = labelled(recipe.source, task, "source")
    upstream = upstream_maker(recipe, place.device)()
    checking = len(target) + len(source)
    stages = [StagePlan("check", checking, 0, place.speeds.seconds("check", checking))]
    stages.append(_features(recipe, place, upstream, "target", target))
    wanted = set(recipe.conditions)
    if wanted & SYNTHETIC_CONDITIONS:
        natural = Natural(target, checks.Checks(target, (), (), ()), ())
        phase = source, target_language(natural), recipe.translation, recipe.filter
        here = place.store, place.execution, place.device
        steps = [
            StagePlan(step.title, step.total, step.kept, place.speeds.seconds(step.measured_as, step.left))
            for step in outlook(*phase, *here)
        ]
        stages += steps
        if any(step.kept < step.total for step in steps):
            seconds = place.speeds.seconds(f"features: {recipe.upstream.name}", len(source))
            stages.append(StagePlan("features: translated", len(source), 0, seconds))
        else:  # all of it is kept, so that nothing is done here but to look it up
            made = synthesise(*phase, *here, Quiet()).filtered.kept
            stages.append(_features(recipe, place, upstream, "translated", made))
    if wanted & SOURCE_CONDITIONS:
        stages.append(_features(recipe, place, upstream, "source", source))
    for kind in kinds_of(recipe):
        stages += _copies(recipe, place, upstream, kind, target)
    complete = all(stage.kept == stage.total for stage in stages[1:])
    stages.append(_training(recipe, place, upstream, target, source, complete))
    return stages


def _copies(recipe: Recipe, place: Place, upstream: Upstream, kind: Kind, target: Manifest) -> list[StagePlan]:
    tasks = [copy.task for copy in planned_copies(target, kind, recipe.copies, place.store)]
    finished = shelf_of_copies(place.store).finished(task.key for task in tasks)
    left = sum(task.key not in finished for task in tasks)
    title = f"copies: {kind}"
    made = StagePlan(title, len(tasks), len(tasks) - left, place.speeds.seconds(title, left))
    if not left:  # all of it is kept, so that nothing is done here but to look it up
        copied = copies(target, kind, recipe.copies, place.store, place.execution)
        return [made, _features(recipe, place, upstream, kind, copied.manifest)]
    seconds = place.speeds.seconds(f"features: {recipe.upstream.name}", len(tasks))
    return [made, StagePlan(f"features: {kind}", len(tasks), 0, seconds)]


def _features(recipe: Recipe, place: Place, upstream: Upstream, name: str, manifest: Manifest) -> StagePlan:
    tasks = place.store.tasks(manifest.utterances)
    finished = shelf_of(place.store, upstream).finished(t.key for t in tasks)
    kept = sum(task.key in finished for task in tasks)
    seconds = place.speeds.seconds(f"features: {recipe.upstream.name}", len(tasks) - kept)
    return StagePlan(f"features: {name}", len(tasks), kept, seconds)


def _training(
    recipe: Recipe, place: Place, upstream: Upstream, target: Manifest, source: Manifest, complete: bool
) -> StagePlan:
    counted = _Counted()
    if complete:  # everything before is kept, so the banks can be looked up one after the other
        with suppress(NotTrained):
            inputs = with_votes(recipe, gather(recipe, place, Quiet()), place, counted, only_kept=True)
            train_all(recipe, inputs, place, counted, only_kept=True)
    folds = folds_of(recipe, target)
    models = len(trainees(recipe, folds))
    if adaptive.NAME in recipe.conditions:
        models += sum(len(inner) for inner in adaptive.inner_folds(folds, target).values())
    added = _n_frames(upstream, source)
    base = _n_frames(upstream, target) * (1 - 1 / len(folds.folds))
    rounds = recipe.selection.rounds
    extra = {
        "target-only": [0.0],
        "all-synthetic": [added],
        "untranslated": [added],
        "bootstrapped": [KEPT_SHARE * added] * rounds,
        "untranslated-selected": [KEPT_SHARE * added] * rounds,
        "noise": [recipe.copies.number * base],
        "copypaste": [2 * recipe.copies.number * base],
        adaptive.NAME: [],  # of the others
    }
    n_frames = int(models * sum(base + more for condition in recipe.conditions for more in extra[condition]))
    work = operations(n_frames, upstream.card.dimension, recipe.training)
    seconds = place.speeds.seconds(measured_as(recipe.upstream.layer in MIXES), work / 1e9)
    if not counted.total:
        return StagePlan("training", 0, 0, seconds)
    return StagePlan("training", counted.total, counted.done, (1 - counted.done / counted.total) * seconds)


def _n_frames(upstream: Upstream, manifest: Manifest) -> int:
    total = 0
    for utterance in manifest:
        try:
            seconds = (utterance.end_s or audio.probe(utterance.path).duration_s) - (utterance.start_s or 0.0)
            total += upstream.n_frames(round(seconds * audio.RATE_HZ))
        except AudioError:
            continue
    return total


class _Counted:
    """Counts the steps of a stage instead of showing them."""

    def __init__(self) -> None:
        self.total = self.done = 0

    @contextmanager
    def stage(self, title: str, total: int) -> Iterator[Callable[[int], None]]:
        """See `store.progress.Progress`."""
        self.total += total
        yield self._add

    def _add(self, n: int) -> None:
        self.done += n
