"""Tables of runs that differ in one thing: each is a run, and the store shares what they have in common."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from sottovoce import job, recipe
from sottovoce.experiment.place import Place
from sottovoce.judging import predictions as prediction_table
from sottovoce.judging import results as judged
from sottovoce.recipe import Ablation, Recipe
from sottovoce.recipe.ablation import Comparison, Row
from sottovoce.show.ablation import write_page
from sottovoce.store.atomic import write_json
from sottovoce.store.progress import Progress, Quiet

BASELINE = "target-only"


@dataclass(frozen=True)
class Variant:
    """One run: the base recipe with some settings changed, and the folder it is put into."""

    recipe: Recipe
    folder: str


def variants(ablation: Ablation, path: Path, changes: Sequence[str] = ()) -> dict[str, Variant]:
    """The runs that the rows need, by the JSON of the rows' changes; rows with equal changes share one.

    Args:
        ablation: the tables.
        path: its file: the base recipe may lie beside it.
        changes: of the user's, for every run: `training.seeds=[0]`.

    Raises:
        RecipeError: the base is not there, or a change does not fit.
    """
    base = recipe.find(ablation.base, beside=path.parent)
    wanted: dict[str, list[Row]] = {}
    for row in (row for table in ablation.tables for row in table.rows):
        wanted.setdefault(_key(row), []).append(row)
    found = {}
    for key, rows in wanted.items():
        settings = json.loads(key)
        needed = list(dict.fromkeys([BASELINE, *(row.condition for row in rows)]))
        whole = recipe.load(base, changes, settings)
        # without a change it is the base run itself, whose conditions share their training
        if settings or not set(needed) <= set(whole.conditions):
            settings |= {"conditions": needed, "model.condition": needed[-1]}
            whole = recipe.load(base, changes, settings)
        found[key] = Variant(whole, _folder(rows) if json.loads(key) else "base")
    return found


def run(
    ablation: Ablation,
    path: Path,
    out: Path,
    place: Place,
    progress: Progress | None = None,
    changes: Sequence[str] = (),
) -> dict[str, Any]:
    """Run every variant, judge each table's rows together, and leave `results.json`, `report.html` and the runs.

    Raises:
        SottovoceError: of whichever run cannot go on; each says what to do next.
    """
    progress = progress or Quiet()
    done = {}
    for key, variant in variants(ablation, path, changes).items():
        folder = out / "runs" / variant.folder
        done[key] = job.run(variant.recipe, folder, place, progress), folder
    tables = [_judged(table, done) for table in ablation.tables]
    first = next(iter(done.values()))[0]
    shared = {name: first[name] for name in ("target", "upstream", "protocol", "n_speakers", "n_folds", "seeds")}
    warnings = list(dict.fromkeys(w for results, _ in done.values() for w in results["warnings"]))
    results = {
        "schema": 1,
        "name": ablation.name,
        **shared,
        "tables": tables,
        "warnings": warnings,
        "environment": first["environment"],
    }
    write_json(out / "results.json", results)
    write_page(out / "report.html", results)
    return results


def _judged(table: Comparison, done: Mapping[str, tuple[Mapping[str, Any], Path]]) -> dict[str, Any]:
    """One table: the rows' predictions laid side by side and judged as the conditions of one run are."""
    parts, extra = [], {}
    for row in table.rows:
        results, folder = done[_key(row)]
        last = max((c for c in results["conditions"] if c["name"] == row.condition), key=lambda c: c["round"])
        parts.append(_renamed(prediction_table.read(folder / "predictions.parquet"), row, last["round"]))
        extra[row.name] = {
            "marks": row.marks,
            "condition": row.condition,
            "rounds": last["round"],
            "n_selected": last["n_selected"],
            "translator": results["translator"],
            "source": results["source"],
            "run": f"runs/{folder.name}",
        }
    names = [(row.name, 0) for row in table.rows]
    pairs = [(name, names[0]) for name in names[1:]] + [(names[-1], name) for name in names[1:-1]]
    verdict = judged.judge(pa.concat_tables(parts), baseline=names[0][0], pairs=pairs)
    rows = [{**condition, **extra[condition["name"]]} for condition in verdict["conditions"]]
    return {
        "title": table.title,
        "rows": rows,
        "comparisons": verdict["comparisons"],
        "warnings": verdict["warnings"],
    }


def _renamed(predictions: pa.Table, row: Row, last_round: int) -> pa.Table:
    chosen = predictions.filter((pc.field("condition") == row.condition) & (pc.field("round") == last_round))
    n = chosen.num_rows
    columns = {"condition": pa.array([row.name] * n, pa.string()), "round": pa.array([0] * n, pa.int32())}
    for name, column in columns.items():
        chosen = chosen.set_column(chosen.schema.get_field_index(name), name, column)
    return chosen


def _key(row: Row) -> str:
    return json.dumps(row.change, sort_keys=True)


def _folder(rows: Sequence[Row]) -> str:
    return "".join(c if c.isalnum() else "-" for c in rows[0].name.lower()).strip("-")
