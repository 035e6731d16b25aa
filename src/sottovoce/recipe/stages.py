"""Settings of the stages of a run: where speech comes from, upstream, folds, head and selection."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sottovoce.recipe.stage import Stage

Condition = Literal[
    "target-only", "all-synthetic", "bootstrapped", "untranslated", "untranslated-selected", "noise", "copypaste"
]


class Speech(Stage):
    """Where recordings come from: a corpus with a reader, your own folder with a pattern, or a manifest."""

    corpus: str | None = Field(default=None, description="a reader's name, see `sottovoce corpora`")
    folder: str | None = Field(default=None, description="the corpus's folder")
    pattern: str | None = Field(default=None, description="for corpus `folder`: '{speaker}_{text_id}_{emotion}'")
    labels: dict[str, str] = Field(default_factory=dict, description="for corpus `folder`: your label -> emotion")
    part: str | None = Field(default=None, description="one part of a corpus that has several; all")
    manifest: str | None = Field(default=None, description="a .csv, .parquet or .jsonl with path, speaker, emotion")
    language: str | None = Field(default=None, description="ISO 639-1; needed where the corpus does not say")

    @model_validator(mode="after")
    def _one_origin(self) -> Speech:
        if (self.manifest is None) == (self.corpus is None):
            raise ValueError("give either `manifest`, or `corpus` with `folder`")
        if self.corpus is not None and self.folder is None and self.corpus != "demo":
            raise ValueError(f"corpus '{self.corpus}' needs its `folder`")
        return self


class Upstream(Stage):
    """The frozen model that turns sound into frames."""

    name: Literal["logmel", "whisper", "ssl", "generalist"] = "logmel"
    weights: str | None = Field(default=None, description="a folder or a hub id; none for logmel")
    known_as: str | None = Field(default=None, description="the hub id that a folder's weights are a copy of")
    layer: Literal["last", "mix"] | int = Field(
        default="last", description="`mix` learns softmax weights over all layers"
    )
    context: Literal["exact", "trimmed"] = Field(
        default="trimmed", description="Whisper: pad to 30 s, or valid frames only; a generalist has its own"
    )
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    allow_download: bool = Field(default=False, description="let transformers fetch `weights` from the hub")

    @model_validator(mode="after")
    def _weights_given(self) -> Upstream:
        if self.name != "logmel" and not self.weights:
            raise ValueError(f"upstream '{self.name}' needs `weights`: a folder or a hub id")
        return self


class Protocol(Stage):
    """Who is tested by whom. Speakers are never on both sides, `emobox` apart."""

    kind: Literal["leave-one-speaker-out", "groups", "given", "emobox"] = "leave-one-speaker-out"
    n_folds: Annotated[int, Field(ge=2)] = 5
    fold_seed: int = 0
    folds: list[list[str]] | None = Field(default=None, description="for `given`: the test speakers of each fold")
    emobox_folder: str | None = Field(default=None, description="for `emobox`: your copy of its lists for this corpus")


class Training(Stage):
    """The head and how it is trained. The number of epochs is fixed: nothing is chosen on test speakers."""

    seeds: Annotated[list[int], Field(min_length=1)] = Field(default=[0, 1, 2])
    hidden: Annotated[int, Field(ge=1)] = 128
    epochs: Annotated[int, Field(ge=1)] = 20
    batch_size: Annotated[int, Field(ge=1)] = 32
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    epsilon: Annotated[float, Field(ge=0, lt=1)] = Field(default=0.05, description="smoothing of soft labels")
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    memory_gib: Annotated[float, Field(gt=0)] = Field(
        default=2.0, description="frames held in memory; more stay on disk"
    )


class Selection(Stage):
    """Bootstrapping. `auto` takes `kl` where the source has votes and `argmax` where it has one label each."""

    criterion: Literal["auto", "kl", "argmax"] = "auto"
    rounds: Annotated[int, Field(ge=1)] = 2


class Model(Stage):
    """The model that the run leaves, trained on all target speakers.

    `auto` takes the condition that does best, and reports the score of choosing so with each fold left out of its own
    choice; a name is chosen before any result is seen.
    """

    condition: Condition | Literal["auto"] = "auto"
