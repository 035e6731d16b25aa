"""A study's tables, sweeps and curves as a page, and as Markdown, CSV and LaTeX for a document."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sottovoce.show import plots, tables
from sottovoce.show.page import template
from sottovoce.show.study_tables import (
    MARKS,
    SPEAKER_DEPENDENT,
    by_title,
    curve,
    gain_of,
    marks_of,
    notes,
    shown,
    side_by_side,
    swept,
    table,
    titled,
)
from sottovoce.show.sweep_plots import Curve, sweep
from sottovoce.store.atomic import write_atomically

SWEEPS_NOTE = "Macro F1 minus that of the target alone with the same settings, in points, paired by speaker."
CURVES_NOTE = (
    "Macro F1 after each round. The oracle is the best round of each fold and seed, chosen with its labels: no result, "
    "and pooled it need not be above every fixed round."
)

_CSV = ("table", "column", "row", "metric", "score", "low", "high", "printed", "n_selected")
_CSV_DOUBTS = ("contaminated", "speaker_dependent")


def markdown(results: Mapping[str, Any]) -> str:
    """All tables as Markdown, and what their signs mean."""
    made = []
    for title, (columns, lines) in shown(results):
        rows = [columns, ["---"] * len(columns), *lines]
        made += [f"**{title}**", "", *("| " + " | ".join(row) + " |" for row in rows), ""]
    return "\n".join([*made, *(f"{note}\n" for note in notes(results))])


def latex(results: Mapping[str, Any]) -> str:
    """All tables as LaTeX, for a document that uses booktabs, and what their signs mean."""
    made = []
    for title, (columns, lines) in shown(results):
        rows = [" & ".join(map(_escaped, row)) + r" \\" for row in (columns, *lines)]
        body = [r"\toprule", rows[0], r"\midrule", *rows[1:], r"\bottomrule"]
        begin = [f"% {title}", r"\begin{tabular}{l" + "r" * (len(columns) - 1) + "}"]
        made += [*begin, *body, r"\end{tabular}", ""]
    return "\n".join([*made, *(rf"\par\noindent {_escaped(note)}" + "\n" for note in notes(results))])


def write_files(out: Path, results: Mapping[str, Any]) -> None:
    """Write `report.html`, one self-contained page, and `tables.md`, `tables.tex` and `tables.csv` beside it."""
    every = notes(results)
    page = template("study.html.j2").render(
        title=f"Sottovoce: {results['name']}",
        basics=_basics(results),
        marks={m: MARKS[m] for m in marks_of([row for part in results["tables"] for row in part["rows"]])},
        parts=_parts(results),
        runs=_runs(results),
        printed=any(row["printed"] for part in results["tables"] for row in part["rows"]),
        alarms=[note for note in every if note.startswith(SPEAKER_DEPENDENT)],
        contaminated=[note for note in every if not note.startswith(SPEAKER_DEPENDENT)],
        warnings=results["warnings"],
        environment=results["environment"],
    )
    write_atomically(out / "tables.md", lambda partial: partial.write_text(markdown(results), "utf-8"))
    write_atomically(out / "tables.tex", lambda partial: partial.write_text(latex(results), "utf-8"))
    write_atomically(out / "tables.csv", lambda partial: _write_csv(partial, results))
    write_atomically(out / "report.html", lambda partial: partial.write_text(page, "utf-8"))


def _parts(results: Mapping[str, Any]) -> list[dict[str, Any]]:
    """What the page shows: tables by title, then sweeps and curves, each with its figure."""
    made: list[dict[str, Any]] = []
    for title, parts in by_title(results["tables"]).items():
        by_column = [
            {
                "column": part["column"],
                "table": table(part),
                "comparisons": tables.comparison_table(part, "macro_f1", new_speakers=not _shares_speakers(part)),
                "warnings": part["warnings"],
            }
            for part in parts
        ]
        whole = side_by_side(parts) if len(parts) > 1 else None
        made.append({"title": title, "whole": whole, "by_column": by_column, "drawn": None})
    drawn: list[tuple[str, dict[str, Any]]] = []
    for number, (title, parts) in enumerate(by_title(results["sweeps"]).items()):
        figure = _sweep_figure(f"sweep{number}", parts)
        limits = list(dict.fromkeys(warning for part in parts for warning in part["warnings"]))
        drawn.append((title, {"figure": figure, "table": swept(parts), "note": SWEEPS_NOTE, "warnings": limits}))
    for number, part in enumerate(results["curves"]):
        figure = _curve_figure(f"curve{number}", part)
        drawn.append((titled(part), {"figure": figure, "table": curve(part), "note": CURVES_NOTE, "warnings": []}))
    return made + [{"title": title, "whole": None, "by_column": [], "drawn": each} for title, each in drawn]


def _shares_speakers(part: Mapping[str, Any]) -> bool:
    return any(row["speaker_dependent"] for row in part["rows"])


def _sweep_figure(name: str, parts: Sequence[Mapping[str, Any]]) -> str:
    panels = {}
    for part in parts:
        gains = [(point["value"], gain_of(point)) for point in part["points"]]
        points = [(value, gain["delta"], gain["ci95"]) for value, gain in gains]
        panels[part["column"]] = [Curve(part["condition"], points)]
    alt = f"Gain in macro F1 over the target alone by {parts[0]['setting']}."
    return sweep(name, alt, parts[0]["setting"], "gain, macro F1", panels)


def _curve_figure(name: str, part: Mapping[str, Any]) -> str:
    rounds = part["rounds"]
    ends = [c["macro_f1_ci95"] or (c["macro_f1"], c["macro_f1"]) for c in rounds]
    scores = [c["macro_f1"] for c in rounds]
    drawn = plots.Trajectory(part["condition"], [c["round"] for c in rounds], scores, *zip(*ends, strict=True))
    spoken = ", ".join(map(tables.points, scores))
    alt = f"Macro F1 in points, round after round: {spoken}; oracle {tables.points(part['oracle'])}."
    return plots.rounds(name, alt, [drawn], part["oracle"], plots.MACRO_F1)


def _basics(results: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [
        (name.replace("n_", "number of "), results[name])
        for name in ("target", "upstream", "protocol", "n_speakers", "n_folds", "seeds")
    ]


def _runs(results: Mapping[str, Any]) -> tables.Table:
    """Where the run of each row is, with its own report."""
    lines = dict.fromkeys(
        (
            part["column"],
            row["name"],
            row["condition"],
            row["source"],
            row["translator"] or "–",
            row["upstream"],
            f"{row['run']}/report.html",
        )
        for part in results["tables"]
        for row in part["rows"]
    )
    return ["", "row", "condition", "source", "translator", "upstream", "its own report"], [
        list(line) for line in lines
    ]


def _write_csv(path: Path, results: Mapping[str, Any]) -> None:
    """One line for each score of each row, sweep value and round, as fractions: what another program wants."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow([*_CSV, *_CSV_DOUBTS])
        for part, name, row, of_run in _lines(results):
            doubts = [" ".join(of_run["contaminated"]), str(of_run["speaker_dependent"]).lower()]
            for metric in (each for each in tables.METRICS if each in row):
                ends = row.get(f"{metric}_ci95") or ("", "")
                printed = row["printed"][metric] if row.get("printed") else ""
                named = [part["title"], part["column"], name, metric]
                writer.writerow([*named, row[metric], *ends, printed, row.get("n_selected", ""), *doubts])


def _lines(results: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str, Mapping[str, Any], Mapping[str, Any]]]:
    """Everything that has scores: the part it is in, its name there, itself, and what says which run it is of."""
    for part in results["tables"]:
        yield from ((part, row["name"], row, row) for row in part["rows"])
    for part in results["sweeps"]:
        setting, points = part["setting"], part["points"]
        yield from ((part, f"{setting}={point['value']}", point["score"], point) for point in points)
        yield from ((part, f"target alone, {setting}={point['value']}", point["baseline"], point) for point in points)
    for part in results["curves"]:
        yield from ((part, f"round {each['round']}", each, part) for each in part["rounds"])
        if part["oracle"] is not None:
            yield part, "oracle", {"macro_f1": part["oracle"]}, part


def _escaped(cell: str) -> str:
    """For LaTeX, in which these mean something else."""
    replaced = {"\\": r"\textbackslash{}", "✓": r"\checkmark{}", "†": r"\dag{}", "‡": r"\ddag{}", "−": "$-$", "–": "--"}
    replaced |= {sign: f"\\{sign}" for sign in "&%$#_{}"}
    return "".join(replaced.get(sign, sign) for sign in cell)
