"""`config.json` of a model: everything but its weights. What does not fit this form is refused before it is used."""

from __future__ import annotations

import json
from pathlib import Path, PurePath
from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sottovoce.errors import SottovoceError
from sottovoce.judging.abstention import Step
from sottovoce.recipe import UpstreamName

SCHEMA = 2

Fraction = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    """Unknown keys and numbers that are none are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class ChosenUpstream(_Part):
    """The arguments of `load_upstream`. A relative folder of weights lies in the model's own folder."""

    name: UpstreamName
    weights: str | None = None
    revision: str | None = None
    layer: Literal["last", "all", "all-normed"] | Annotated[int, Field(ge=-1000, le=1000)] = "last"
    context: Literal["exact", "trimmed"] = "trimmed"
    known_as: str | None = None

    @model_validator(mode="after")
    def _stays_inside(self) -> ChosenUpstream:
        if self.weights is not None and ".." in PurePath(self.weights.replace("\\", "/")).parts:
            raise ValueError(f"weights '{self.weights}' lead out of the model's folder")
        return self


class TrainedOn(_Part):
    """How much the head has heard, and whom; `added` says what the added utterances are."""

    target_utterances: Annotated[int, Field(ge=1)]
    target_speakers: list[str]
    added_utterances: Annotated[int, Field(ge=0)]
    added: dict[str, int] = {}
    languages: list[str]
    seed: int


class AnswerStep(_Part):
    """See `judging.abstention.Step`."""

    threshold: Fraction
    coverage: Fraction
    error: Fraction
    error_bound: Fraction | None


class Reliance(_Part):
    """What out-of-fold predictions said of this model's like: see `judging.trust.Trust`."""

    temperature: Annotated[float, Field(gt=0, le=100)]
    n_utterances: Annotated[int, Field(ge=1)]
    n_speakers: Annotated[int, Field(ge=1)]
    answers: Annotated[list[AnswerStep], Field(min_length=1)]

    @property
    def steps(self) -> list[Step]:
        """Thresholds with the errors to expect, from the surest."""
        return [Step(**dict(each)) for each in self.answers]


class ToldMeasure(_Part):
    """A measure that a model says, in the units of its target, and how far off it was for speakers it had not heard.

    `mae` is the mean absolute error; None where nobody was kept to measure it on.
    """

    name: Annotated[str, Field(min_length=1)]
    lowest: float
    highest: float
    mae: Annotated[float, Field(ge=0)] | None

    @model_validator(mode="after")
    def _ascends(self) -> ToldMeasure:
        if self.lowest >= self.highest:
            raise ValueError(f"the scale of {self.name} must go from its lowest to its highest figure")
        return self


class _OfAnyModel(_Part):
    """What the file holds of every model; `version` is written as `schema`."""

    version: Literal[2] = Field(alias="schema")
    name: str
    condition: str
    round: Annotated[int, Field(ge=0)]
    upstream: ChosenUpstream
    revision: str
    trained_on: TrainedOn

    @property
    def says(self) -> list[str]:
        """What the columns of the model's answers are."""
        raise NotImplementedError

    @model_validator(mode="after")
    def _distinct(self) -> Self:
        if len(set(self.says)) < len(self.says):
            raise ValueError("emotions or measures must not repeat themselves")
        return self

    def to_json(self) -> str:
        """What `read` reads: what the model is called and says first."""
        whole = self.model_dump(by_alias=True)
        first = {key: whole.pop(key) for key in ("schema", "name", "emotions", "measures") if key in whole}
        return json.dumps(first | whole, indent=1) + "\n"


class Config(_OfAnyModel):
    """The whole file of a model of emotions."""

    emotions: Annotated[list[Annotated[str, Field(min_length=1)]], Field(min_length=2, max_length=1000)]
    reliance: Reliance

    @property
    def says(self) -> list[str]:
        """The emotions."""
        return self.emotions


class MeasuresConfig(_OfAnyModel):
    """The whole file of a model of measures."""

    measures: Annotated[list[ToldMeasure], Field(min_length=1, max_length=1000)]

    @property
    def says(self) -> list[str]:
        """The names of the measures."""
        return [measure.name for measure in self.measures]


AnyConfig = Config | MeasuresConfig


def read(path: Path) -> AnyConfig:
    """Read and validate.

    Raises:
        SottovoceError: unreadable, another schema, or with every key that does not fit.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError) as problem:
        raise SottovoceError(f"{path} cannot be read ({problem}); run the model's recipe again") from problem
    if not isinstance(content, dict):
        raise SottovoceError(f"{path} is not the configuration of a Sottovoce model; run the model's recipe again")
    if "model_type" in content or "architectures" in content:
        kind = content.get("model_type", "transformers")
        raise SottovoceError(
            f"{path.parent} is a checkpoint of transformers ({kind}), which hears but knows no emotions: an upstream. "
            "Train a model on it: set upstream.weights in a recipe, then sottovoce run RECIPE"
        )
    if content.get("schema") != SCHEMA:
        raise SottovoceError(
            f"{path} has schema {content.get('schema')!r}, and this version of Sottovoce reads {SCHEMA}. Run the "
            "model's recipe again: what is in the store is not computed twice"
        )
    try:
        return (MeasuresConfig if "measures" in content else Config).model_validate(content)
    except ValidationError as problem:
        found = "".join(f"\n  - {'.'.join(map(str, e['loc'])) or 'whole'}: {e['msg']}" for e in problem.errors())
        raise SottovoceError(f"{path} is not the configuration of a Sottovoce model:{found}") from problem
