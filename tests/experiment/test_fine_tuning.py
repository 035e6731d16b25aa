"""Fine-tuning: a generalist trained further on another corpus starts where it was and forgets nobody it heard."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from sottovoce import recipe as recipes
from sottovoce import zero_shot
from sottovoce.errors import ManifestError
from sottovoce.experiment import generalists
from sottovoce.experiment.generalists import Variant
from sottovoce.experiment.place import Place
from sottovoce.store.artefacts import Store
from sottovoce.store.progress import Quiet
from sottovoce.upstreams.generalist_network import Generalist
from tests import tiny_generalist


def trained(recipe: Path, store: Path, *changes: str) -> Path:
    """The folder of the generalist that heard all corpora of a recipe."""
    chosen, here = recipes.load_generalist(recipe, changes), Place(Store(store))
    corpora = generalists.gather(chosen, Quiet())
    own = Variant(chosen.labels.soft, chosen.domains.weight)
    return generalists.trained(chosen, corpora, list(chosen.corpora), own, 0, here, Quiet(), "train").folder


@pytest.fixture(scope="module")
def first(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A generalist that heard the corpora `it` and `eng`."""
    folder = tmp_path_factory.mktemp("first")
    return trained(tiny_generalist.write(folder, ["it", "eng"]), folder / "store")


def test_it_starts_where_it_was_and_remembers_what_it_heard(first: Path, tmp_path: Path):
    recipe = tiny_generalist.write(tmp_path, ["urdu"], network={"weights": str(first)})
    still = trained(recipe, tmp_path / "store", "schedule.learning_rate=1e-12", "schedule.epochs=1")
    before, after = (Generalist.from_pretrained(folder).state_dict() for folder in (first, still))
    for name, tensor in before.items():
        if not name.startswith("domain_heads"):
            torch.testing.assert_close(after[name], tensor, atol=1e-6, rtol=0)
    heard = [json.loads((folder / "config.json").read_text())["heard"] for folder in (first, still)]
    assert heard[0] == {"corpora": ["eng", "it"], "languages": ["en", "it"], "speakers": 4, "utterances": 24}
    assert heard[1] == {
        "corpora": ["eng", "it", "urdu"],
        "languages": ["en", "it", "ur"],
        "speakers": 6,
        "utterances": 36,
    }
    moved = trained(recipe, tmp_path / "store")
    assert (
        Generalist.from_pretrained(moved).state_dict()["classifier.bias"] - before["classifier.bias"]
    ).abs().max() > 1e-4


def test_what_it_starts_from_has_heard_is_no_zero_shot_test(first: Path, tmp_path: Path):
    recipe = tiny_generalist.write(tmp_path, ["it", "urdu"], network={"weights": str(first)})
    chosen, here = recipes.load_generalist(recipe), Place(Store(tmp_path / "store"))
    with pytest.raises(ManifestError, match=r"network\.weights have heard it, so"):
        zero_shot.run(chosen, tmp_path / "out", here, Quiet())
