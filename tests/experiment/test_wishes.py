"""Which runs a study comes to, and the mistakes that are found before the first of them."""

from __future__ import annotations

import copy
from pathlib import Path
from typing import Any

import pytest
import yaml

from sottovoce import recipe
from sottovoce.errors import RecipeError
from sottovoce.experiment import wishes
from sottovoce.recipe import Study

BASE = {
    "name": "base",
    "target": {"manifest": "target.csv", "language": "it"},
    "source": {"manifest": "source.csv", "language": "en"},
}
ALONE = {"name": "alone", "condition": "target-only"}
OURS = {"name": "ours", "condition": "bootstrapped"}
WHISPER = {"name": "whisper", "weights": "somewhere"}
EPOCHS = {"title": "Epochs", "setting": "training.epochs", "values": [5, 10]}


def read(folder: Path, **parts: Any) -> tuple[Study, Path]:
    (folder / "base.yaml").write_text(yaml.safe_dump(BASE), encoding="utf-8")
    path = folder / "study.yaml"
    path.write_text(yaml.safe_dump({"name": "mine", "base": "base.yaml", **parts}), encoding="utf-8")
    study = recipe.load_study(path)
    assert study is not None
    return study, path


def table(*rows: dict, **more: Any) -> dict:
    return {"title": "Table", "rows": list(rows), **more}


def every_wish_is_met(study: Study, runs: dict) -> bool:
    return all(wish.key in runs for wish in wishes.all_wishes(study))


def test_reading_recipes_leaves_the_study_as_it_is(tmp_path: Path):
    mixed = {**ALONE, "name": "mixed", "change": {"upstream.layer": "mix"}}
    study, path = read(tmp_path, columns=[{"change": {"upstream": WHISPER}}], tables=[table(mixed, ALONE)])
    before = copy.deepcopy(study)
    runs = wishes.variants(study, path, ["upstream.precision=fp32"])
    assert study == before and every_wish_is_met(study, runs)
    assert [run.recipe.upstream.layer for run in runs.values()] == ["mix", "last"]
    assert {run.recipe.upstream.precision for run in runs.values()} == {"fp32"}


def test_a_sweep_within_a_section_that_it_changes(tmp_path: Path):
    sweep = {"title": "t", "setting": "upstream.layer", "values": [1, 2], "change": {"upstream": WHISPER}}
    study, path = read(tmp_path, sweeps=[sweep])
    runs = wishes.variants(study, path)
    assert every_wish_is_met(study, runs) and [run.recipe.upstream.layer for run in runs.values()] == [1, 2]


@pytest.mark.parametrize("change", ["training.epochs=1", "training={epochs: 1}", "training.epochs.most=1"])
def test_a_set_may_not_touch_what_a_sweep_varies(tmp_path: Path, change: str):
    with pytest.raises(RecipeError, match=r"the sweep 'Epochs' sets training\.epochs.*copy of .*study\.yaml"):
        wishes.variants(*read(tmp_path, sweeps=[EPOCHS]), [change])


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ("target.manifest=other.csv", "column 'Second' sets target.manifest"),
        ("upstream.name=egemaps", "row 'ours' sets upstream.name"),
        ("upstream.weights=mine", "row 'ours' sets upstream.weights"),  # they belong to the upstream that it names
        ("selection.rounds=1", "the curve 'Rounds' sets selection.rounds"),
        ("selection={keep: 0.4}", "the curve 'Rounds' sets selection.rounds"),
    ],
)
def test_a_set_may_not_touch_what_columns_rows_and_curves_set(tmp_path: Path, change: str, said: str):
    columns = [{"name": "First"}, {"name": "Second", "change": {"target": {"manifest": "t.csv", "language": "it"}}}]
    ours = {**OURS, "change": {"upstream": {"name": "logmel"}}}
    study, path = read(tmp_path, columns=columns, tables=[table(ALONE, ours)], curves=[{"title": "Rounds"}])
    with pytest.raises(RecipeError, match=said):
        wishes.variants(study, path, [change])


def test_what_belongs_to_a_name_is_not_set_beside_it_however_it_is_written(tmp_path: Path):
    presets = {"title": "Whisper", "setting": "upstream.preset", "values": ["whisper-base", "whisper-small"]}
    with pytest.raises(RecipeError, match=r"the sweep 'Whisper' sets upstream\.weights"):
        wishes.variants(*read(tmp_path, sweeps=[presets]), ["upstream.weights=mine"])


def test_a_set_beside_what_varies_reaches_every_run(tmp_path: Path):
    ours = {**OURS, "change": {"upstream": {"name": "logmel"}}}
    study, path = read(tmp_path, tables=[table(ALONE, ours)], sweeps=[EPOCHS])
    runs = wishes.variants(study, path, ["training.seeds=[7]", "upstream.precision=fp32"]).values()
    assert [(run.recipe.training.seeds, run.recipe.upstream.precision) for run in runs] == [([7], "fp32")] * 4
    study, path = read(tmp_path, sweeps=[EPOCHS])
    runs = wishes.variants(study, path, ["upstream.name=whisper", "upstream.weights=mine"]).values()
    assert {run.recipe.upstream.weights for run in runs} == {"mine"}


def test_a_part_may_not_replace_a_section_in_which_its_column_sets_something(tmp_path: Path):
    ours = {**OURS, "change": {"upstream": WHISPER}}
    with pytest.raises(RecipeError, match="both change upstream"):
        wishes.variants(*read(tmp_path, columns=[{"change": {"upstream.layer": 2}}], tables=[table(ALONE, ours)]))
    with pytest.raises(RecipeError, match=r"both change training\.epochs"):
        wishes.variants(*read(tmp_path, sweeps=[{**EPOCHS, "change": {"training.epochs": 3}}]))


