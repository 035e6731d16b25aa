"""Tables, sweeps and curves of a study: as a page, and as Markdown, CSV and LaTeX for a document."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from sottovoce.show import plots, tables
from sottovoce.show.page import template
from sottovoce.show.sweep_plots import Curve, sweep
from sottovoce.store.atomic import write_atomically

MARKS = {
    "HR": "speech of a high-resource language",
    "TR": "translated",
    "EX": "expressively",
    "BO": "selected by bootstrapping",
}
CONTAMINATED = "†"
SWEEPS_NOTE = "Macro F1 minus that of the target alone with the same settings, in points, paired by speaker."
CURVES_NOTE = (
    "Macro F1 after each round. The oracle is the best round of each fold and seed, chosen with its labels: no result, "
    "and pooled it need not be above every fixed round."
)


def table(content: Mapping[str, Any]) -> tables.Table:
    """One table in one column of a study's `results.json`: a line a row, marks as the paper's, scores in points."""
    rows = content["rows"]
    marked = _marks_of(rows)
    is_printed = any(row["printed"] for row in rows)
    gains = {c["a"]: c for c in reversed(content["comparisons"]) if c["metric"] == "macro_f1"}
    first, *others = tables.METRICS.values()  # macro F1, and its change beside it
    columns = ["", *marked, first, *(["printed"] if is_printed else []), "change", "p, Holm", *others, "added"]
    lines = []
    for row in rows:
        gain = gains.get(row["name"])
        scores = [f"{tables.points(row[m])} {tables.interval(row[f'{m}_ci95'])}" for m in tables.METRICS]
        change = ["", ""] if gain is None else [tables.change(gain), tables.p_value(gain["p_holm"])]
        marks = ["✓" if mark in row["marks"] else "" for mark in marked]
        beside = [_beside(row)] if is_printed else []
        lines.append([_named(row), *marks, scores[0], *beside, *change, *scores[1:], f"{row['n_selected']:.0f}"])
    return columns, lines


def side_by_side(parts: Sequence[Mapping[str, Any]]) -> tables.Table:
    """One table over all columns of a study, in the paper's form: UA, WA and macro F1 of each, in points."""
    rows = parts[0]["rows"]
    marked = _marks_of(rows)
    metrics = ("ua", "wa", "macro_f1")
    columns = ["", *marked, *(f"{part['column']} {tables.METRICS[m]}" for part in parts for m in metrics)]
    lines = []
    for number, row in enumerate(rows):
        marks = ["✓" if mark in row["marks"] else "" for mark in marked]
        here = [part["rows"][number] for part in parts]
        dirty = [CONTAMINATED if each["contaminated"] else "" for each in here]
        cells = [f"{tables.points(each[m])}{mark}" for each, mark in zip(here, dirty, strict=True) for m in metrics]
        lines.append([row["name"], *marks, *cells])
    return columns, lines


def swept(parts: Sequence[Mapping[str, Any]]) -> tables.Table:
    """One sweep: the score at each value, and the gain over the target alone, in each column."""
    lines = []
    for part in parts:
        for point in part["points"]:
            gain = _gain(point)
            score, base = point["score"], point["baseline"]
            shown = [
                f"{tables.points(each['macro_f1'])} {tables.interval(each['macro_f1_ci95'])}" for each in (score, base)
            ]
            figures = [*shown, tables.change(gain), tables.p_value(gain["p_holm"]), f"{score['n_selected']:.0f}"]
            lines.append([part["column"], str(point["value"]), *figures])
    return ["", parts[0]["setting"], "macro F1", "target alone", "change", "p, Holm", "added"], lines


def curve(content: Mapping[str, Any]) -> tables.Table:
    """One curve: every round, and the oracle."""
    lines = [
        [
            str(c["round"]),
            f"{tables.points(c['macro_f1'])} {tables.interval(c['macro_f1_ci95'])}",
            f"{c['n_selected']:.0f}",
        ]
        for c in content["rounds"]
    ]
    if content["oracle"] is not None:
        lines.append(
            [
                "oracle: the best round of each fold and seed, chosen with its labels",
                tables.points(content["oracle"]),
                "",
            ]
        )
    return ["round", "macro F1", "added"], lines


def shown(results: Mapping[str, Any]) -> list[tuple[str, tables.Table]]:
    """Everything as titled tables, in order."""
    made: list[tuple[str, tables.Table]] = []
    for title, parts in _by_title(results["tables"]).items():
        if len(parts) > 1:
            made.append((title, side_by_side(parts)))
        made += [(_titled(part), table(part)) for part in parts]
    made += [(title, swept(parts)) for title, parts in _by_title(results["sweeps"]).items()]
    return made + [(_titled(part), curve(part)) for part in results["curves"]]


def markdown(results: Mapping[str, Any]) -> str:
    """All tables as Markdown."""
    made = []
    for title, (columns, lines) in shown(results):
        rows = [columns, ["---"] * len(columns), *lines]
        made += [f"**{title}**", "", *("| " + " | ".join(row) + " |" for row in rows), ""]
    return "\n".join(made)


