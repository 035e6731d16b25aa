"""A tiny job whose source has the target's speakers, gathered once."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from sottovoce import recipe as recipes
from sottovoce.experiment.inputs import Inputs, gather
from sottovoce.experiment.place import Place
from sottovoce.recipe import Recipe
from sottovoce.store.artefacts import Store
from sottovoce.store.progress import Quiet
from tests import tiny


@dataclass(frozen=True)
class Job:
    """A recipe, where it works, and its inputs."""

    recipe: Recipe
    place: Place
    inputs: Inputs

    def fresh(self, folder: Path) -> Place:
        """Another place, with nothing kept."""
        return Place(Store(folder / "fresh store"))


@pytest.fixture(scope="session")
def job(tmp_path_factory) -> Job:
    """Speakers 1 to 4 in the target; 1 to 3 of the same corpus in the source."""
    folder = tmp_path_factory.mktemp("experiment")
    target = tiny.write_side(folder, "target", "1234")
    same = {"corpus": "target", "translation": tiny.TRANSLATED}
    path = tiny.write_recipe(folder, target, tiny.write_side(folder, "source", "123", further_cells=same))
    exact = "training.precision=fp32"  # as heads are asked one by one
    recipe = recipes.load(path, ["training.epochs=3", "selection.criterion=kl", exact])
    place = Place(Store(folder / "store"))
    return Job(recipe, place, gather(recipe, place, Quiet()))
