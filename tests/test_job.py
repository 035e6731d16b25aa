"""The whole job on tones: every file of a run, each figure computed again from the files beside it."""

from __future__ import annotations

import json
import shutil
from collections import defaultdict

import numpy as np
import pyarrow.parquet as pq
import pytest
from sklearn.metrics import accuracy_score, balanced_accuracy_score, f1_score

import sottovoce
from sottovoce import job
from sottovoce import recipe as recipes
from sottovoce.errors import SottovoceError
from sottovoce.experiment.place import Place
from sottovoce.judging import calibration
from sottovoce.judging.results import headline
from sottovoce.judging.splits import FoldPlan
from sottovoce.speech.manifest import Manifest
from sottovoce.store.artefacts import Store
from tests import launcher, tiny
from tests.tiny_run import FILES, TinyRun

ROUNDS = {
    ("target-only", 0),
    ("all-synthetic", 0),
    ("bootstrapped", 1),
    ("bootstrapped", 2),
    ("untranslated", 0),
    ("untranslated-selected", 1),
    ("untranslated-selected", 2),
}
CLASSES = list(tiny.EMOTIONS)


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> TinyRun:
    place = tmp_path_factory.mktemp("job")
    finished = TinyRun(place, tiny.write_all(place), place / "runs" / "tiny")
    outcome = finished.start().wait()
    assert outcome.code == 0, outcome.err
    return finished


def test_the_files_are_those_that_are_promised(run):
    assert run.files() == FILES


def test_results_have_the_promised_fields(run):
    results = run.json("results.json")
    kinds = {
        "schema": int,
        "target": str,
        "source": str,
        "upstream": str,
        "translator": str,
        "protocol": str,
        "n_speakers": int,
        "n_folds": int,
        "seeds": list,
        "contaminated": list,
        "conditions": list,
        "comparisons": list,
        "warnings": list,
        "environment": dict,
    }
    assert {name: type(content) for name, content in results.items()} == kinds
    assert (results["schema"], results["n_speakers"], results["n_folds"], results["seeds"]) == (1, 4, 4, [0, 1])
    assert {(c["name"], c["round"]) for c in results["conditions"]} == ROUNDS
    for condition in results["conditions"]:
        for metric in ("ua", "wa", "macro_f1"):
            low, high = condition[f"{metric}_ci95"]
            assert 0 <= low <= condition[metric] <= high <= 1
        assert [each["seed"] for each in condition["per_seed"]] == [0, 1]
        assert isinstance(condition["interval_method"], str) and condition["n_selected"] >= 0
    for row in results["comparisons"]:
        assert {"a", "b", "metric", "delta", "ci95", "p", "p_holm", "n_speakers"} <= set(row)
        assert 0 < row["p"] <= row["p_holm"] <= 1


def test_every_score_follows_from_the_predictions(run):
    by_model = defaultdict(list)
    for row in run.rows("predictions.parquet"):
        by_model[row["condition"], row["round"], row["seed"]].append(row)
    scores = defaultdict(list)
    for (name, number, _), rows in sorted(by_model.items()):
        assert sorted(r["utterance"] for r in rows) == sorted(u["id"] for u in run.rows("manifests/target.parquet"))
        true = [row["label"] for row in rows]
        guess = [max(CLASSES, key=row.__getitem__) for row in rows]
        f1 = f1_score(true, guess, average="macro", labels=sorted({*true, *guess}))
        scores[name, number].append([balanced_accuracy_score(true, guess), accuracy_score(true, guess), f1])
    for condition in run.json("results.json")["conditions"]:
        figures = [condition[metric] for metric in ("ua", "wa", "macro_f1")]
        assert figures == pytest.approx(np.mean(scores[condition["name"], condition["round"]], axis=0), abs=1e-6)
    assert len({row["wa"] for row in run.json("results.json")["conditions"]}) > 1, "too easy to tell conditions apart"


def test_the_folds_are_proven(run):
    plan = FoldPlan.read(run.folder / "folds.json")
    proof = plan.proof()
    assert proof["speaker_disjoint"] and proof["every_utterance_tested_once"]
    speaker = {u["id"]: u["speaker"] for u in run.rows("manifests/target.parquet")}
    tested = {fold.number: {speaker[i] for i in fold.test} for fold in plan.folds}
    assert sorted(map(sorted, tested.values())) == [["1"], ["2"], ["3"], ["4"]]
    for row in run.rows("predictions.parquet"):
        assert {row["speaker"]} == {speaker[row["utterance"]]} == tested[row["fold"]]


