"""A study over two corpora with a sweep and a curve: what is shared, corrected, printed beside, and kept."""

from __future__ import annotations

import csv
import json
import shutil
from pathlib import Path

import pytest
import yaml

from sottovoce import job, recipe, study
from sottovoce.errors import RecipeError
from sottovoce.experiment import wishes
from sottovoce.experiment.place import Place
from sottovoce.judging import certainty, printed
from sottovoce.judging import predictions as prediction_table
from sottovoce.show.rounds import oracle
from sottovoce.store.artefacts import Store
from tests import launcher, tiny

TREE = {
    "name": "both",
    "base": "tiny.yaml",
    "columns": [
        {"name": "First", "printed": "emodb"},
        {"name": "Second", "printed": "emovo", "change": {"target": {"manifest": "second.csv", "language": "it"}}},
    ],
    "tables": [
        {
            "title": "Augmentation",
            "printed": "table4",
            "rows": [
                {"name": "target alone", "condition": "target-only", "printed": "baseline"},
                {"name": "noise", "condition": "noise", "printed": "noise", "against": "target alone"},
                {"name": "ours", "condition": "bootstrapped", "printed": "ours", "against": "target alone"},
                {"name": "not theirs", "condition": "copypaste", "against": "noise"},
            ],
        }
    ],
    "sweeps": [{"title": "Quantile", "setting": "selection.keep", "values": [0.3, 0.5]}],
    "curves": [{"title": "Rounds", "rounds": 3}],
}
CHANGES = ["training.seeds=[0]", "training.epochs=2"]


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("columns")
    path = tiny.write_all(folder, selection={"criterion": "kl"})
    second = tiny.write_side(folder, "second", "789")
    base = yaml.safe_load(path.read_text(encoding="utf-8"))
    path.write_text(yaml.safe_dump(base, allow_unicode=True), encoding="utf-8")
    tree = json.loads(json.dumps(TREE))
    tree["columns"][1]["change"]["target"]["manifest"] = str(second)
    (folder / "both.yaml").write_text(yaml.safe_dump(tree), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def make(place):
    """Run the study, without the pages of its runs, which take most of the time and are tested elsewhere."""
    path = place / "both.yaml"
    found = recipe.load_study(path)
    assert found is not None
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(job, "write_report", lambda folder: folder)
        yield lambda: study.run(found, path, place / "out", Place(Store(place / "store")), changes=CHANGES)


@pytest.fixture(scope="module")
def done(make) -> dict:
    return make()


def test_every_column_is_a_run_of_its_own_and_wishes_share_runs(place, done):
    folders = sorted(p.name for p in (place / "out" / "runs").iterdir())
    assert folders == sorted(
        f"{column}-{name}"
        for column in ("first", "second")
        for name in ("base", "selection-keep-0-3", "selection-keep-0-5", "rounds")
    )
    assert done["target"] == {"First": "target", "Second": "second"} and done["seeds"] == [0]


def test_scores_are_those_of_the_runs(place, done):
    for part, column in zip(done["tables"], ("first", "second"), strict=True):
        kept = json.loads((place / "out" / "runs" / f"{column}-base" / "results.json").read_text())
        for row in part["rows"]:
            last = max((c for c in kept["conditions"] if c["name"] == row["condition"]), key=lambda c: c["round"])
            assert (row["macro_f1"], row["ua_ci95"]) == (last["macro_f1"], last["ua_ci95"])


def test_what_differs_between_columns_is_said_with_their_names(done, place):
    assert done["n_speakers"] == {"First": 4, "Second": 3}
    page = (place / "out" / "report.html").read_text(encoding="utf-8")
    assert "First 4; Second 3" in page and '<a href="runs/first-base/report.html">' in page
    alike, other = {"n_speakers": 9, "comparisons": [], "warnings": ["both"]}, {"warnings": ["fold 1: no sad", "both"]}
    said = study._warnings({"First": [alike, alike], "Second": [alike | other]})
    assert said == ["both", "Second: fold 1: no sad"]


def test_holm_is_over_all_columns(done):
    for metric in ("macro_f1", "ua", "wa"):
        family = [c for part in done["tables"] for c in part["comparisons"] if c["metric"] == metric]
        assert [(c["a"], c["b"]) for c in family[:3]] == [
            ("noise", "target alone"),
            ("ours", "target alone"),
            ("not theirs", "noise"),
        ]
        assert len(family) == 6
        assert [c["p_holm"] for c in family] == pytest.approx(certainty.holm([c["p"] for c in family]), abs=1e-6)


def test_what_a_column_cannot_reach_is_said_of_it_alone(done):
    """Of 4 and 3 speakers no p can be small; of 6 beside 10 one can: Holm's correction steps down past the smaller."""
    said = [part["warnings"] for part in done["tables"]]
    assert ["4 speakers" in said[0][0], "3 speakers" in said[1][0]] == [True, True]

    def compared(n_speakers: int, n: int) -> list[dict]:
        least = certainty.smallest_p(n_speakers)
        return [{"metric": "macro_f1", "p": least, "n_speakers": n_speakers} for _ in range(n)]

    few, more = compared(6, 1), compared(10, 1)
    assert study._corrected([few, more]) == [[], []] and few[0]["p_holm"] < 0.05
    of_few, of_more = study._corrected([compared(6, 2), compared(10, 2)])
    assert "over 4 comparisons" in of_few[0] and of_more == []


def test_the_paper_s_figures_stand_beside_ours(place, done):
    cells = {(part["column"], row["name"]): row["printed"] for part in done["tables"] for row in part["rows"]}
    assert cells["First", "ours"] == {"wa": 0.8594, "ua": 0.8517, "macro_f1": 0.8527}
    assert cells["Second", "noise"] == {"wa": 0.4980, "ua": 0.4980, "macro_f1": 0.4501}
    assert cells["First", "not theirs"] is None
    row = next(r for r in done["tables"][0]["rows"] if r["name"] == "ours")
    assert f"85.3 ({100 * (row['macro_f1'] - 0.8527):+.1f})".replace("-", "−") in (
        place / "out" / "report.html"
    ).read_text(encoding="utf-8")


def test_a_sweep_is_the_gain_at_each_value(place, done):
    for part, column in zip(done["sweeps"], ("first", "second"), strict=True):
        assert [point["value"] for point in part["points"]] == [0.3, 0.5]
        for point in part["points"]:
            kept = json.loads((place / "out" / point["run"] / "results.json").read_text())
            assert column in point["run"]
            scores = {(c["name"], c["round"]): c["macro_f1"] for c in kept["conditions"]}
            gain = next(g for g in point["gains"] if g["metric"] == "macro_f1")
            assert gain["delta"] == pytest.approx(scores["bootstrapped", 2] - scores["target-only", 0], abs=2e-6)
    few, many = (point["score"]["n_selected"] for point in done["sweeps"][0]["points"])
    assert 0 < few < many


def test_a_curve_has_every_round_and_the_oracle(place, done):
    for part in done["curves"]:
        assert [c["round"] for c in part["rounds"]] == [0, 1, 2, 3]
        table = prediction_table.read(place / "out" / part["run"] / "predictions.parquet")
        assert part["oracle"] == oracle(table, "bootstrapped", "target-only")


def test_the_tables_as_files(place, done):
    with (place / "out" / "tables.csv").open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    of_table = [r for r in rows if r["table"] == done["tables"][0]["title"]]
    assert len(of_table) == 2 * 4 * 3
    for part in done["sweeps"]:
        of_sweep = [r for r in rows if (r["table"], r["column"]) == (part["title"], part["column"])]
        assert len(of_sweep) == 2 * 3 * len(part["points"])
        first = next(r for r in of_sweep if r["metric"] == "ua")
        assert float(first["score"]) == part["points"][0]["score"]["ua"]
    for part in done["curves"]:
        *rounds, best = [r for r in rows if (r["table"], r["column"]) == (part["title"], part["column"])]
        assert [r["row"] for r in rounds[::3]] == ["round 0", "round 1", "round 2", "round 3"]
        assert (best["row"], float(best["score"])) == ("oracle", part["oracle"])
    ours = next(r for r in rows if (r["column"], r["row"], r["metric"]) == ("Second", "ours", "macro_f1"))
    assert float(ours["printed"]) == 0.5104
    assert float(ours["score"]) == next(r for r in done["tables"][1]["rows"] if r["name"] == "ours")["macro_f1"]
    text = (place / "out" / "tables.md").read_text(encoding="utf-8")
    assert "First UA | First WA | First macro F1 | Second UA" in text and "**Quantile**" in text and "oracle" in text
    latex = (place / "out" / "tables.tex").read_text(encoding="utf-8")
    assert latex.count(r"\begin{tabular}") == latex.count(r"\end{tabular}") == 6 and r"95 \%" not in latex
    page = (place / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("<svg") == 3 and "<script" not in page and "looks swapped" not in page


def test_again_it_trains_nothing_and_writes_the_same(place, done, make, monkeypatch):
    before = {name: (place / "out" / name).read_bytes() for name in ("results.json", "report.html", "tables.tex")}
    monkeypatch.setattr("sottovoce.learning.bank.train", lambda *_, **__: pytest.fail("trained again"))
    make()
    assert before == {name: (place / "out" / name).read_bytes() for name in before}


def test_a_study_that_was_stopped_goes_on(place, done, make, monkeypatch):
    """Stopped after three runs: these are found again, and the end is that of a study that was not stopped."""
    whole, runs = job.run, []

    def three(*arguments, **named):
        if len(runs) == 3:
            raise KeyboardInterrupt
        runs.append(arguments[1].name)
        return whole(*arguments, **named)

    before = (place / "out" / "results.json").read_bytes()
    shutil.rmtree(place / "out")
    shutil.rmtree(place / "store" / "banks")
    with monkeypatch.context() as patch:
        patch.setattr(job, "run", three)
        with pytest.raises(KeyboardInterrupt):
            make()
    kept = {path: path.stat().st_mtime_ns for path in (place / "store" / "banks").rglob("heads.safetensors")}
    make()
    assert kept and all(path.stat().st_mtime_ns == time for path, time in kept.items())
    assert (place / "out" / "results.json").read_bytes() == before


def test_from_the_command_line(place, done):
    words = ("study", "both.yaml", "--out", "out", "--store", "store", "--quiet")
    changed = [word for change in CHANGES for word in ("--set", change)]
    planned = launcher.sottovoce(place, *words, *changed, "--dry-run")
    assert planned.code == 0 and "both, 8 runs" in planned.out and "nothing was changed" in planned.out, planned.err
    stages = {line.split("│")[1].strip(): line.split("│")[2:4] for line in planned.out.splitlines() if "│" in line}
    assert all(int(total) == int(kept) > 0 for name, (total, kept) in stages.items() if name != "check")
    assert int(stages["features: source"][0]) == 19, "counted once for all eight runs"
    varied = launcher.sottovoce(place, *words, "--set", "selection.keep=0.4", "--dry-run")
    assert varied.code != 0 and "the sweep 'Quantile' sets selection.keep" in varied.err
    wrong = launcher.sottovoce(place, "study", "tiny.yaml")
    assert wrong.code != 0 and "is the recipe of one run" in wrong.err


def test_mistakes_are_named(place, tmp_path):
    def load(**changes: object):
        path = tmp_path / "wrong.yaml"
        path.write_text(yaml.safe_dump({**TREE, "base": str(place / "tiny.yaml"), **changes}), encoding="utf-8")
        return recipe.load_study(path), path

    both = [{"name": "First", "change": {"selection.keep": 0.4}}]
    with pytest.raises(RecipeError, match=r"both change selection\.keep"):
        wishes.variants(*load(columns=both))
    with pytest.raises(RecipeError, match="two columns have one name"):
        load(columns=[{"name": "a"}, {"name": "a"}])
    rows = [*TREE["tables"][0]["rows"][:2], {"name": "x", "condition": "noise", "against": "nobody"}]
    with pytest.raises(RecipeError, match="against nobody, which is no row"):
        load(tables=[{"title": "t", "rows": rows}])
    with pytest.raises(RecipeError, match=r"table4 has no row 'everybody'.*baseline"):
        printed.figures("table4", "everybody", "emodb")
    with pytest.raises(RecipeError, match="has no column 'urdu'"):
        printed.figures("table4", "ours", "urdu")
