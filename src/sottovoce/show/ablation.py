"""Tables of runs in the form of the paper's: for the terminal, for a page, and in Markdown for a document."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sottovoce.show import tables
from sottovoce.show.page import template
from sottovoce.store.atomic import write_atomically

MARKS = {
    "HR": "speech of a high-resource language",
    "TR": "translated",
    "EX": "expressively",
    "BO": "selected by bootstrapping",
}


def table(content: Mapping[str, Any]) -> tables.Table:
    """One table of an ablation's `results.json`: a line a row, marks as the paper's, scores in points."""
    rows, baseline = content["rows"], content["rows"][0]["name"]
    marked = [mark for mark in MARKS if any(mark in row["marks"] for row in rows)]
    gains = {c["a"]: c for c in content["comparisons"] if c["metric"] == "macro_f1" and c["b"] == baseline}
    first, *others = tables.METRICS.values()  # macro F1, and its change beside it
    columns = ["", *marked, first, "change", "p, Holm", *others, "added"]
    lines = []
    for row in rows:
        gain = gains.get(row["name"])
        scores = [f"{tables.points(row[m])} {tables.interval(row[f'{m}_ci95'])}" for m in tables.METRICS]
        change = ["", ""] if gain is None else [tables.change(gain), tables.p_value(gain["p_holm"])]
        marks = ["✓" if mark in row["marks"] else "" for mark in marked]
        lines.append([row["name"], *marks, scores[0], *change, *scores[1:], f"{row['n_selected']:.0f}"])
    return columns, lines


def markdown(results: Mapping[str, Any]) -> str:
    """All tables as Markdown."""
    parts = []
    for content in results["tables"]:
        columns, lines = table(content)
        rows = [columns, ["---"] * len(columns), *lines]
        parts += [f"**{content['title']}**", "", *("| " + " | ".join(row) + " |" for row in rows), ""]
    return "\n".join(parts)


def write_page(path: Path, results: Mapping[str, Any]) -> Path:
    """Write the tables as one self-contained page, and as `tables.md` beside it."""
    shown = [
        {
            "title": content["title"],
            "table": table(content),
            "comparisons": tables.comparison_table(content, "macro_f1"),
            "warnings": content["warnings"],
        }
        for content in results["tables"]
    ]
    page = template("ablation.html.j2").render(
        title=f"Sottovoce: {results['name']}",
        basics=_basics(results),
        marks=MARKS,
        tables=shown,
        runs=_runs(results["tables"]),
        warnings=results["warnings"],
        environment=results["environment"],
    )
    write_atomically(path.with_name("tables.md"), lambda partial: partial.write_text(markdown(results), "utf-8"))
    write_atomically(path, lambda partial: partial.write_text(page, "utf-8"))
    return path


def _basics(results: Mapping[str, Any]) -> list[tuple[str, Any]]:
    seeds = ", ".join(map(str, results["seeds"]))
    protocol = f"{results['protocol']}: {results['n_speakers']} speakers in {results['n_folds']} folds"
    return [
        ("target", results["target"]),
        ("upstream", results["upstream"]),
        ("protocol", protocol),
        ("seeds", seeds),
    ]


def _runs(contents: Sequence[Mapping[str, Any]]) -> tables.Table:
    """Where the run of each row is, with its own report."""
    lines = dict.fromkeys(
        (row["name"], row["condition"], row["source"], row["translator"] or "–", f"{row['run']}/report.html")
        for content in contents
        for row in content["rows"]
    )
    return ["row", "condition", "source", "translator", "its own report"], [list(line) for line in lines]
