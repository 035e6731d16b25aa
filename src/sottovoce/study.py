"""Studies: tables, sweeps and curves over many runs. Each is a run, and the store shares what they have in common."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pyarrow as pa

from sottovoce import job
from sottovoce.experiment.place import Place
from sottovoce.experiment.plan import StagePlan, plan
from sottovoce.experiment.wishes import variants, wish_of_curve, wish_of_row, wish_of_value
from sottovoce.judging import certainty, metrics, printed
from sottovoce.judging import predictions as prediction_table
from sottovoce.judging import results as judged
from sottovoce.judging.choosing import last_round
from sottovoce.judging.fold_plan import FoldPlan
from sottovoce.judging.results import BASELINE
from sottovoce.recipe import Recipe, Study
from sottovoce.recipe.study import Column, Comparison, Curve, Sweep
from sottovoce.show.rounds import oracle
from sottovoce.show.study import write_files
from sottovoce.store.atomic import write_json
from sottovoce.store.progress import Progress, Quiet

SHARED = ("target", "upstream", "protocol", "n_speakers", "n_folds", "seeds")


@dataclass(frozen=True)
class Done:
    """A finished run."""

    results: Mapping[str, Any]
    folder: Path

    @cached_property
    def predictions(self) -> pa.Table:
        """Of every condition, fold and seed."""
        return prediction_table.read(self.folder / "predictions.parquet")

    @cached_property
    def said(self) -> dict[str, Any]:
        """What stands beside everything that is shown of it: where it is, and what its scores are no evidence of."""
        return {
            "run": f"runs/{self.folder.name}",
            "contaminated": self.results["contaminated"],
            "speaker_dependent": FoldPlan.read(self.folder / "folds.json").speaker_dependent,
        }

    def last(self, condition: str) -> Mapping[str, Any]:
        """The last round of a condition."""
        return max((c for c in self.results["conditions"] if c["name"] == condition), key=lambda c: c["round"])


def outlook(study: Study, path: Path, place: Place, changes: Sequence[str] = ()) -> list[StagePlan]:
    """The stages of all runs together, each piece of shared work counted once; nothing is computed.

    Work that several runs would train alike is known to be shared only once it is kept, so that the estimate of
    training is too high.

    Raises:
        SottovoceError: what one of the runs would stumble over at its start.
    """
    counted: dict[tuple[str, str], StagePlan] = {}
    for variant in variants(study, path, changes).values():
        for stage in plan(variant.recipe, place):
            counted[stage.title, _depends_on(stage.title, variant.recipe)] = stage
    titles = dict.fromkeys(title for title, _ in counted)
    return [_together(title, [s for (of, _), s in counted.items() if of == title]) for title in titles]


def run(
    study: Study,
    path: Path,
    out: Path,
    place: Place,
    progress: Progress | None = None,
    changes: Sequence[str] = (),
) -> dict[str, Any]:
    """Run every variant, judge the tables, and leave `results.json`, `report.html`, the tables as files, and the runs.

    Raises:
        SottovoceError: of whichever run cannot go on; each says what to do next.
    """
    progress = progress or Quiet()
    done: dict[str, Done] = {}
    wanted = variants(study, path, changes)
    for key, variant in wanted.items():
        folder = out / "runs" / variant.folder
        with progress.stage(f"run: {variant.folder}", len(wanted)) as passed:
            passed(len(done) + 1)
        done[key] = Done(job.run(variant.recipe, folder, place, progress), folder)
    by_column: dict[str, list[Mapping[str, Any]]] = {}
    for key, variant in wanted.items():
        by_column.setdefault(variant.column, []).append(done[key].results)
    results = {
        "schema": 1,
        "name": study.name,
        **{name: _fact(by_column, name) for name in SHARED},
        "speaker_dependent": any(each.said["speaker_dependent"] for each in done.values()),
        "tables": [part for table in study.tables for part in _judged_table(study, table, done)],
        "sweeps": [part for sweep in study.sweeps for part in _judged_sweep(study, sweep, done)],
        "curves": [_judged_curve(column, curve, done) for curve in study.curves for column in study.columns],
        "warnings": _warnings(by_column),
        "environment": next(iter(done.values())).results["environment"],
    }
    write_json(out / "results.json", results)
    write_files(out, results)
    return results


def _judged_table(study: Study, table: Comparison, done: Mapping[str, Done]) -> list[dict[str, Any]]:
    """The table's part in each column: the rows' predictions laid side by side and judged as the conditions of one run.

    Holm's correction is over all comparisons of the table, whichever column they are in.
    """
    parts = []
    for column in study.columns:
        sides, extra = [], {}
        for row in table.rows:
            wish = wish_of_row(column, row)
            run, last = done[wish.key], done[wish.key].last(row.condition)
            sides.append(prediction_table.renamed(last_round(run.predictions, row.condition), row.name, 0))
            extra[row.name] = {
                "marks": row.marks,
                "condition": row.condition,
                "rounds": last["round"],
                "n_selected": last["n_selected"],
                **{name: run.results[name] for name in ("upstream", "translator", "source")},
                "printed": printed.figures(table.printed, row.printed, column.printed),
                **run.said,
            }
        pairs = [((a, 0), (b, 0)) for a, b in table.pairs]
        verdict = judged.judge(pa.concat_tables(sides), baseline=table.rows[0].name, pairs=pairs)
        rows = [{**condition, **extra[condition["name"]]} for condition in verdict["conditions"]]
        named = {"title": table.title, "column": column.name}
        parts.append({**named, "rows": rows, "comparisons": verdict["comparisons"]})
    limits = _corrected([part["comparisons"] for part in parts])
    return [{**part, "warnings": warnings} for part, warnings in zip(parts, limits, strict=True)]


def _judged_sweep(study: Study, sweep: Sweep, done: Mapping[str, Done]) -> list[dict[str, Any]]:
    """The condition's gain over the target alone at each value, in each column; Holm's correction is over the sweep."""
    parts = []
    for column in study.columns:
        points = []
        runs = [done[wish_of_value(column, sweep, value).key] for value in sweep.values]
        for value, run in zip(sweep.values, runs, strict=True):
            last = run.last(sweep.condition)
            gains = [
                dict(c)
                for c in run.results["comparisons"]
                if (c["a"], c["a_round"], c["b"]) == (sweep.condition, last["round"], BASELINE)
            ]
            scored = {"score": last, "baseline": run.last(BASELINE), "gains": gains}
            points.append({"value": value, **scored, **run.said})
        named = {"title": sweep.title, "setting": sweep.setting, "condition": sweep.condition}
        parts.append({**named, "column": column.name, "points": points})
    limits = _corrected([[gain for point in part["points"] for gain in point["gains"]] for part in parts])
    return [{**part, "warnings": warnings} for part, warnings in zip(parts, limits, strict=True)]


def _judged_curve(column: Column, curve: Curve, done: Mapping[str, Done]) -> dict[str, Any]:
    """Every round with its interval, round 0 being the target alone, and the oracle's macro F1: see `show.rounds`."""
    run = done[wish_of_curve(column, curve).key]
    rounds = [c for c in run.results["conditions"] if c["name"] in (BASELINE, curve.condition)]
    return {
        "title": curve.title,
        "column": column.name,
        "condition": curve.condition,
        "rounds": sorted(rounds, key=lambda c: c["round"]),
        "oracle": oracle(run.predictions, curve.condition, BASELINE),
        **run.said,
    }


