"""A run on tones as a person starts it, and what it leaves."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq

from tests import launcher

FILES = {
    "recipe.yaml",
    "folds.json",
    "selection.parquet",
    "predictions.parquet",
    "results.json",
    "details.json",
    "report.html",
    *(f"manifests/{name}.parquet" for name in ("target", "source", "translated", "kept")),
    *(f"model/{name}" for name in ("config.json", "model.safetensors", "README.md")),
}
"""What every run promises."""


@dataclass(frozen=True)
class TinyRun:
    """Where everything lies, its recipe, and the folder of what it leaves."""

    place: Path
    recipe: Path
    folder: Path

    def start(self, *more: str) -> launcher.Command:
        """The command, under way."""
        store = self.place / "store"
        return launcher.start(self.place, "run", self.recipe, "--out", self.folder, "--store", store, "--quiet", *more)

    def files(self) -> set[str]:
        """All that there are in its folder."""
        return {str(path.relative_to(self.folder)) for path in self.folder.rglob("*") if path.is_file()}

    def json(self, name: str) -> Any:
        """One of its JSON files."""
        return json.loads((self.folder / name).read_text(encoding="utf-8"))

    def rows(self, name: str) -> list[dict[str, Any]]:
        """Of one of its tables."""
        return pq.read_table(self.folder / name).to_pylist()
