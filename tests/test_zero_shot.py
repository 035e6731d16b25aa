"""Zero-shot on tones: who is heard and who is tested, what is left, and what a second run finds kept."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml

from sottovoce import recipe as recipes
from sottovoce import zero_shot
from sottovoce.errors import ManifestError, RecipeError
from sottovoce.experiment import generalists
from sottovoce.experiment.place import Place
from sottovoce.learning.generalist import training
from sottovoce.store.artefacts import Store
from sottovoce.store.progress import Quiet
from tests import tiny, tiny_generalist

SOFT, HARD = "soft labels, w_d = 0.01", "hard labels, w_d = 0.01"
SWEEP = {"soft": [False, True]}


def run(path: Path, out: Path, part: tuple[int, int] | None = None, store: Path | None = None, changes=()) -> Any:
    place = Place(Store(store or path.parent / "store"))
    return zero_shot.run(recipes.load_generalist(path, changes), out, place, Quiet(), part)


@pytest.fixture(scope="module")
def recipe(tmp_path_factory) -> Path:
    return tiny_generalist.write(tmp_path_factory.mktemp("zero-shot"), sweep=SWEEP)


@pytest.fixture(scope="module")
def heard() -> list[set[str]]:
    """The recordings of each training, in order."""
    return []


@pytest.fixture(scope="module")
def results(recipe, heard) -> dict[str, Any]:
    """Of a first run, done in two parts and then as a whole, which must not train."""
    own = training.train

    def listening(model, dataset, *arguments, **settings):
        heard.append({u.path for u in dataset._utterances})
        return own(model, dataset, *arguments, **settings)

    def never(*_: Any, **__: Any) -> None:
        raise AssertionError("everything is kept")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(training, "train", listening)
        assert run(recipe, recipe.parent / "out", (1, 2)) is None
        assert len(heard) == 3 and not (recipe.parent / "out").exists()
        assert run(recipe, recipe.parent / "out", (2, 2)) is None
        patch.setattr(training, "train", never)
        return run(recipe, recipe.parent / "out")


def test_a_tested_corpus_was_never_heard(recipe, results, heard):
    assert len(heard) == 3 * 2
    for held_out, sounds in zip(np.repeat(list(tiny_generalist.CORPORA), 2), heard, strict=True):
        others = {Path(sound).parent.name for sound in sounds}
        assert others == set(tiny_generalist.CORPORA) - {held_out} and len(sounds) == 24
    for test in results["tests"]:
        assert test["heard"]["corpora"] == sorted(set(tiny_generalist.CORPORA) - {test["held_out"]})
        assert test["heard"]["speakers"] == 4 and test["heard"]["utterances"] == 24


def test_what_results_say(recipe, results):
    assert json.loads((recipe.parent / "out" / "results.json").read_text(encoding="utf-8")) == results
    assert {"schema", "name", "network", "frozen_layers", "context", "epochs", "seeds", "variants", "tests"} < set(
        results
    )
    assert results["network"] == "whisper", "no place on this machine"
    assert str(recipe.parent) not in json.dumps(results)
    assert [v["name"] for v in results["variants"]] == [SOFT, HARD], "the recipe's own settings come first"
    assert [test["held_out"] for test in results["tests"]] == list(tiny_generalist.CORPORA)
    for test in results["tests"]:
        assert test["n_utterances"] == 12 and test["n_speakers"] == 2 and test["n_not_tested"] == 0
        assert test["classes"] == {"sad": 4, "angry": 4, "neutral": 4}
        assert [(c["variant"], c["among"]) for c in test["conditions"]] == [
            (variant, among) for variant in (SOFT, HARD) for among in ("all", "its own")
        ]
        assert {(c["variant"], c["among"], c["metric"]) for c in test["comparisons"]} == {
            (HARD, among, metric) for among in ("all", "its own") for metric in ("macro_f1", "ua", "wa")
        }
        for condition in test["conditions"]:
            assert 0 <= condition["macro_f1"] <= 1 and len(condition["macro_f1_ci95"]) == 2


def test_scores_can_be_computed_again_from_the_predictions(recipe, results):
    for test in results["tests"]:
        table = pq.read_table(recipe.parent / "out" / "predictions" / f"{test['held_out']}.parquet").to_pandas()
        for condition in test["conditions"]:
            rows = table[table["condition"] == condition["name"]]
            assert len(rows) == 12
            said = rows[[f"p_{name}" if f"p_{name}" in rows else name for name in CLASSES]]
            np.testing.assert_allclose(said.sum(axis=1), 1)
            best = np.array(CLASSES)[said.to_numpy().argmax(1)]
            assert (best == rows["label"]).mean() == pytest.approx(condition["wa"], abs=1e-6)
            absent = [i for i, name in enumerate(CLASSES) if name not in test["classes"]]
            if condition["among"] == "its own":
                assert not said.to_numpy()[:, absent].any()
            else:
                assert (said.to_numpy() > 0).all()


CLASSES = ("happy", "sad", "disgusted", "fearful", "surprised", "angry", "other", "neutral")


def test_a_second_run_writes_the_same_bytes(recipe, results, tmp_path):
    again = run(recipe, tmp_path)
    assert again == results
    for name in ("results.json", "report.html", "tables.md", "recipe.yaml"):
        assert (tmp_path / name).read_bytes() == (recipe.parent / "out" / name).read_bytes(), name


def test_a_store_of_its_own_gives_the_same(recipe, results, tmp_path):
    """Trained again from the beginning, for one corpus and one variant."""
    changes = ["held_out=[urdu]", "sweep.soft=[true]"]
    again = run(recipe, tmp_path / "out", store=tmp_path / "store", changes=changes)
    (test,) = again["tests"]
    expected = next(t for t in results["tests"] if t["held_out"] == "urdu")
    assert test["conditions"] == expected["conditions"][:2]
    assert test["comparisons"] == []


def test_the_page_and_the_tables(recipe, results):
    page = (recipe.parent / "out" / "report.html").read_text(encoding="utf-8")
    for said in (SOFT, HARD, "urdu", "Recall of each class", "its own", "hard labels", "never heard"):
        assert said in page, said
    assert "http://" not in page.replace("http://www.w3.org", "") and "<script" not in page
    rows = (recipe.parent / "out" / "tables.md").read_text(encoding="utf-8").splitlines()
    assert rows[0] == "| never heard | trained with | classes | micro F1 | macro F1 | UA |"
    assert len(rows) == 2 + 3 * 4 and rows[2].startswith(f"| it (2) | {SOFT} | all |")


def test_soft_and_hard_labels(recipe):
    table = generalists.load_table()
    read = recipes.load_generalist(recipe)
    manifest = generalists.gather(read, Quiet()).manifests["it"]
    contempt = type(manifest)(
        tuple(type(u)(**{**vars(u), "emotion": "contempt", "measures": {}, "votes": {}}) for u in manifest)
    )
    soft = generalists.soft_labels(read, table, contempt)
    hard = generalists.soft_labels(read, table, contempt, soft=False)
    assert soft[0].tolist() == [0, 0, 0.5, 0, 0, 0, 0.5, 0] and hard[0].tolist() == [0, 0, 1, 0, 0, 0, 0, 0]
    assert generalists.tested(table, contempt)[1] == [], "half disgust is not tested"


def test_one_corpus_cannot_be_held_out_of_itself(tmp_path):
    with pytest.raises(ManifestError, match="two corpora at least"):
        run(tiny_generalist.write(tmp_path, ["it"]), tmp_path / "out")


def test_the_same_recording_in_two_corpora_is_an_error(tmp_path):
    path = tiny_generalist.write(tmp_path, ["it", "eng"])
    tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    tree["corpora"]["copy"] = {"manifest": str(tmp_path / "it.csv")}
    path.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
    with pytest.raises(ManifestError, match=r"(?s)the same recordings.*it and copy: 12 recording"):
        run(path, tmp_path / "out")


def test_weights_that_have_heard_the_tested_corpus_are_refused(tmp_path):
    path = tiny_generalist.write(tmp_path, ["it", "eng"])
    training.save(tiny_generalist.network(tmp_path / "whisper"), tmp_path / "before", {"heard": {"corpora": ["it"]}})
    with pytest.raises(
        ManifestError, match=r"network\.weights have heard it, so that a test would not be of what is new"
    ):
        run(path, tmp_path / "out", changes=[f"network.weights={tmp_path / 'before'}"])


def test_a_corpus_none_of_whose_labels_can_be_tested_is_an_error(tmp_path):
    path = tiny_generalist.write(tmp_path, ["it"])
    mixed = tiny.write_side(tmp_path, "mixed", "ab", ["sad"], spelled={"sad": "contempt"})
    changes = [f"corpora.mixed.manifest={mixed}"]
    with pytest.raises(ManifestError, match="no utterance of mixed has a label of one class; see sottovoce labels"):
        run(path, tmp_path / "out", changes=[*changes, "held_out=[mixed]"])


def test_labels_that_no_table_knows_are_listed(tmp_path):
    path = tiny_generalist.write(tmp_path, ["it", "eng"])
    table = tmp_path / "mine.yaml"
    table.write_text("classes: [sad, neutral]\nlabels: {sad: {sad: 1}, neutral: {neutral: 1}}\n", encoding="utf-8")
    with pytest.raises(ManifestError, match=r"(?s)it.*eng|cannot be harmonised.*'angry' of it \(4 utterances\)"):
        run(path, tmp_path / "out", changes=[f"labels.table={table}"])


def test_a_corpus_that_cannot_be_heard_is_named(tmp_path):
    path = tiny_generalist.write(tmp_path, ["it", "eng"])
    for sound in (tmp_path / "it").iterdir():
        sound.write_bytes(b"no sound")
    with pytest.raises(ManifestError, match=r"not one recording of it can be used(?s:.*)φωνή"):
        run(path, tmp_path / "out")


def test_a_held_out_corpus_must_be_in_the_recipe(recipe):
    with pytest.raises(RecipeError, match=r"held_out names emodb; the corpora are it, eng, urdu"):
        recipes.load_generalist(recipe, ["held_out=[emodb]"])
