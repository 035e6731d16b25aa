"""Training every condition: who is in which course, what is selected by whom, what is recorded."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pytest

from sottovoce.experiment import arms
from sottovoce.experiment.arms import Arm, Outcome
from sottovoce.experiment.banks import NotTrained
from sottovoce.experiment.training import train_all
from sottovoce.learning.bank import Course
from sottovoce.learning.head import Head
from sottovoce.store.progress import Quiet
from sottovoce.upstreams.features import Frames

N_FOLDS = 4


@dataclass(frozen=True)
class Trained:
    """One bank as it was trained."""

    arm: Arm
    courses: list[Course]
    heads: list[Head]


@pytest.fixture(scope="module")
def trained(job) -> tuple[Outcome, list[Trained]]:
    """Everything of the recipe, and the banks in the order of their training."""
    banks: list[Trained] = []
    whole = arms._Work.bank

    def seen(self, arm, frames, courses, done):
        heads = whole(self, arm, frames, courses, done)
        banks.append(Trained(arm, courses, heads))
        return heads

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(arms._Work, "bank", seen)
        return train_all(job.recipe, job.inputs, job.place, Quiet()), banks


def trainees(job, courses: list[Course]) -> list:
    """The fold of each course: seeds by folds, then the run's own model (None), once or twice over."""
    once = [*job.inputs.plan.folds] * len(job.recipe.training.seeds) + [None]
    assert len(courses) % len(once) == 0
    return once * (len(courses) // len(once))


def test_nobody_who_is_tested_is_in_a_course_of_his_fold(job, trained):
    """Neither by his own recordings nor by the translation of his speech."""
    heard = {"target": set(), "translated": set(), "source": set()}
    for each in trained[1]:
        pool = [*each.arm.target, *each.arm.added]
        for fold, course in zip(trainees(job, each.courses), each.courses, strict=True):
            speakers = {u.speaker for u, own in zip(pool, course.own, strict=True) if own}
            if fold is not None:
                (tested,) = fold.test_speakers
                assert tested.removeprefix("target/") not in speakers
            heard[each.arm.name] |= speakers
    assert heard["target"] == set("1234"), "the test would pass on empty courses"


def test_all_of_the_source_but_the_tested_speaker_is_admitted(job, trained):
    everything = next(bank for bank in trained[1] if bank.arm.name == "translated")
    n_target = len(everything.arm.target)
    for fold, course in list(zip(trainees(job, everything.courses), everything.courses, strict=True))[: 2 * N_FOLDS]:
        tested = fold.test_speakers[0].removeprefix("target/")
        expected = [u.speaker != tested for u in everything.arm.added]
        assert course.own[n_target:].tolist() == expected


def test_the_first_model_is_trained_once_and_shared(trained):
    assert [bank.arm.name for bank in trained[1]] == ["target", "translated", "translated", "source", "source"]


@pytest.mark.parametrize("condition", ["bootstrapped", "untranslated-selected"])
def test_selection_follows_from_the_models(job, trained, condition):
    """KL and verdict of each round, one by one from the heads of the round before (arXiv 2409.10985, eq. 3)."""
    outcome, banks = trained
    n_models = 2 * N_FOLDS + 1
    rounds = [bank for bank in banks if bank.arm.name == ("translated" if condition == "bootstrapped" else "source")]
    heads_before = {1: banks[0].heads, 2: rounds[0].heads[-n_models:]}
    arm = rounds[0].arm
    frames = Frames(arm.kept[len(arm.target) :])
    sounds = [frames.fetch(np.array([i]))[0] for i in range(len(arm.added))]
    y = arm.labels[len(arm.target) :].astype(np.float64)
    table = pa.concat_tables(outcome.selections)
    for number in (1, 2):
        for i, (fold, seed) in enumerate((f, s) for s in (0, 1) for f in job.inputs.plan.folds):
            M = heads_before[number][i].probabilities(sounds).double().numpy()
            kl = (M * np.log(M / y)).sum(axis=1)
            right = M.argmax(axis=1) == y.argmax(axis=1)
            among = np.array([f"target/{u.speaker}" not in fold.test_speakers for u in arm.added])
            chosen = [
                row
                for row in table.to_pylist()
                if (row["condition"], row["round"], row["fold"], row["seed"]) == (condition, number, fold.number, seed)
            ]
            assert [row["utterance"] for row in chosen] == [u.id for u in arm.added]
            np.testing.assert_allclose([row["kl"] for row in chosen], kl, atol=1e-5)
            assert [row["correct"] for row in chosen] == right.tolist()
            assert [row["kept"] for row in chosen] == (among & right & (kl < np.median(kl[among]))).tolist()
            course = rounds[number - 1].courses[-n_models:][i]
            assert course.own[len(arm.target) :].tolist() == [row["kept"] for row in chosen]


def test_conditions_and_rounds_are_recorded(job, trained):
    outcome, _ = trained
    table = pa.concat_tables(outcome.predictions)
    recorded = table.group_by(["condition", "round"]).aggregate([("utterance", "count")]).to_pylist()
    assert {(r["condition"], r["round"]): r["utterance_count"] for r in recorded} == {
        (name, number): 24 * 2
        for name, numbers in {
            "target-only": [0],
            "all-synthetic": [0],
            "bootstrapped": [1, 2],
            "untranslated": [0],
            "untranslated-selected": [1, 2],
        }.items()
        for number in numbers
    }
    assert {name for name, _ in outcome.models} == set(job.recipe.conditions)
    assert outcome.n_selected["target-only", 0] == [0] * 2 * N_FOLDS
    assert len(outcome.model_kept["all-synthetic", 0]) == len(job.inputs.translated)


@pytest.mark.parametrize(
    "conditions", [["target-only"], ["target-only", "all-synthetic"], ["target-only", "untranslated-selected"]]
)
def test_only_the_wanted_conditions(job, conditions):
    recipe = job.recipe.model_copy(update={"conditions": conditions})
    outcome = train_all(recipe, job.inputs, job.place, Quiet())
    assert {table["condition"][0].as_py() for table in outcome.predictions} == set(conditions)
    assert bool(outcome.selections) == ("untranslated-selected" in conditions)


def test_a_seed_does_not_depend_on_the_other_seeds(job, trained, tmp_path):
    both = pa.concat_tables(trained[0].predictions).to_pylist()
    training = job.recipe.training.model_copy(update={"seeds": [0]})
    recipe = job.recipe.model_copy(update={"training": training})
    alone = train_all(recipe, job.inputs, job.fresh(tmp_path), Quiet())
    single = pa.concat_tables(alone.predictions).to_pylist()
    same = [row for row in both if row["seed"] == 0]
    assert len(single) == len(same) == len(both) // 2
    for one, other in zip(single, same, strict=True):
        assert one == pytest.approx(other, abs=1e-5)


def test_only_kept_trains_nothing(job, trained, tmp_path):
    again = train_all(job.recipe, job.inputs, job.place, Quiet(), only_kept=True)
    assert again.predictions == trained[0].predictions
    with pytest.raises(NotTrained):
        train_all(job.recipe, job.inputs, job.fresh(tmp_path), Quiet(), only_kept=True)
