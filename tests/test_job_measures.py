"""A whole run of measures on tones: its files, its figures computed again, its model, and a run that was killed."""

from __future__ import annotations

import csv
import json
import signal
from collections import defaultdict
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import yaml
from scipy import stats

import sottovoce
from sottovoce.errors import RecipeError
from sottovoce.experiment.wishes import variants
from sottovoce.judging.results import headline
from sottovoce.recipe import load_study
from sottovoce.use.config import MeasuresConfig
from tests import launcher, tiny
from tests.tiny_run import FILES, TinyRun

CONDITIONS = ["target-only", "all-synthetic", "bootstrapped", "untranslated", "untranslated-selected", "noise"]


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> TinyRun:
    place = tmp_path_factory.mktemp("measures")
    finished = TinyRun(place, tiny.write_measured(place, conditions=CONDITIONS), place / "runs" / "tiny")
    outcome = finished.start().wait()
    assert outcome.code == 0, outcome.err
    assert "arousal of " in outcome.out and "changed CCC by" in outcome.out
    assert "1 of 25 utterances of the target lack arousal" in outcome.err
    return finished


def test_the_files_are_those_of_a_run_of_emotions(run):
    assert run.files() == FILES


def test_every_score_follows_from_the_predictions(run):
    label = {u["id"]: u["measure_arousal"] for u in run.rows("manifests/target.parquet")}
    by_model = defaultdict(list)
    for row in run.rows("predictions.parquet"):
        assert row["true_arousal"] == label[row["utterance"]] and 0 <= row["said_arousal"] <= 2
        by_model[row["condition"], row["round"], row["seed"]].append((row["true_arousal"], row["said_arousal"]))
    scores = defaultdict(list)
    for (name, number, _), pairs in by_model.items():
        true, said = np.array(pairs).T
        assert len(true) == 24
        ccc = 2 * np.cov(true, said, bias=True)[0, 1] / (true.var() + said.var() + (true.mean() - said.mean()) ** 2)
        scores[name, number].append([ccc, stats.pearsonr(true, said)[0], np.abs(true - said).mean()])
    results = run.json("results.json")
    assert results["measures"] == {"arousal": {"target": [0, 2], "source": [1, 7]}}
    for condition in results["conditions"]:
        expected = np.mean(scores[condition["name"], condition["round"]], axis=0)
        found = [condition["by_measure"]["arousal"][metric] for metric in ("ccc", "pearson", "mae")]
        assert found == pytest.approx(expected, abs=1e-6) and condition["ccc"] == pytest.approx(expected[0], abs=1e-6)
    assert {name for name, _ in scores} == set(CONDITIONS)
    assert max(c["ccc"] for c in results["conditions"]) > 0.5, "tones whose pitch tells it were not learned"
    assert {c["metric"] for c in results["comparisons"]} == {"ccc"}


def test_the_selection_is_by_error_below_the_median(run):
    table = pq.read_table(run.folder / "selection.parquet")
    assert table.column_names == ["condition", "fold", "seed", "round", "utterance", "error", "kept"]
    groups = defaultdict(list)
    for row in table.to_pylist():
        groups[row["condition"], row["fold"], row["seed"], row["round"]].append(row)
    assert len(groups) == 2 * 4 * 2 * 2
    for rows in groups.values():
        median = np.median([row["error"] for row in rows])
        assert [row["kept"] for row in rows] == [row["error"] < median for row in rows]
    assert any(row["kept"] for row in table.to_pylist()) and run.json("details.json")["criterion"] == "error"


def test_translations_and_the_model_have_the_measure(run):
    source = {u["id"]: u["measure_arousal"] for u in run.rows("manifests/source.parquet")}
    for translated in run.rows("manifests/translated.parquet"):
        assert translated["measure_arousal"] == source[translated["translated_from"]]
    model, chosen = sottovoce.load(run.folder), run.json("details.json")["chosen"]
    assert isinstance(model.config, MeasuresConfig) and model.config.condition == chosen["condition"]
    (told,) = model.measures
    assert (told.name, told.lowest, told.highest) == ("arousal", 0, 2)
    assert told.mae == chosen["scores"]["by_measure"]["arousal"]["mae"]
    low, high = (run.place / "target" / f"φωνή 1_0 {e}.wav" for e in ("sad", "angry"))
    said = model.predict(low, high)
    assert 0 <= said[0]["arousal"] < said[1]["arousal"] <= 2
    card = (run.folder / "model" / "README.md").read_text(encoding="utf-8")
    assert f"{told.mae:.3g} |" in card and "CCC" in card and "Licences" in card and "classes" not in card


def test_predict_prints_the_units_and_how_far_off_it_is(run, tmp_path):
    clips = run.place / "target"
    shown = launcher.sottovoce(tmp_path, "predict", run.folder, clips)
    assert "arousal" in shown.out and "off on average, for speakers unheard in training" in shown.err
    written = tmp_path / "said.csv"
    assert launcher.sottovoce(tmp_path, "predict", run.folder, clips, "-o", written, "--quiet").code == 0
    with written.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == ["file", "start_s", "end_s", "arousal", "error"] and len(rows) == 25
    records = json.loads(launcher.sottovoce(tmp_path, "predict", run.folder, clips, "--format", "json", "--quiet").out)
    assert [r["measures"]["arousal"] for r in records] == [float(row["arousal"]) for row in rows]
    refused = launcher.sottovoce(tmp_path, "predict", run.folder, clips, "--error-rate", "0.1")
    assert refused.code == 2 and "models of emotions" in refused.err


@pytest.mark.parametrize("verb", ["timeline", "export"])
def test_what_shows_emotions_refuses_in_one_line(run, tmp_path, verb):
    clip = [next((run.place / "target").glob("*.wav"))] if verb == "timeline" else []
    outcome = launcher.sottovoce(tmp_path, verb, run.folder, *clip)
    assert outcome.code == 1 and "this model says arousal" in outcome.err and "sottovoce predict" in outcome.err


def test_the_report_speaks_of_the_measure(run):
    page = (run.folder / "report.html").read_text(encoding="utf-8")
    assert headline(run.json("results.json")) in page
    for part in ("What was said, and what is true", "The model of this run", "CCC of each speaker", "squared error"):
        assert part in page
    assert "Macro F1" not in page and "What is taken for what" not in page


def test_a_dry_run_afterwards_has_nothing_left(run):
    outcome = run.start("--dry-run").wait()
    (training,) = [line for line in outcome.out.splitlines() if "training" in line]
    cells = [cell.strip() for cell in training.split("│")]
    assert cells[2] == cells[3] != "0", training


def n_banks(place: Path) -> int:
    """How many are finished."""
    return sum(not seal.parent.name.startswith(".") for seal in place.glob("store/banks/*/*/seal.json"))


def test_a_run_that_was_killed_goes_on(run, tmp_path):
    again = TinyRun(tmp_path, run.recipe, tmp_path / "out")
    in_training = again.start().signal_when(lambda: n_banks(tmp_path) >= 2, within_s=300)
    assert in_training.code == -signal.SIGKILL
    assert again.start().wait().code == 0
    for name in ("results.json", "predictions.parquet", "selection.parquet", "model/model.safetensors"):
        assert (again.folder / name).read_bytes() == (run.folder / name).read_bytes()


def test_a_study_of_measures_is_refused(run, tmp_path):
    path = tmp_path / "study.yaml"
    path.write_text(yaml.safe_dump({"name": "s", "base": str(run.recipe), "curves": [{"title": "Rounds"}]}))
    study = load_study(path)
    assert study is not None
    with pytest.raises(RecipeError, match="predicts measures"):
        variants(study, path)
