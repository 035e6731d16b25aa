"""A whole run."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import Field, model_validator

from sottovoce.recipe.augmentation import Copies
from sottovoce.recipe.stage import Stage
from sottovoce.recipe.stages import Condition, Measure, Model, Protocol, Selection, Speech, Training
from sottovoce.recipe.translation import Filter, Offline, Translation
from sottovoce.recipe.upstream import Upstream


class Recipe(Stage):
    """A whole run."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
    target: Speech
    source: Speech
    emotions: Annotated[list[str], Field(min_length=2)] = Field(default=["angry", "happy", "neutral", "sad"])
    measures: dict[Annotated[str, Field(min_length=1)], Measure] = Field(
        default={}, description="in place of emotions: columns `measure_NAME` of the manifests, with their scales"
    )
    translation: Translation = Offline()
    filter: Filter = Filter()
    copies: Copies = Copies()
    upstream: Upstream = Upstream()
    protocol: Protocol = Protocol()
    training: Training = Training()
    selection: Selection = Selection()
    conditions: Annotated[list[Condition], Field(min_length=1)] = Field(
        default=[
            "target-only",
            "all-synthetic",
            "bootstrapped",
            "untranslated",
            "untranslated-selected",
        ]
    )
    model: Model = Model()

    @model_validator(mode="after")
    def _agrees(self) -> Recipe:
        if "target-only" not in self.conditions:
            raise ValueError("conditions must hold target-only: everything is compared with it")
        if len(set(self.conditions)) < len(self.conditions) or len(set(self.emotions)) < len(self.emotions):
            raise ValueError("conditions and emotions must not repeat themselves")
        if len(set(self.training.seeds)) < len(self.training.seeds):
            raise ValueError("training.seeds must differ from each other")
        if self.model.condition not in ("auto", *self.conditions):
            raise ValueError(f"model.condition '{self.model.condition}' is none of the run's conditions")
        return self

    @model_validator(mode="after")
    def _fits_the_measures(self) -> Recipe:
        criterion = self.selection.criterion
        if self.measures and criterion not in ("auto", "error"):
            raise ValueError(f"selection.criterion {criterion} is for emotions; for measures there is `error` alone")
        if not self.measures and criterion == "error":
            raise ValueError("selection.criterion error is for measures; for emotions there are `kl` and `argmax`")
        if self.measures and self.training.source_votes != "given":
            raise ValueError("training.source_votes is for emotions; with measures leave it out")
        if self.measures and "copypaste" in self.conditions:
            raise ValueError("condition copypaste joins utterances of one emotion; with measures leave it out")
        return self

    @model_validator(mode="after")
    def _can_adapt(self) -> Recipe:
        if "adaptive" not in self.conditions:
            return self
        if len(self.conditions) < 3:
            raise ValueError("condition adaptive is made of the others: beside target-only there must be one more")
        if self.measures:
            raise ValueError("condition adaptive is for emotions; with measures leave it out")
        return self

    @property
    def candidates(self) -> list[Condition]:
        """The conditions that may become the model."""
        return self.conditions if self.model.condition == "auto" else [self.model.condition]

    def write(self, path: Path) -> None:
        """Write the complete recipe, defaults included."""
        path.write_text(self.to_yaml(), encoding="utf-8")

    def to_yaml(self) -> str:
        """The complete recipe as YAML."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
