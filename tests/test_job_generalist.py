"""Both papers in one recipe: bootstrapping on the frames of a generalist, what it heard said beside the scores."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

import sottovoce
from tests import launcher, tiny
from tests.weights.checkpoints import tiny_generalist

QUICK = {
    "training": {"seeds": [0], "hidden": 4, "epochs": 2, "batch_size": 8},
    "conditions": ["target-only", "bootstrapped"],
    "selection": {"criterion": "argmax", "rounds": 1},
}


def run(folder: Path, weights: Path, corpus: str) -> dict:
    """The results of a run whose target is of a corpus."""
    target = tiny.write_side(folder, "target", "12", further_cells={"corpus": corpus})
    source = tiny.write_side(folder, "source", "12", further_cells={"translation": tiny.TRANSLATED})
    upstream = {"name": "generalist", "weights": str(weights)}
    recipe = tiny.write_recipe(folder, target, source, upstream=upstream, **QUICK)
    outcome = launcher.sottovoce(folder, "run", recipe, "--out", "run", "--store", "store", "--quiet")
    assert outcome.code == 0, outcome.err
    return json.loads((folder / "run" / "results.json").read_text(encoding="utf-8"))


def test_a_generalist_as_upstream(tmp_path: Path):
    weights = tiny_generalist(tmp_path / "general")
    results = run(tmp_path, weights, "urdu")
    assert {c["name"] for c in results["conditions"]} == {"target-only", "bootstrapped"}
    assert results["upstream"] == "generalist general, layer last"
    assert not [w for w in results["warnings"] if re.match("contaminated|it is not known what the upstream", w)]
    model = sottovoce.load(tmp_path / "run")
    clip = next(iter(sorted((tmp_path / "target").glob("*.wav"))))
    assert sum(model.predict(clip)[0].values()) == pytest.approx(1)
    assert model.upstream.card.trained_on == ("it", "ravdess")


def test_a_target_that_the_generalist_has_heard_is_contaminated(tmp_path: Path):
    results = run(tmp_path, tiny_generalist(tmp_path / "general"), "it")
    assert "contaminated: the upstream was trained on it, which is tested here" in results["warnings"]
