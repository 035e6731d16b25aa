"""Emotion shares from a miniature of Hume-Prosody to Spearman's rho, and the model that predicts them."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from scipy.stats import spearmanr

import sottovoce
from sottovoce import recipe as recipes
from sottovoce import zero_shot
from sottovoce.errors import ManifestError, RecipeError
from sottovoce.experiment.place import Place
from sottovoce.speech import audio
from sottovoce.speech.harmonisation import load_table
from sottovoce.store.artefacts import Store
from sottovoce.store.progress import Quiet
from sottovoce.upstreams.generalist_network import Generalist
from tests import launcher, tiny_generalist
from tests.weights.checkpoints import tiny_whisper

TARGETS = ["anger", "calmness"]


def noise(white: float, seed: int) -> np.ndarray:
    """White noise, of which a share is replaced by brown."""
    rough = np.random.default_rng(seed).normal(0, 1, 3_200)
    brown = np.cumsum(rough) - np.convolve(np.cumsum(rough), np.ones(200) / 200, "same")
    return (0.1 * (white * rough + (1 - white) * brown / brown.std())).astype(np.float32)


def write(folder: Path, **changes: object) -> Path:
    """A miniature whose noises are the whiter the angrier, a Whisper, and the recipe that tests its part `devel`."""
    (folder / "hume" / "wav").mkdir(parents=True)
    (folder / "hume" / "lab").mkdir()
    for part, first, n in (("train", 0, 24), ("devel", 24, 12)):
        rows = []
        for i in range(first, first + n):
            anger = (7 * i) % 12 / 11
            rows.append([f"{i:05d}.wav", i % 4, round(anger, 3), round(0.9 - 0.8 * anger, 3)])
            path = folder / "hume" / "wav" / f"{i:05d}.wav"
            audio.write(path, noise(anger, seed=i))
        with (folder / "hume" / "lab" / f"{part}.csv").open("w", newline="") as stream:
            csv.writer(stream).writerows([["filename", "speaker", "Anger", "Calmness"], *rows])
    hume = {"corpus": "hume-prosody", "folder": str(folder / "hume")}
    tree = {
        "name": "hume",
        "corpora": {part: {**hume, "part": part} for part in ("train", "devel")},
        "held_out": ["devel"],
        "network": {"weights": str(tiny_whisper(folder / "whisper"))},
        "labels": {"targets": TARGETS},
        "schedule": {**tiny_generalist.SMALL, "epochs": 30},
        "augmentation": {"probability": 0},
        "spec_augment": {"time": 0, "mel": 0},
    }
    path = folder / "hume.yaml"
    path.write_text(yaml.safe_dump(tree | changes), encoding="utf-8")
    return path


@pytest.mark.slow
def test_from_the_corpus_to_rho_and_a_model(tmp_path: Path):
    write(tmp_path)
    words = ("zero-shot", "hume.yaml", "--out", "out", "--store", "store", "--quiet")
    part = launcher.sottovoce(tmp_path, *words, "--slice", "1/1")
    assert part.code == 0 and "this part is trained" in part.out and not (tmp_path / "out").exists(), part.err
    outcome = launcher.sottovoce(tmp_path, *words)
    assert outcome.code == 0 and "Spearman's rho" in outcome.out, outcome.err
    (test,) = json.loads((tmp_path / "out" / "results.json").read_text())["tests"]
    kept = pq.read_table(tmp_path / "out" / "predictions" / "devel.parquet").to_pydict()
    rho = {t: spearmanr(kept[f"true_{t}"], kept[f"said_{t}"]).statistic for t in TARGETS}
    assert {t: found["rho"] for t, found in test["by_target"].items()} == pytest.approx(rho)
    assert test["rho"] == pytest.approx(np.mean(list(rho.values()))) and test["rho"] > 0.5
    assert (test["n_utterances"], test["n_speakers"], test["heard"]["utterances"]) == (12, 4, 24)
    assert "4 speakers are on both sides" in outcome.err
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert "4 speakers are on both sides" in page and page.count("<svg") == 1
    for found in (test, *test["by_target"].values()):
        assert f"<td>{found['rho']:.3f}</td>" in page
    assert all(0 < share < 1 for t in TARGETS for share in kept[f"said_{t}"])

    made = launcher.sottovoce(tmp_path, "train", "hume.yaml", "-o", "model", "--set", "schedule.epochs=1", "--quiet")
    assert made.code == 0, made.err
    model = sottovoce.load(tmp_path / "model")
    assert model.emotions == tuple(TARGETS)
    network = Generalist.from_pretrained(tmp_path / "model").eval()
    sound = noise(0.7, seed=1)
    expected = network(**tiny_generalist.batch([sound])).logits.sigmoid().detach().numpy()
    assert model.probabilities([sound]) == pytest.approx(expected, abs=1e-5)
    assert network.config.problem_type == "multi_label_classification"


def test_all_48_dimensions_of_hume(tmp_path: Path):
    names = load_table().sets["hume-prosody"]
    path = write(tmp_path, labels={"targets": [name.lower() for name in names]})
    for part in ("train", "devel"):
        labels = tmp_path / "hume" / "lab" / f"{part}.csv"
        ids = [line.split(",")[:2] for line in labels.read_text().splitlines()[1:]]
        rng = np.random.default_rng(len(ids))
        with labels.open("w", newline="") as stream:
            csv.writer(stream).writerows(
                [["filename", "speaker", *names], *([*i, *rng.random(48).round(3)] for i in ids)]
            )
    chosen = recipes.load_generalist(path, ["schedule.epochs=1"])
    (test,) = zero_shot.run(chosen, tmp_path / "out", Place(Store(tmp_path / "store")), Quiet())["tests"]
    assert len(names) == 48 and list(test["by_target"]) == [name.lower() for name in names]
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert all(f"<td>{name.lower()}</td>" in page for name in names)


def test_what_lacks_a_target_is_refused(tmp_path: Path):
    recipe = write(tmp_path, labels={"targets": ["anger", "joy"]})
    with pytest.raises(ManifestError, match=r"\d+ utterances lack a measure of labels\.targets"):
        zero_shot.run(recipes.load_generalist(recipe), tmp_path / "out", Place(Store(tmp_path / "store")), Quiet())
    with pytest.raises(RecipeError, match="leave out sweep"):
        recipes.load_generalist(recipe, ["sweep.domain_weight=[0.0]"])