def _warnings(by_column: Mapping[str, Sequence[Mapping[str, Any]]]) -> list[str]:
    """Of all runs, with the columns that they are of where not all are.

    Left out is what the number of speakers does to a run's own comparisons: a study has other ones.
    """
    columns_of: dict[str, list[str]] = {}
    for column, runs in by_column.items():
        for warning in dict.fromkeys(warning for run in runs for warning in _lasting(run)):
            columns_of.setdefault(warning, []).append(column)
    return [w if len(c) == len(by_column) else f"{', '.join(c)}: {w}" for w, c in columns_of.items()]


def _lasting(results: Mapping[str, Any]) -> list[str]:
    n_pairs = sum(c["metric"] == "macro_f1" for c in results["comparisons"])
    own = judged.limits(results["n_speakers"], n_pairs)
    return [warning for warning in results["warnings"] if warning not in own]


def _corrected(parts: Sequence[Sequence[dict[str, Any]]]) -> list[list[str]]:
    """Holm's correction over the comparisons of all parts, within each metric; what each part cannot reach after it."""
    for metric in metrics.METRICS:
        family = [c for part in parts for c in part if c["metric"] == metric]
        for comparison, p_holm in zip(family, certainty.holm([c["p"] for c in family]), strict=True):
            comparison["p_holm"] = round(p_holm, judged.P_DECIMALS)
    speakers = [[c["n_speakers"] for c in part if c["metric"] == "macro_f1"] for part in parts]
    others = [[n for other in (*speakers[:i], *speakers[i + 1 :]) for n in other] for i in range(len(parts))]
    return [judged.limits(own[0], len(own), beside) for own, beside in zip(speakers, others, strict=True)]


def _fact(by_column: Mapping[str, Sequence[Mapping[str, Any]]], name: str) -> Any:
    """A fact of all runs, or what it is in each column."""
    each = {column: _common(run[name] for run in runs) for column, runs in by_column.items()}
    whole = list(each.values())
    return whole[0] if all(fact == whole[0] for fact in whole) else each


def _common(facts: Iterable[Any]) -> Any:
    """The one fact, or all that there are."""
    each = list({json.dumps(fact): fact for fact in facts}.values())
    return each[0] if len(each) == 1 else each


def _depends_on(title: str, whole: Recipe) -> str:
    """The settings that a stage of a plan depends on: stages of equal title and settings are the same work."""
    sections = {
        "check": ("target", "source"),
        "features: target": ("target", "upstream"),
        "features: source": ("source", "upstream"),
        "translation": ("target", "source", "translation"),
        "language": ("target", "source", "translation", "filter"),
        "prosody": ("target", "source", "translation"),
        "features: translated": ("target", "source", "translation", "filter", "upstream"),
        "copies: noise": ("target", "copies"),
        "copies: copypaste": ("target", "copies"),
        "features: noise": ("target", "copies", "upstream"),
        "features: copypaste": ("target", "copies", "upstream"),
    }.get(title)
    return whole.model_dump_json(include={*sections, "emotions"} if sections else None)


def _together(title: str, stages: Sequence[StagePlan]) -> StagePlan:
    total, kept, left_s = (sum(getattr(stage, name) for stage in stages) for name in ("total", "kept", "left_s"))
    return StagePlan(title, total, kept, left_s)
