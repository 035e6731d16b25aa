"""Upstreams in their published formats, from a recipe to predictions: extracted, run, loaded again, asked."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest
import yaml

from tests import launcher, tiny
from tests.weights.published import published_expressivity, tiny_emotion2vec

CONDITIONS = ["target-only", "untranslated"]
SHORT = {"seeds": [0], "hidden": 8, "epochs": 2, "batch_size": 8, "learning_rate": 0.01}


def run(place: Path, upstream: dict, corpus: str = "mine", model: str = "auto") -> Path:
    """A short run on tones that say they are of `corpus`; returns its folder."""
    target = tiny.write_side(place, "target", "123", further_cells={"corpus": corpus})
    source = tiny.write_side(place, "source", "12")
    conditions = CONDITIONS if model == "auto" else [*CONDITIONS, model]
    recipe = tiny.write_recipe(
        place, target, source, upstream=upstream, conditions=conditions, training=SHORT, model={"condition": model}
    )
    outcome = launcher.sottovoce(place, "run", recipe, "--out", place / "run", "--store", place / "store", "--quiet")
    assert outcome.code == 0, outcome.err
    return place / "run"


def predicted(place: Path, model: Path, *options: str) -> list[dict[str, str]]:
    outcome = launcher.sottovoce(place, "predict", model, place / "target", "-o", place / "said.csv", *options)
    assert outcome.code == 0, outcome.err
    with (place / "said.csv").open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def test_emotion2vec_as_a_preset_with_a_copy_of_its_weights(tmp_path: Path) -> None:
    weights = tmp_path / "somewhere"
    weights.mkdir()
    tiny_emotion2vec(weights)
    preset = {"preset": "emotion2vec-plus-base", "weights": str(weights), "layer": "mix"}
    folder = run(tmp_path, preset, corpus="emodb", model="adaptive")
    written = yaml.safe_load((folder / "recipe.yaml").read_text(encoding="utf-8"))["upstream"]
    assert (written["name"], written["known_as"]) == ("emotion2vec", "emotion2vec/emotion2vec_plus_base")
    results = json.loads((folder / "results.json").read_text(encoding="utf-8"))
    assert results["upstream"] == "emotion2vec emotion2vec/emotion2vec_plus_base, layer mix"
    assert results["contaminated"] == ["emodb"], "EmoBox, which it was tuned on, has EmoDB"
    assert any(warning.startswith("contaminated: ") for warning in results["warnings"])
    config = json.loads((folder / "model" / "config.json").read_text(encoding="utf-8"))["upstream"]
    assert config["layer"] == "all-normed" and config["revision"] == "b318240bfe67db81a8c572ecb37ce9c3759b81c9"
    assert len(predicted(tmp_path, folder)) == 18
    moved = weights.rename(tmp_path / "elsewhere")
    assert len(predicted(tmp_path, folder, "--weights", str(moved))) == 18


@pytest.mark.parametrize("name", ["expressivity", "egemaps"])
def test_one_vector_an_utterance(name: str, tmp_path: Path) -> None:
    upstream = {"name": name}
    if name == "expressivity":
        (tmp_path / "weights").mkdir()
        upstream["weights"] = str(published_expressivity(tmp_path / "weights"))
    folder = run(tmp_path, upstream)
    details = json.loads((folder / "details.json").read_text(encoding="utf-8"))
    licences = {row["what"]: row["licence"] for row in details["licences"]}
    assert licences[f"upstream: {name}"].startswith("non-commercial research: ")
    assert "non-commercial" in (folder / "model" / "README.md").read_text(encoding="utf-8")
    rows = predicted(tmp_path, folder)
    assert len(rows) == 18 and len({tuple(row.values())[2:] for row in rows}) > 1
    recording = next((tmp_path / "target").glob("*.wav"))
    whole = launcher.sottovoce(tmp_path, "timeline", folder, recording, "-o", tmp_path / "whole.csv")
    assert whole.code == 0, whole.err
    parts = launcher.sottovoce(
        tmp_path, "timeline", folder, recording, "-o", tmp_path / "parts.csv", "--average", "step", "--speech", "all"
    )
    assert parts.code == 1 and "one vector of all it hears" in parts.err


def test_extract_by_name_and_by_preset(tmp_path: Path) -> None:
    manifest = tiny.write_side(tmp_path, "target", "1", takes=1)
    done = launcher.sottovoce(tmp_path, "extract", manifest, "--upstream", "egemaps", "--store", "store", "-q")
    assert done.code == 0 and "3 of 3 utterances have features" in done.out, done.err
    absent = launcher.sottovoce(tmp_path, "extract", manifest, "--upstream", "wavlm-large", "--store", "store")
    assert absent.code == 1 and "'microsoft/wavlm-large' is neither a folder nor in the local hub cache" in absent.err
    unknown = launcher.sottovoce(tmp_path, "extract", manifest, "--upstream", "mfcc")
    assert unknown.code == 1 and "'logmel', 'egemaps', 'whisper'" in unknown.err


def test_the_list_of_upstreams(tmp_path: Path) -> None:
    listed = launcher.sottovoce(tmp_path, "upstreams")
    assert listed.code == 0, listed.err
    for said in ("wavlm-large", "egemaps", "expressivity", "1280", "non-commercial", "its weights", "ready"):
        assert said in listed.out.replace("\n", " ")
    one = launcher.sottovoce(tmp_path, "upstreams", "emotion2vec-plus-seed")
    for said in ("RAVDESS", "TurEV-DB", "7be9a30d52bdc793cc24e6f7d25358d6648927c1", "768"):
        assert said in one.out
    absent = launcher.sottovoce(tmp_path, "upstreams", "wav2vec9")
    assert absent.code == 1 and "there is no upstream 'wav2vec9'; there are: whisper-base" in absent.err
