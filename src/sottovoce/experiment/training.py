"""Every condition of a run: trained by themselves first, then what is made of them together."""

from __future__ import annotations

from sottovoce.experiment import adaptive
from sottovoce.experiment.arms import Outcome, Trainee, train_arms
from sottovoce.experiment.inputs import Inputs
from sottovoce.experiment.place import Place
from sottovoce.judging.splits import FoldPlan
from sottovoce.recipe import Recipe
from sottovoce.store.progress import Progress


def trainees(recipe: Recipe, plan: FoldPlan) -> list[Trainee]:
    """Every fold with every seed, then the model of the run."""
    seeds = recipe.training.seeds
    return [*(Trainee(fold, seed) for seed in seeds for fold in plan.folds), Trainee(None, seeds[0])]


def train_all(recipe: Recipe, inputs: Inputs, place: Place, progress: Progress, *, only_kept: bool = False) -> Outcome:
    """Train every condition of the recipe for all folds and seeds; nothing here sees a test utterance's label.

    Raises:
        NotTrained: with `only_kept`, at the first bank that the store does not hold.
        SplitError: see `adaptive.inner_folds`.
    """
    outcome = train_arms(recipe, inputs, trainees(recipe, inputs.plan), place, progress, only_kept=only_kept)
    if adaptive.NAME in recipe.conditions:
        adaptive.add(recipe, inputs, place, progress, outcome, only_kept=only_kept)
    return outcome
