"""What the files of a run say, for the report."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from sottovoce.errors import StoreError
from sottovoce.judging import predictions as predicted

_MANIFESTS = ("target", "source", "translated", "kept")


@dataclass(frozen=True)
class RunFiles:
    """What the files of a run say. Optional files that are absent are None or empty."""

    results: dict[str, Any]
    predictions: pa.Table
    details: dict[str, Any]
    proof: dict[str, Any]
    recipe: str
    selection: pa.Table | None
    manifests: dict[str, pa.Table]
    folder: Path

    @property
    def speaker_dependent(self) -> bool:
        """Whether folds share speakers between training and test."""
        return self.proof.get("speaker_disjoint") is False


def read(run: Path) -> RunFiles:
    """Read the folder of a run.

    Raises:
        StoreError: it holds no finished run, or a file of it cannot be read.
    """
    if not (run / "results.json").is_file():
        raise StoreError(f"{run} holds no results.json: finish the run first with 'sottovoce run', then report on it")
    manifests = {name: _part(run / "manifests" / f"{name}.parquet", pq.read_table) for name in _MANIFESTS}
    return RunFiles(
        results=_part(run / "results.json", _json),
        predictions=predicted.read(run / "predictions.parquet"),
        details=_part(run / "details.json", _json) or {},
        proof=(_part(run / "folds.json", _json) or {}).get("proof", {}),
        recipe=_part(run / "recipe.yaml", _text) or "",
        selection=_part(run / "selection.parquet", pq.read_table),
        manifests={name: manifest for name, manifest in manifests.items() if manifest is not None},
        folder=run,
    )


def _part(path: Path, read: Callable[[Path], Any]) -> Any:
    """What `read` makes of one file of the run, None where there is no such file."""
    if not path.is_file():
        return None
    try:
        return read(path)
    except (OSError, ValueError, pa.ArrowException) as problem:
        raise StoreError(f"{path} cannot be read ({problem}); delete it and run the recipe again") from problem


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _json(path: Path) -> dict[str, Any]:
    return json.loads(_text(path))
