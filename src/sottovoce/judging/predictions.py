"""Test predictions as a table: everything a score is computed from, and the file `predictions.parquet`.

Columns: `condition`, `round`, `fold`, `seed`, `utterance`, `speaker`, `label`, then one probability column a class,
named after the emotion. Of measures, in place of `label` and classes: `true_NAME` and `said_NAME` of each, in the
target's own units. One row is what one trained model said of one utterance of its fold's test part.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sottovoce.errors import StoreError
from sottovoce.store.atomic import write_atomically

_WHERE = {"condition": pa.string(), "round": pa.int32(), "fold": pa.int32(), "seed": pa.int32()}
_WHO = {"utterance": pa.string(), "speaker": pa.string()}
_KEY = [*_WHERE, "utterance"]
_FIXED = _WHERE | _WHO | {"label": pa.string()}
TRUE, SAID = "true_", "said_"
"""Prefixes of the columns of a measure."""

SUM_TOLERANCE = 1e-4
"""Probabilities that float32 or bf16 softmax produced sum to 1 within this."""


def table(
    classes: Sequence[str],
    probabilities: NDArray[np.floating],
    *,
    condition: str,
    round: int,  # the column's name
    fold: int,
    seed: int,
    utterances: Sequence[str],
    speakers: Sequence[str],
    labels: Sequence[str],
) -> pa.Table:
    """What one trained model said of its test utterances. Join the tables of several with `pyarrow.concat_tables`.

    Args:
        classes: the K emotions, in the order of the columns of `probabilities`.
        probabilities: `[utterance, emotion]`.
        condition: e.g. `target-only`; with `round`, `fold` and `seed` it names the model.
        round: bootstrapping round, 0 where there are none.
        fold: number of the fold whose test part this is.
        seed: training seed.
        utterances: ids `[utterance]`; `speakers` and `labels` belong to them.
    """
    figures = dict(zip(classes, probabilities.T, strict=True))
    return _table((condition, round, fold, seed), (utterances, speakers, labels), figures)


def table_of_measures(
    measures: Sequence[str],
    true: NDArray[np.floating],
    said: NDArray[np.floating],
    *,
    condition: str,
    round: int,  # the column's name
    fold: int,
    seed: int,
    utterances: Sequence[str],
    speakers: Sequence[str],
) -> pa.Table:
    """As `table`, of measures: `true` and `said` are `[utterance, measure]`, in the target's own units."""
    figures = {f"{TRUE}{name}": column for name, column in zip(measures, true.T, strict=True)}
    figures |= {f"{SAID}{name}": column for name, column in zip(measures, said.T, strict=True)}
    return _table((condition, round, fold, seed), (utterances, speakers), figures)


def _table(
    where: Sequence[str | int], who: Sequence[Sequence[str]], figures: Mapping[str, NDArray[np.floating]]
) -> pa.Table:
    n = len(who[0])
    columns = [pa.array([content] * n, kind) for content, kind in zip(where, _WHERE.values(), strict=True)]
    columns += [pa.array(list(content), pa.string()) for content in who]
    columns += [pa.array(np.asarray(column, dtype=np.float64), pa.float64()) for column in figures.values()]
    return pa.table(columns, names=[*list(_FIXED)[: len(where) + len(who)], *figures])


def renamed(predictions: pa.Table, condition: str | Sequence[str], round: int | None = None) -> pa.Table:
    """The same rows under another condition, one for all or `[row]`, and under another round unless that is None."""
    n = predictions.num_rows
    named = _with(predictions, "condition", [condition] * n if isinstance(condition, str) else condition)
    return named if round is None else _with(named, "round", [round] * n)


def answered(predictions: pa.Table, probabilities: NDArray[np.floating], condition: str, round: int) -> pa.Table:
    """As if another model had been asked about the same rows, and had answered `probabilities`, `[row, emotion]`."""
    said = renamed(predictions, condition, round)
    for name, column in zip(classes_of(predictions), probabilities.T, strict=True):
        said = _with(said, name, np.asarray(column, np.float64))
    return said


def _with(predictions: pa.Table, column: str, content: Sequence[str | int] | NDArray[np.float64]) -> pa.Table:
    at = predictions.column_names.index(column)
    return predictions.set_column(at, column, pa.array(content, predictions.schema.field(at).type))


def classes_of(predictions: pa.Table) -> list[str]:
    """The emotions, in the order of their columns."""
    return [name for name in predictions.column_names if name not in _FIXED]


def probabilities(predictions: pa.Table) -> NDArray[np.float64]:
    """The probabilities `[row, emotion]`."""
    return np.stack([predictions[name].to_numpy() for name in classes_of(predictions)], axis=1)


