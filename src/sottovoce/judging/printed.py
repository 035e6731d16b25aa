"""What arXiv 2409.10985 prints in its Tables III to VI, to stand beside our figures."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import yaml

from sottovoce.errors import RecipeError


def figures(table: str | None, row: str | None, column: str | None) -> dict[str, float] | None:
    """The figures of one cell as fractions: `wa`, `ua` and `macro_f1` in the usual sense; None if no cell is named.

    Raises:
        RecipeError: there is no such row or column.
    """
    if table is None or row is None or column is None:
        return None
    for name, known, what in (
        (row, _printed()[table], "row"),
        (column, next(iter(_printed()[table].values())), "column"),
    ):
        if name not in known:
            raise RecipeError(f"the paper's {table} has no {what} '{name}'; there are: {', '.join(known)}")
    return {metric: round(percent / 100, 6) for metric, percent in _printed()[table][row][column].items()}


@cache
def _printed() -> dict[str, Any]:
    return yaml.safe_load((Path(__file__).with_name("printed.yaml")).read_text(encoding="utf-8"))
