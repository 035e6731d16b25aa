"""The conditions `noise` and `copypaste`: copies train only where all that they were made from does."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest

from sottovoce.experiment import arms
from sottovoce.experiment.inputs import gather
from sottovoce.experiment.plan import plan
from sottovoce.experiment.task import task_of
from sottovoce.experiment.training import train_all
from sottovoce.judging.fold_plan import speaker_of
from sottovoce.recipe import Recipe
from sottovoce.store.progress import Quiet


@pytest.fixture(scope="module")
def recipe(job) -> Recipe:
    return job.recipe.model_copy(update={"conditions": ["target-only", "noise", "copypaste"]})


@pytest.fixture(scope="module")
def trained(job, recipe):
    """Inputs, outcome, and each arm with its courses."""
    banks, whole = [], arms._Work.bank

    def seen(self, arm, frames, courses, done):
        banks.append((arm, courses))
        return whole(self, arm, frames, courses, done)

    inputs = gather(recipe, job.place, Quiet())
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arms._Work, "bank", seen)
        return inputs, train_all(recipe, inputs, job.place, Quiet()), banks


def test_copies_train_beside_their_fold_alone(job, recipe, trained):
    inputs, _, banks = trained
    assert [arm.name for arm, _ in banks] == ["target", "noise", "copypaste"]
    folds = [*inputs.plan.folds] * len(recipe.training.seeds) + [None]
    for arm, courses in banks[1:]:
        n = len(arm.target)
        assert len(arm.added) == n and all(u.translator == arm.name for u in arm.added)
        for fold, course in zip(folds, courses, strict=True):
            train = {u.id for u in arm.target} if fold is None else set(fold.train)
            assert course.own[:n].tolist() == [u.id in train for u in arm.target]
            assert course.own[n:].tolist() == [set(arm.origins[u.id]) <= train for u in arm.added]
            assert 0 < course.own[n:].sum() <= len(train)


def test_with_shared_speakers_nothing_made_from_a_test_part_trains(job, recipe, trained):
    """A fold that tests every other utterance of everybody, as EmoBox's do: a copy goes with what it is of."""
    inputs, _, banks = trained
    (fold, *_), (arm, _) = inputs.plan.folds, banks[2]
    ids = [u.id for u in arm.target]
    tested = {speaker_of(u) for u in arm.target[1::2]}
    assert tested == {speaker_of(u) for u in arm.target[::2]}
    mixed = replace(fold, train=tuple(ids[::2]), test=tuple(ids[1::2]), test_speakers=tuple(tested))
    work = arms._Work(recipe, inputs, None, [], None, task_of(recipe))
    admitted = work.admitted(arm, arms.Trainee(mixed, 0))
    assert admitted.tolist() == [set(arm.origins[u.id]) <= set(ids[::2]) for u in arm.added]
    assert 0 < admitted.sum() < len(arm.added)


def test_every_condition_is_tested_on_the_same(trained):
    table = pa.concat_tables(trained[1].predictions)
    tests = {
        name: sorted(zip(*(t[c].to_pylist() for c in ("utterance", "seed")), strict=True))
        for name in ("target-only", "noise", "copypaste")
        for t in [table.filter(pa.array(table["condition"].to_numpy() == name))]
    }
    assert tests["noise"] == tests["copypaste"] == tests["target-only"] and tests["noise"]


def test_a_dry_run_knows_the_copies(job, recipe, tmp_path):
    place = job.fresh(tmp_path)

    def look() -> dict[str, tuple[int, int]]:
        return {stage.title: (stage.kept, stage.total) for stage in plan(recipe, place)}

    before = look()
    assert before["copies: noise"] == before["features: copypaste"] == (0, 24) and "features: source" not in before
    train_all(recipe, gather(recipe, place, Quiet()), place, Quiet())
    after = look()
    assert after.pop("check")[0] == 0 and all(kept == total > 0 for kept, total in after.values()), after
