"""Tables of runs: what is shared, what is compared, and what is printed."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import yaml

from sottovoce import recipe, study
from sottovoce.errors import RecipeError
from sottovoce.experiment import wishes
from sottovoce.experiment.place import Place
from sottovoce.judging import predictions as prediction_table
from sottovoce.store.artefacts import Store
from tests import tiny

PLAINLY = {"translation.expressive": False}
ROWS = [
    {"name": "target alone", "condition": "target-only"},
    {"name": "plain", "condition": "bootstrapped", "marks": ["HR", "TR", "BO"], "change": PLAINLY},
    {"name": "all", "condition": "all-synthetic", "marks": ["HR", "TR", "EX"]},
    {"name": "everything", "condition": "bootstrapped", "marks": ["HR", "TR", "EX", "BO"]},
]  # fmt: skip
CHANGES = ["training.seeds=[0]", "training.epochs=2"]


def write(folder: Path, rows: list[dict], base: str = "tiny.yaml") -> Path:
    path = folder / "table.yaml"
    tree = {"name": "table", "base": base, "tables": [{"title": "Components", "rows": rows}]}
    path.write_text(yaml.safe_dump(tree), encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def done(tmp_path_factory) -> tuple[Path, dict]:
    folder = tmp_path_factory.mktemp("study")
    tiny.write_all(folder)
    path = write(folder, ROWS)
    table = recipe.load_study(path)
    assert table is not None
    return folder, study.run(table, path, folder / "out", Place(Store(folder / "store")), changes=CHANGES)


def test_rows_with_equal_settings_share_a_run(done):
    folder, _ = done
    assert sorted(p.name for p in (folder / "out" / "runs").iterdir()) == ["base", "plain"]
    made = {
        name: yaml.safe_load((folder / "out" / "runs" / name / "recipe.yaml").read_text()) for name in ("base", "plain")
    }
    assert made["base"]["translation"]["expressive"] and not made["plain"]["translation"]["expressive"]
    assert made["base"]["training"]["epochs"] == made["plain"]["training"]["epochs"] == 2
    assert made["plain"]["conditions"] == ["target-only", "bootstrapped"]


def test_the_rows_are_the_conditions_of_their_runs(done):
    folder, results = done
    (table,) = results["tables"]
    assert [row["name"] for row in table["rows"]] == [row["name"] for row in ROWS]
    runs = {n: json.loads((folder / "out" / "runs" / n / "results.json").read_text()) for n in ("base", "plain")}
    for row, wanted in zip(table["rows"], ROWS, strict=True):
        conditions = runs["plain" if row["name"] == "plain" else "base"]["conditions"]
        last = max((c for c in conditions if c["name"] == wanted["condition"]), key=lambda c: c["round"])
        assert row["marks"] == wanted.get("marks", [])
        assert (row["macro_f1"], row["ua"], row["n_selected"]) == (last["macro_f1"], last["ua"], last["n_selected"])
    plain = prediction_table.read(folder / "out" / "runs" / "plain" / "predictions.parquet")
    assert set(plain["seed"].to_pylist()) == {0}


def test_every_row_is_compared_with_the_first_and_the_last_with_every_other(done):
    pairs = [(c["a"], c["b"]) for c in done[1]["tables"][0]["comparisons"] if c["metric"] == "macro_f1"]
    first = [(name, "target alone") for name in ("plain", "all", "everything")]
    assert pairs == [*first, ("everything", "plain"), ("everything", "all")]


def test_page_and_markdown(done):
    folder, results = done
    page = (folder / "out" / "report.html").read_text(encoding="utf-8")
    assert "Components" in page and "runs/plain/report.html" in page and "<script" not in page
    lines = (folder / "out" / "tables.md").read_text(encoding="utf-8").splitlines()
    assert lines[2].split(" | ")[1:5] == ["HR", "TR", "EX", "BO"]
    assert lines[5].startswith("| plain | ✓ | ✓ |  | ✓ | ")
    assert f"{100 * results['tables'][0]['rows'][1]['macro_f1']:.1f}" in lines[5]


def test_mistakes_are_named(tmp_path: Path):
    tiny.write_all(tmp_path)
    path = write(tmp_path, [ROWS[0], {**ROWS[1], "change": {"translation.speed": 2}}])
    table = recipe.load_study(path)
    assert table is not None
    with pytest.raises(RecipeError, match=r"translation\.offline\.speed"):
        wishes.variants(table, path)
    with pytest.raises(RecipeError, match="no recipe 'nowhere'"):
        wishes.variants(table.model_copy(update={"base": "nowhere"}), path)
    with pytest.raises(RecipeError, match="two rows"):
        recipe.load_study(write(tmp_path, [ROWS[0], ROWS[0]]))
    with pytest.raises(RecipeError, match="is a study"):
        recipe.load(path)