def is_of_measures(predictions: pa.Table) -> bool:
    """Whether they are of measures, and not of emotions."""
    names = predictions.column_names
    return "label" not in names and any(name.startswith((TRUE, SAID)) for name in names)


def measures_of(predictions: pa.Table) -> list[str]:
    """The measures, in the order of their columns."""
    return [name.removeprefix(TRUE) for name in predictions.column_names if name.startswith(TRUE)]


def true_and_said(predictions: pa.Table) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both `[row, measure]`, in the target's units."""
    names = measures_of(predictions)
    true, said = (np.stack([predictions[f"{kind}{n}"].to_numpy() for n in names], axis=1) for kind in (TRUE, SAID))
    return true, said


def write(path: str | Path, predictions: pa.Table) -> Path:
    """Validate and write, atomically; the same table gives the same bytes.

    Raises:
        StoreError: see `read`; or the disk is full or may not be written.
    """
    path = Path(path)
    _validate(predictions, "these predictions cannot be written")
    write_atomically(path, lambda partial: pq.write_table(predictions.combine_chunks(), partial))
    return path


def read(path: str | Path) -> pa.Table:
    """Read and validate `predictions.parquet`.

    Raises:
        StoreError: with every problem: no such file, not Parquet, columns missing or of another type, labels that
            are no class, probabilities out of [0, 1] or not summing to 1, figures that are none, an utterance twice
            for one model.
    """
    path = Path(path)
    if not path.is_file():
        raise StoreError(f"{path}: there are no predictions; finish the run first (sottovoce run RECIPE.yaml)")
    try:
        predictions = pq.read_table(path)
    except (OSError, pa.ArrowException) as problem:
        raise StoreError(f"{path} cannot be read ({problem}); delete it and run the recipe again") from problem
    _validate(predictions, f"{path} is not a table of predictions; delete it and run the recipe again")
    return predictions


def _validate(predictions: pa.Table, headline: str) -> None:
    problems = _schema_problems(predictions) or _row_problems(predictions)
    if problems:
        raise StoreError("\n  - ".join([f"{headline}:", *problems]))


def _schema_problems(predictions: pa.Table) -> list[str]:
    names, schema = predictions.column_names, predictions.schema
    of_measures = is_of_measures(predictions)
    needed = _FIXED
    if of_measures:
        measured = dict.fromkeys(name.partition("_")[2] for name in names if name.startswith((TRUE, SAID)))
        needed = _WHERE | _WHO | {f"{kind}{name}": pa.float64() for kind in (TRUE, SAID) for name in measured}
    problems = [f"column '{name}' is missing" for name in needed if name not in names]
    problems += [f"column '{name}' occurs more than once" for name in sorted({n for n in names if names.count(n) > 1})]
    if problems:
        return problems
    wanted = needed if of_measures else needed | dict.fromkeys(classes_of(predictions), pa.float64())
    problems += [f"column '{name}' belongs to nothing" for name in names if name not in wanted]
    problems += [
        f"column '{name}' is {schema.field(name).type}, not {kind}"
        for name, kind in wanted.items()
        if schema.field(name).type != kind
    ]
    problems += [f"column '{name}' has empty cells" for name in names if predictions[name].null_count]
    if not of_measures and len(classes_of(predictions)) < 2:
        problems.append("there are fewer than two classes")
    if not predictions.num_rows:
        problems.append("there are no rows")
    return problems


def _row_problems(predictions: pa.Table) -> list[str]:
    problems = _measure_problems(predictions) if is_of_measures(predictions) else _class_problems(predictions)
    repeated = predictions.num_rows - predictions.group_by(_KEY).aggregate([]).num_rows
    if repeated:
        problems.append(f"{repeated} rows repeat an utterance for the same {', '.join(_KEY[:-1])}")
    return problems


def _measure_problems(predictions: pa.Table) -> list[str]:
    finite = np.isfinite(np.hstack(true_and_said(predictions))).all(axis=1)
    return [] if finite.all() else [f"{np.count_nonzero(~finite)} rows have figures that are no numbers"]


def _class_problems(predictions: pa.Table) -> list[str]:
    values = probabilities(predictions)
    problems = [
        f"label '{label}' is none of the classes"
        for label in sorted(set(predictions["label"].to_pylist()) - set(classes_of(predictions)))
    ]
    if outside := np.count_nonzero(~((values >= 0) & (values <= 1)).all(axis=1)):
        problems.append(f"{outside} rows have probabilities outside [0, 1]")
    elif wrong := np.count_nonzero(np.abs(values.sum(axis=1) - 1) > SUM_TOLERANCE):
        problems.append(f"{wrong} rows have probabilities that do not sum to 1")
    return problems
