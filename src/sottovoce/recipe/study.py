"""A study: tables, sweeps and curves over many runs that share what they have in common (arXiv 2409.10985, III-D)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from sottovoce.recipe.stage import Stage
from sottovoce.recipe.stages import Condition

Component = Literal["HR", "TR", "EX", "BO"]
"""The paper's marks: speech of a high-resource language, translated, expressively, selected by bootstrapping."""

Changes = dict[str, Any]
"""Settings by their place: `translation.expressive: false`."""


class Column(Stage):
    """One corpus, say, that everything of the study is done on: settings of the base recipe that it changes."""

    name: str = ""
    change: Changes = Field(default={}, description="settings by their place, or whole sections: target: {...}")
    printed: str | None = Field(default=None, description="the paper's column whose figures stand beside ours")


class Row(Stage):
    """One line of a table: a condition of the base recipe, with some of its settings changed."""

    name: str
    condition: Condition
    marks: list[Component] = Field(default=[])
    change: Changes = Field(default={}, description="settings by their place: translation.expressive: false")
    against: str | None = Field(default=None, description="the row that it is compared with")
    printed: str | None = Field(default=None, description="the paper's row")


class Comparison(Stage):
    """One table.

    Every row is compared with the first, and the last, the method as it is, with every other; where a row says
    `against`, those that do are compared with what they say, and nothing else is.
    """

    title: str
    rows: Annotated[list[Row], Field(min_length=2)]
    printed: Literal["table3", "table4", "table5", "table6"] | None = Field(
        default=None, description="the table of arXiv 2409.10985 whose figures stand beside ours"
    )

    @model_validator(mode="after")
    def _agrees(self) -> Comparison:
        names = [row.name for row in self.rows]
        if len(set(names)) < len(names):
            raise ValueError(f"two rows of '{self.title}' have one name")
        if unknown := sorted({row.against for row in self.rows if row.against} - set(names)):
            raise ValueError(f"rows of '{self.title}' are against {', '.join(unknown)}, which is no row of it")
        return self

    @property
    def pairs(self) -> list[tuple[str, str]]:
        """Which rows are compared."""
        if any(row.against for row in self.rows):
            return [(row.name, row.against) for row in self.rows if row.against]
        first, *middle, last = [row.name for row in self.rows]
        return [(name, first) for name in [*middle, last]] + [(last, name) for name in middle]


class Sweep(Stage):
    """One setting varied: the gain of a condition over the target alone, at each value."""

    title: str
    setting: str = Field(description="its place: selection.keep")
    values: Annotated[list[Any], Field(min_length=2)]
    condition: Condition = "bootstrapped"
    change: Changes = Field(default={})

    @model_validator(mode="after")
    def _gains(self) -> Sweep:
        if self.condition == "target-only":
            raise ValueError(f"'{self.title}' is of a gain over target-only: give it another condition")
        return self


class Curve(Stage):
    """A condition of several rounds, one by one, and the oracle: the best round of each fold and seed, chosen with its
    labels (the paper's Fig. 2)."""

    title: str
    condition: Literal["bootstrapped", "untranslated-selected"] = "bootstrapped"
    rounds: Annotated[int, Field(ge=1)] = 5
    change: Changes = Field(default={})


class Study(Stage):
    """Tables, sweeps and curves over one base recipe, for each column."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
    base: str = Field(description="a shipped recipe's name, or a file; a relative one is beside this file")
    columns: Annotated[list[Column], Field(min_length=1)] = Field(default=[Column()])
    tables: list[Comparison] = Field(default=[])
    sweeps: list[Sweep] = Field(default=[])
    curves: list[Curve] = Field(default=[])

    @model_validator(mode="after")
    def _has_something(self) -> Study:
        if not (self.tables or self.sweeps or self.curves):
            raise ValueError("a study needs tables, sweeps or curves")
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            raise ValueError("two columns have one name")
        titles = [part.title for part in (*self.tables, *self.sweeps, *self.curves)]
        if twice := sorted({title for title in titles if titles.count(title) > 1}):
            raise ValueError(f"two tables, sweeps or curves have the title '{twice[0]}'; results go by titles")
        return self