@pytest.mark.parametrize(
    "parts",
    [
        {"tables": [table(ALONE, OURS), table(OURS, ALONE)]},
        {"sweeps": [EPOCHS, {**EPOCHS, "condition": "noise"}]},
        {"curves": [{"title": "Rounds"}, {"title": "Rounds", "rounds": 3}]},
        {"sweeps": [EPOCHS], "curves": [{"title": "Epochs"}]},
    ],
)
def test_titles_differ(tmp_path: Path, parts: dict):
    with pytest.raises(RecipeError, match="two tables, sweeps or curves have the title"):
        read(tmp_path, **parts)


def test_sweeps_and_curves_need_a_condition_that_fits(tmp_path: Path):
    with pytest.raises(RecipeError, match="a gain over target-only: give it another condition"):
        read(tmp_path, sweeps=[{**EPOCHS, "condition": "target-only"}])
    with pytest.raises(RecipeError, match=r"curves\.0\.condition.*'bootstrapped' or 'untranslated-selected'"):
        read(tmp_path, curves=[{"title": "Rounds", "condition": "all-synthetic"}])


def test_a_set_may_not_take_away_a_condition_that_is_shown(tmp_path: Path):
    parts = {"columns": [{"change": {"training.hidden": 8}}], "tables": [table(ALONE, {**OURS, "condition": "noise"})]}
    study, path = read(tmp_path, **parts)
    with pytest.raises(RecipeError, match=r"'alone' needs noise.*target-only, bootstrapped"):
        wishes.variants(study, path, ["conditions=[target-only, bootstrapped]"])
    (run,) = wishes.variants(study, path, ["conditions=[target-only, bootstrapped, noise]"]).values()
    assert run.recipe.conditions == ["target-only", "bootstrapped", "noise"]


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"emotions": ["angry", "sad"]}, "emotions"),
        ({"target": {"manifest": "other.csv", "language": "it"}}, "target"),
        ({"training.seeds": [5]}, r"training\.seeds"),
        ({"protocol": {"kind": "groups"}}, "protocol"),
    ],
)
def test_rows_of_a_table_are_tested_alike(tmp_path: Path, change: dict, said: str):
    with pytest.raises(RecipeError, match=f"row 'ours' of 'Table' differs from row 'alone' in {said}, .*in a column"):
        wishes.variants(*read(tmp_path, tables=[table(ALONE, {**OURS, "change": change})]))
    both = [{**ALONE, "change": change}, {**OURS, "change": change}]
    assert len(wishes.variants(*read(tmp_path, tables=[table(*both)]))) == 1


def test_the_paper_s_figures_are_looked_up_before_the_first_run(tmp_path: Path):
    columns = [{"name": "EmoDB", "printed": "emodb"}]
    rows = [ALONE, {**OURS, "printed": "everybody"}]
    with pytest.raises(RecipeError, match="no row 'everybody'"):
        wishes.variants(*read(tmp_path, columns=columns, tables=[table(*rows, printed="table4")]))
    rows = [ALONE, {**OURS, "printed": "ours"}]
    with pytest.raises(RecipeError, match="no column 'urdu'"):
        wishes.variants(*read(tmp_path, columns=[{"printed": "urdu"}], tables=[table(*rows, printed="table4")]))


def test_adaptive_pools_the_base_recipe_s_conditions_whichever_are_shown(tmp_path: Path):
    changed = {"change": {"training.hidden": 8}}
    study, path = read(tmp_path, tables=[table({**ALONE, **changed}, {**OURS, "condition": "adaptive", **changed})])
    (run,) = wishes.variants(study, path).values()
    assert run.recipe.conditions == [
        "target-only", "all-synthetic", "bootstrapped", "untranslated", "untranslated-selected", "adaptive"
    ]  # fmt: skip
    assert run.recipe.model.condition == "adaptive"
    study, path = read(tmp_path, sweeps=[{**EPOCHS, "condition": "adaptive"}])
    assert all("untranslated" in run.recipe.conditions for run in wishes.variants(study, path).values())
    few = {"conditions": ["target-only", "noise", "adaptive"]}
    study, path = read(tmp_path, tables=[table(ALONE, {**OURS, "condition": "adaptive", "change": few})])
    assert list(wishes.variants(study, path).values())[-1].recipe.conditions == few["conditions"]


def test_no_two_runs_share_a_folder_even_on_disks_that_know_no_capitals(tmp_path: Path):
    names = ["base", "run", "run 3", "Run", "RUN", "!!!"]
    rows = [{**OURS, "name": name, "change": {"training.hidden": 8 + i}} for i, name in enumerate(names)]
    folders = [run.folder for run in wishes.variants(*read(tmp_path, tables=[table(ALONE, *rows)])).values()]
    assert folders == ["base", "base-2", "run", "run-3", "run-2", "run-4", "run-5"]
    assert len({folder.lower() for folder in folders}) == len(folders)


@pytest.mark.parametrize(
    "name", [name for name, path in recipe.shipped().items() if "base:" in path.read_text("utf-8")]
)
def test_shipped_studies_pass_and_take_seeds(name: str, monkeypatch):
    for variable in ("SOTTOVOCE_DATA", "SOTTOVOCE_WEIGHTS"):
        monkeypatch.setenv(variable, "/somewhere")
    path = recipe.shipped()[name]
    study = recipe.load_study(path)
    assert study is not None
    runs = wishes.variants(study, path, ["training.seeds=[0]", "upstream.precision=fp32"])
    assert every_wish_is_met(study, runs)
    assert {(tuple(r.recipe.training.seeds), r.recipe.upstream.precision) for r in runs.values()} == {((0,), "fp32")}