def test_the_selection_is_the_papers(run):
    """Eq. 3 of arXiv 2409.10985, from `kl` and `correct`."""
    table = pq.read_table(run.folder / "selection.parquet")
    assert table.column_names == ["condition", "fold", "seed", "round", "utterance", "kl", "correct", "kept"]
    groups = defaultdict(list)
    for row in table.to_pylist():
        groups[row["condition"], row["fold"], row["seed"], row["round"]].append(row)
    assert len(groups) == 2 * 4 * 2 * 2
    n_kept = defaultdict(list)
    for (condition, _, _, number), rows in groups.items():
        assert len(rows) == len(run.rows("manifests/source.parquet"))
        median = np.median([row["kl"] for row in rows])
        assert [row["kept"] for row in rows] == [row["correct"] and row["kl"] < median for row in rows]
        n_kept[condition, number].append(sum(row["kept"] for row in rows))
    for condition in run.json("results.json")["conditions"]:
        if condition["round"]:
            expected = np.mean(n_kept[condition["name"], condition["round"]])
            assert condition["n_selected"] == pytest.approx(expected, abs=0.006)


def test_manifests_lead_from_each_other(run):
    target, source, translated, kept = (
        Manifest.read(run.folder / "manifests" / f"{name}.parquet")
        for name in ("target", "source", "translated", "kept")
    )
    assert (len(target), len(source), len(translated)) == (24, 19, 19)
    of = {u.id: u for u in source}
    for utterance in translated:
        origin = of[utterance.translated_from or ""]
        assert (utterance.speaker, utterance.corpus, utterance.emotion) == (origin.speaker, "source", origin.emotion)
        assert utterance.votes == origin.votes and utterance.language == "it" and utterance.text == tiny.TRANSLATED
    last = [r for r in run.rows("selection.parquet") if (r["condition"], r["round"]) == ("bootstrapped", 2)]
    share = {u.id: np.mean([r["kept"] for r in last if r["utterance"] == u.id]) for u in translated}
    assert {u.id: u.measures["kept_share"] for u in kept} == pytest.approx(
        {name: each for name, each in share.items() if each}, abs=1e-4
    )


def test_namesakes_of_two_corpora_are_named(run):
    """The tiny source shares three names with the target."""
    assert any(
        w.startswith("3 names of speakers are on both sides, in different corpora")
        for w in run.json("results.json")["warnings"]
    )


def test_the_report_says_the_headline_and_the_warnings(run):
    page, results = (run.folder / "report.html").read_text(encoding="utf-8"), run.json("results.json")
    assert headline(results) in page
    assert results["warnings"] and all(warning.split(":")[0] in page for warning in results["warnings"])
    assert "<script" not in page and 'src="http' not in page and 'href="http' not in page.replace("https://arxiv", "")


def test_the_screen_claims_no_more_than_the_folds_allow(run, tmp_path):
    """`report` prints the headline; with speakers on both sides of a fold it must not speak of new speakers."""
    folder = tmp_path / "copy"
    shutil.copytree(run.folder, folder)
    assert "never heard in training" in launcher.sottovoce(tmp_path, "report", folder).out
    results = run.json("results.json")
    results["warnings"].insert(0, "speaker-dependent: these folds have the same speakers on both sides")
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    told = launcher.sottovoce(tmp_path, "report", folder).out
    assert "not evidence about new speakers" in told and "never heard in training" not in told


def test_speakers_whom_no_fold_tests_are_counted_apart(run, tmp_path):
    some = TinyRun(run.place, run.recipe, tmp_path / "some")
    folds = "protocol={kind: given, folds: [['1'], ['3']]}"
    outcome = some.start("--set", folds, "--set", "conditions=[target-only]").wait()
    assert outcome.code == 0, outcome.err
    results = some.json("results.json")
    assert results["n_speakers"] == 2 == len({row["speaker"] for row in some.rows("predictions.parquet")})
    expected = "2 speakers are in no test part: the scores are of the other 2"
    assert expected in results["warnings"] and expected not in run.json("results.json")["warnings"]


