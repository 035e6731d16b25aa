"""What a study's files say of scores that are little evidence: the upstream knew the corpus, or speakers were heard."""

from __future__ import annotations

import csv
from pathlib import Path
from typing import Any

import pytest

from sottovoce.show import study, study_tables

ENDS = {f"{metric}_ci95": [0.6, 0.8] for metric in ("ua", "wa", "macro_f1")}
CLEAN = {"contaminated": [], "speaker_dependent": False}
DIRTY = {"contaminated": ["emodb"], "speaker_dependent": False}
SHARED = {"contaminated": [], "speaker_dependent": True}


def scored(name: str, number: int = 0) -> dict[str, Any]:
    return {"name": name, "round": number, "ua": 0.7, "wa": 0.7, "macro_f1": 0.7, **ENDS, "n_selected": 3.0}


def gain(a: str, b: str) -> dict[str, Any]:
    ends = {"delta": 0.1, "ci95": [0.05, 0.15], "p": 0.01, "p_holm": 0.02, "n_speakers": 10}
    return {"a": a, "a_round": 0, "b": b, "b_round": 0, "metric": "macro_f1", **ends}


def row(name: str, of_run: dict) -> dict[str, Any]:
    words = {"marks": [], "condition": name, "source": "s", "translator": None, "upstream": "u", "printed": None}
    return {**scored(name), **words, "run": "runs/base", **of_run}


def part_of_table(column: str, of_run: dict) -> dict[str, Any]:
    rows = [row("alone", CLEAN if of_run is DIRTY else of_run), row("ours", of_run)]
    return {
        "title": "T", "column": column, "rows": rows, "comparisons": [gain("ours", "alone")], "warnings": []
    }  # fmt: skip


def made(**of_columns: dict) -> dict[str, Any]:
    """A study of a table, a sweep and a curve, in each column with runs of which this is said."""
    points = {"score": scored("ours"), "baseline": scored("alone"), "gains": [gain("ours", "alone")], "run": "runs/x"}
    sweep = {"title": "S", "setting": "training.epochs", "condition": "ours", "warnings": []}
    curve = {"title": "C", "condition": "ours", "rounds": [scored("alone"), scored("ours", 1)], "oracle": 0.75}
    return {
        "name": "mine",
        **dict.fromkeys(("target", "upstream", "protocol", "n_speakers", "n_folds", "seeds"), "x"),
        "tables": [part_of_table(column, of_run) for column, of_run in of_columns.items()],
        "sweeps": [
            {**sweep, "column": column, "points": [{**points, "value": value, **of_run} for value in (5, 10)]}
            for column, of_run in of_columns.items()
        ],
        "curves": [{**curve, "column": column, "run": "runs/y", **of_run} for column, of_run in of_columns.items()],
        "warnings": [],
        "environment": {},
    }  # fmt: skip


def cells(results: dict) -> dict[str, list[list[str]]]:
    return {title: lines for title, (_, lines) in study_tables.shown(results)}


@pytest.mark.parametrize(("of_run", "sign"), [(DIRTY, "†"), (SHARED, "‡")])
def test_signs_stand_at_tables_sweeps_and_curves(of_run: dict, sign: str):
    found = cells(made(First=of_run, Second=CLEAN))
    assert found["T"][1] == ["ours", *[f"70.0{sign}"] * 3, *["70.0"] * 3]
    assert [line[0] for line in found["T: First"]][1] == f"ours {sign}"
    assert [line[:2] for line in found["S"]] == [
        ["First", f"5 {sign}"], ["First", f"10 {sign}"], ["Second", "5"], ["Second", "10"]
    ]  # fmt: skip
    assert [line[0].split()[-1] for line in found["C: First"]] == [sign] * 3
    assert not any(sign in cell for name in ("T: Second", "C: Second") for line in found[name] for cell in line)


def write(folder: Path, **of_columns: dict) -> dict[str, str]:
    study.write_files(folder, made(**of_columns))
    return {name: (folder / name).read_text("utf-8") for name in ("report.html", "tables.md", "tables.tex")}


def test_every_file_says_what_the_signs_mean(tmp_path: Path):
    files = write(tmp_path, First=SHARED, Second=DIRTY)
    assert all("Speaker-dependent (First)" in text and "no difference is evidence" in text for text in files.values())
    assert all("trained on the corpus that is tested (emodb)" in text for text in files.values())
    assert r"70.0\ddag{}" in files["tables.tex"] and r"70.0\dag{}" in files["tables.tex"]
    files = write(tmp_path, First=CLEAN, Second=CLEAN)
    assert not any(word in text for text in files.values() for word in ("Speaker-dependent", "†", "‡"))


def test_of_shared_speakers_the_page_alarms_and_speaks_of_no_gain(tmp_path: Path):
    page = write(tmp_path, First=SHARED)["report.html"]
    assert '<p class="alarm">‡ Speaker-dependent (First)' in page
    assert "heard in training: no evidence about new ones" in page and "<td>a gain</td>" not in page
    page = write(tmp_path, First=CLEAN)["report.html"]
    assert "<td>a gain</td>" in page and 'class="alarm"' not in page


def test_the_csv_has_both_in_columns(tmp_path: Path):
    write(tmp_path, First=SHARED, Second=DIRTY)
    with (tmp_path / "tables.csv").open(encoding="utf-8", newline="") as file:
        rows = [line for line in csv.DictReader(file) if line["row"] != "alone"]
    assert {(r["column"], r["contaminated"], r["speaker_dependent"]) for r in rows} == {
        ("First", "", "true"), ("Second", "emodb", "false")
    }  # fmt: skip
    assert {r["table"] for r in rows} == {"T", "S", "C"} and "oracle" in {r["row"] for r in rows}
