"""Tables, sweeps and curves of a study, from its `results.json`: numbers in, text out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from sottovoce.show import tables

MARKS = {
    "HR": "speech of a high-resource language",
    "TR": "translated",
    "EX": "expressively",
    "BO": "selected by bootstrapping",
}
CONTAMINATED, SPEAKER_DEPENDENT = "†", "‡"
"""Beside a score that says little of new recordings, or nothing of new speakers: see `notes`."""


def table(content: Mapping[str, Any]) -> tables.Table:
    """One table in one column of a study's `results.json`: a line a row, marks as the paper's, scores in points."""
    rows = content["rows"]
    marked = marks_of(rows)
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
        lines.append(
            [_marked(row["name"], row), *marks, scores[0], *beside, *change, *scores[1:], f"{row['n_selected']:.0f}"]
        )
    return columns, lines


def side_by_side(parts: Sequence[Mapping[str, Any]]) -> tables.Table:
    """One table over all columns of a study, in the paper's form: UA, WA and macro F1 of each, in points."""
    rows = parts[0]["rows"]
    marked = marks_of(rows)
    metrics = ("ua", "wa", "macro_f1")
    columns = ["", *marked, *(f"{part['column']} {tables.METRICS[m]}" for part in parts for m in metrics)]
    lines = []
    for number, row in enumerate(rows):
        marks = ["✓" if mark in row["marks"] else "" for mark in marked]
        here = [part["rows"][number] for part in parts]
        cells = [f"{tables.points(each[m])}{_signs(each)}" for each in here for m in metrics]
        lines.append([row["name"], *marks, *cells])
    return columns, lines


def swept(parts: Sequence[Mapping[str, Any]]) -> tables.Table:
    """One sweep: the score at each value, and the gain over the target alone, in each column."""
    lines = []
    for part in parts:
        for point in part["points"]:
            gain = gain_of(point)
            score, base = point["score"], point["baseline"]
            shown = [
                f"{tables.points(each['macro_f1'])} {tables.interval(each['macro_f1_ci95'])}" for each in (score, base)
            ]
            figures = [*shown, tables.change(gain), tables.p_value(gain["p_holm"]), f"{score['n_selected']:.0f}"]
            lines.append([part["column"], _marked(point["value"], point), *figures])
    return ["", parts[0]["setting"], "macro F1", "target alone", "change", "p, Holm", "added"], lines


def curve(content: Mapping[str, Any]) -> tables.Table:
    """One curve: every round, and the oracle."""
    lines = [
        [
            _marked(c["round"], content),
            f"{tables.points(c['macro_f1'])} {tables.interval(c['macro_f1_ci95'])}",
            f"{c['n_selected']:.0f}",
        ]
        for c in content["rounds"]
    ]
    if content["oracle"] is not None:
        named = _marked("oracle: the best round of each fold and seed, chosen with its labels", content)
        lines.append([named, tables.points(content["oracle"]), ""])
    return ["round", "macro F1", "added"], lines


def shown(results: Mapping[str, Any]) -> list[tuple[str, tables.Table]]:
    """Everything as titled tables, in order."""
    made: list[tuple[str, tables.Table]] = []
    for title, parts in by_title(results["tables"]).items():
        if len(parts) > 1:
            made.append((title, side_by_side(parts)))
        made += [(titled(part), table(part)) for part in parts]
    made += [(title, swept(parts)) for title, parts in by_title(results["sweeps"]).items()]
    return made + [(titled(part), curve(part)) for part in results["curves"]]


def notes(results: Mapping[str, Any]) -> list[str]:
    """What the signs beside scores mean, where there are any."""
    found = []
    if corpora := sorted({corpus for _, each in _runs_of(results) for corpus in each["contaminated"]}):
        found.append(
            f"{CONTAMINATED} The upstream was trained on the corpus that is tested ({', '.join(corpora)}): the score "
            "says little about new recordings."
        )
    columns = dict.fromkeys(part["column"] for part, each in _runs_of(results) if each["speaker_dependent"])
    if columns:
        where = f" ({', '.join(columns)})" if any(columns) else ""
        found.append(
            f"{SPEAKER_DEPENDENT} Speaker-dependent{where}: the same speakers are in training and test, so the scores "
            "are higher than for voices never heard before, and no difference is evidence about new speakers."
        )
    return found


def _runs_of(results: Mapping[str, Any]) -> Iterator[tuple[Mapping[str, Any], Mapping[str, Any]]]:
    """Every row, sweep value and curve, each with the part that it is in."""
    for part in results["tables"]:
        yield from ((part, row) for row in part["rows"])
    for part in results["sweeps"]:
        yield from ((part, point) for point in part["points"])
    yield from ((part, part) for part in results["curves"])


def gain_of(point: Mapping[str, Any]) -> Mapping[str, Any]:
    """The comparison in macro F1 at one value of a sweep."""
    return next(gain for gain in point["gains"] if gain["metric"] == "macro_f1")


def by_title(parts: Sequence[Mapping[str, Any]]) -> dict[str, list[Mapping[str, Any]]]:
    """The parts of one table or sweep together: one for each column."""
    found: dict[str, list[Mapping[str, Any]]] = {}
    for part in parts:
        found.setdefault(part["title"], []).append(part)
    return found


def titled(part: Mapping[str, Any]) -> str:
    """With its column, where that has a name."""
    return ": ".join(filter(None, (part["title"], part["column"])))


def marks_of(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    """Those of the paper's marks that any row has."""
    return [mark for mark in MARKS if any(mark in row["marks"] for row in rows)]


def _signs(of_run: Mapping[str, Any]) -> str:
    dirty, shared = of_run["contaminated"], of_run["speaker_dependent"]
    return (CONTAMINATED if dirty else "") + (SPEAKER_DEPENDENT if shared else "")


def _marked(name: Any, of_run: Mapping[str, Any]) -> str:
    return f"{name} {_signs(of_run)}".rstrip()


def _beside(row: Mapping[str, Any]) -> str:
    """The paper's macro F1, and ours minus it."""
    if row["printed"] is None:
        return ""
    printed = row["printed"]["macro_f1"]
    return f"{tables.points(printed)} ({tables.signed(row['macro_f1'] - printed)})"