def test_the_model_labels_recordings(run):
    model = sottovoce.load(run.folder / "model")
    clips = sorted((run.place / "target").glob("*.wav"))[:3]
    said = model.predict(*clips)
    assert [list(each) for each in said] == [CLASSES] * 3
    assert [sum(each.values()) for each in said] == pytest.approx([1, 1, 1], abs=1e-5)
    assert model.predict(clips[1])[0] == pytest.approx(said[1], abs=1e-5)
    card = (run.folder / "model" / "README.md").read_text(encoding="utf-8")
    assert "95 % interval" in card and "Licences" in card
    assert len(model.config.trained_on.target_speakers) == 4


def test_the_model_is_the_one_that_was_chosen(run):
    """`auto`: the winner over all folds; its calibration is that of what each fold chose by the others."""
    config, chosen = sottovoce.load(run.folder).config, run.json("details.json")["chosen"]
    last = {
        condition["name"]: condition for condition in run.json("results.json")["conditions"]
    }  # the last round stays
    best = max(last.values(), key=lambda condition: condition["macro_f1"])
    assert (config.condition, config.round) == (chosen["condition"], chosen["round"]) == (best["name"], best["round"])
    assert set(chosen["by_fold"]) == {"1", "2", "3", "4"} and chosen["scores"]["name"] == "as chosen"
    taken = {int(fold): (name, last[name]["round"]) for fold, name in chosen["by_fold"].items()}
    rows = [r for r in run.rows("predictions.parquet") if (r["condition"], r["round"]) == taken[r["fold"]]]
    said, true = np.array([[row[c] for c in CLASSES] for row in rows]), [CLASSES.index(row["label"]) for row in rows]
    left_out = calibration.cross_fitted(said, np.array(true), [row["speaker"] for row in rows])
    loss, loss_as_trained = (calibration.log_loss(each, np.array(true), 1.0) for each in (left_out, said))
    fitted = calibration.fitted_temperature(said, np.array(true)) if loss < loss_as_trained else 1.0
    assert config.reliance.temperature == pytest.approx(fitted)
    assert config.reliance.answers[-1].error == pytest.approx(np.mean(said.argmax(1) != true))
    assert config.reliance.n_speakers == 4 and config.trained_on.languages in (["it"], ["en", "it"])
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert "Do its probabilities mean what they say?" in page and "When it is unsure" in page


def test_an_interrupted_run_of_another_recipe_leaves_no_mixture(run, tmp_path, monkeypatch):
    """Until it is done the folder is the earlier run's; from then on nothing of that is shown as its own."""
    folder = tmp_path / "copy"
    shutil.copytree(run.folder, folder)
    other, place = recipes.load(run.recipe, ["training.epochs=3"]), Place(Store(run.place / "store"))

    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(job, "train_all", interrupted)
    with pytest.raises(KeyboardInterrupt):
        job.run(other, folder, place)
    assert (folder / "recipe.yaml").read_bytes() == (run.folder / "recipe.yaml").read_bytes()
    monkeypatch.undo()
    monkeypatch.setattr(job, "_results", interrupted)
    with pytest.raises(KeyboardInterrupt):
        job.run(other, folder, place)
    assert recipes.load(folder / "recipe.yaml") == other and not (folder / "results.json").exists()
    assert launcher.sottovoce(tmp_path, "report", folder).code == 1
    with pytest.raises(SottovoceError):
        sottovoce.load(folder)


def test_the_written_recipe_is_complete(run):
    written = recipes.load(run.folder / "recipe.yaml")
    assert written == recipes.load(run.recipe) and written.selection.rounds == 2


def test_nothing_depends_on_what_was_kept(run):
    """Again from everything kept, from the store alone, and from nothing: the same bytes."""
    names = ("results.json", "predictions.parquet", "selection.parquet", "folds.json", "recipe.yaml", "report.html")
    before = {name: (run.folder / name).read_bytes() for name in names}
    for lost in ((), (run.folder,), (run.folder, run.place / "store")):
        for folder in lost:
            shutil.rmtree(folder)
        assert run.start().wait().code == 0
        assert {name: (run.folder / name).read_bytes() for name in names} == before, lost