def latex(results: Mapping[str, Any]) -> str:
    """All tables as LaTeX, for a document that uses booktabs."""
    made = []
    for title, (columns, lines) in shown(results):
        rows = [" & ".join(map(_escaped, row)) + r" \\" for row in (columns, *lines)]
        body = [r"\toprule", rows[0], r"\midrule", *rows[1:], r"\bottomrule"]
        begin = [f"% {title}", r"\begin{tabular}{l" + "r" * (len(columns) - 1) + "}"]
        made += [*begin, *body, r"\end{tabular}", ""]
    return "\n".join(made)


def write_files(out: Path, results: Mapping[str, Any]) -> None:
    """Write `report.html`, one self-contained page, and `tables.md`, `tables.tex` and `tables.csv` beside it."""
    page = template("study.html.j2").render(
        title=f"Sottovoce: {results['name']}",
        basics=_basics(results),
        marks={m: MARKS[m] for m in _marks_of([row for part in results["tables"] for row in part["rows"]])},
        parts=_parts(results),
        runs=_runs(results),
        printed=any(row["printed"] for part in results["tables"] for row in part["rows"]),
        contaminated=_contaminated(results),
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
    for title, parts in _by_title(results["tables"]).items():
        by_column = [
            {
                "column": part["column"],
                "table": table(part),
                "comparisons": tables.comparison_table(part, "macro_f1"),
                "warnings": part["warnings"],
            }
            for part in parts
        ]
        whole = side_by_side(parts) if len(parts) > 1 else None
        made.append({"title": title, "whole": whole, "by_column": by_column, "drawn": None})
    drawn: list[tuple[str, dict[str, Any]]] = []
    for number, (title, parts) in enumerate(_by_title(results["sweeps"]).items()):
        figure = _sweep_figure(f"sweep{number}", parts)
        limits = list(dict.fromkeys(warning for part in parts for warning in part["warnings"]))
        drawn.append((title, {"figure": figure, "table": swept(parts), "note": SWEEPS_NOTE, "warnings": limits}))
    for number, part in enumerate(results["curves"]):
        figure = _curve_figure(f"curve{number}", part)
        drawn.append((_titled(part), {"figure": figure, "table": curve(part), "note": CURVES_NOTE, "warnings": []}))
    return made + [{"title": title, "whole": None, "by_column": [], "drawn": each} for title, each in drawn]


def _sweep_figure(name: str, parts: Sequence[Mapping[str, Any]]) -> str:
    panels = {}
    for part in parts:
        gains = [(point["value"], _gain(point)) for point in part["points"]]
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


def _gain(point: Mapping[str, Any]) -> Mapping[str, Any]:
    """The comparison in macro F1 at one value of a sweep."""
    return next(gain for gain in point["gains"] if gain["metric"] == "macro_f1")


def _by_title(parts: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for part in parts:
        found.setdefault(part["title"], []).append(part)
    return found


def _titled(part: Mapping[str, Any]) -> str:
    return ": ".join(filter(None, (part["title"], part["column"])))


def _marks_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    return [mark for mark in MARKS if any(mark in row["marks"] for row in rows)]


def _named(row: Mapping[str, Any]) -> str:
    return f"{row['name']} {CONTAMINATED}" if row["contaminated"] else row["name"]


def _beside(row: Mapping[str, Any]) -> str:
    """The paper's macro F1, and ours minus it."""
    if row["printed"] is None:
        return ""
    printed = row["printed"]["macro_f1"]
    return f"{tables.points(printed)} ({tables.signed(row['macro_f1'] - printed)})"


def _basics(results: Mapping[str, Any]) -> list[tuple[str, Any]]:
    return [
        (name.replace("n_", "number of "), results[name])
        for name in ("target", "upstream", "protocol", "n_speakers", "n_folds", "seeds")
    ]


def _contaminated(results: Mapping[str, Any]) -> list[str]:
    return sorted({corpus for part in results["tables"] for row in part["rows"] for corpus in row["contaminated"]})


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
        writer.writerow(["table", "column", "row", "metric", "score", "low", "high", "printed", "n_selected"])
        for part, name, row in _lines(results):
            for metric in tables.METRICS:
                ends = row[f"{metric}_ci95"] or ("", "")
                printed = row["printed"][metric] if row.get("printed") else ""
                named = [part["title"], part["column"], name, metric]
                writer.writerow([*named, row[metric], *ends, printed, row["n_selected"]])
        for part in results["curves"]:
            if part["oracle"] is not None:
                writer.writerow([part["title"], part["column"], "oracle", "macro_f1", part["oracle"], "", "", "", ""])


def _lines(results: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], str, Mapping[str, Any]]]:
    """Everything that has scores: the part it is in, its name there, and itself."""
    for part in results["tables"]:
        yield from ((part, row["name"], row) for row in part["rows"])
    for part in results["sweeps"]:
        yield from ((part, f"{part['setting']}={point['value']}", point["score"]) for point in part["points"])
        yield from ((part, f"target alone, {part['setting']}={p['value']}", p["baseline"]) for p in part["points"])
    for part in results["curves"]:
        yield from ((part, f"round {each['round']}", each) for each in part["rounds"])


def _escaped(cell: str) -> str:
    """For LaTeX, in which these mean something else."""
    replaced = {"\\": r"\textbackslash{}", "✓": r"\checkmark{}", "†": r"\dag{}", "−": "$-$", "–": "--"}
    replaced |= {sign: f"\\{sign}" for sign in "&%$#_{}"}
    return "".join(replaced.get(sign, sign) for sign in cell)
