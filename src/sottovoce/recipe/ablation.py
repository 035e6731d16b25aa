"""Tables of runs that differ in one thing, as Tables V and VI of arXiv 2409.10985."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from sottovoce.recipe.stage import Stage
from sottovoce.recipe.stages import Condition

Component = Literal["HR", "TR", "EX", "BO"]
"""The paper's marks: speech of a high-resource language, translated, expressively, selected by bootstrapping."""


class Row(Stage):
    """One line of a table: a condition of the base recipe, with some of its settings changed."""

    name: str
    condition: Condition
    marks: list[Component] = Field(default=[])
    change: dict[str, Any] = Field(default={}, description="settings by their place: translation.expressive: false")


class Comparison(Stage):
    """One table. Every row is compared with the first, and the last, the method as it is, with every other."""

    title: str
    rows: Annotated[list[Row], Field(min_length=2)]


class Ablation(Stage):
    """Some tables over one base recipe."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    base: str = Field(description="a shipped recipe's name, or a file; a relative one is beside this file")
    tables: Annotated[list[Comparison], Field(min_length=1)]

    @model_validator(mode="after")
    def _names_differ(self) -> Ablation:
        for table in self.tables:
            names = [row.name for row in table.rows]
            if len(set(names)) < len(names):
                raise ValueError(f"two rows of '{table.title}' have one name")
        return self
