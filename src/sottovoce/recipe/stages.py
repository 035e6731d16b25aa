"""Settings of the stages of a run: where speech comes from, folds, head and selection."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from sottovoce.recipe.stage import Stage

Condition = Literal[
    "target-only",
    "all-synthetic",
    "bootstrapped",
    "untranslated",
    "untranslated-selected",
    "noise",
    "copypaste",
    "adaptive",
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


End = Annotated[float, Field(allow_inf_nan=False)]


class Measure(Stage):
    """A figure that is predicted in place of emotions: the lowest and the highest that its scale has, on each side.

    Both scales are mapped linearly onto 0 to 1. They are stated and not taken from the data, so that nothing leaks.
    """

    target: tuple[End, End]
    source: tuple[End, End]

    @model_validator(mode="after")
    def _ascends(self) -> Measure:
        for side, (lowest, highest) in (("target", self.target), ("source", self.source)):
            if lowest >= highest:
                raise ValueError(f"{side}: a scale goes from its lowest to its highest figure, as in [1, 7]")
        return self


class Protocol(Stage):
    """Who is tested by whom. Speakers are never on both sides, `emobox` apart."""

    kind: Literal["leave-one-speaker-out", "groups", "given", "emobox"] = "leave-one-speaker-out"
    n_folds: Annotated[int, Field(ge=2)] = 5
    fold_seed: int = 0
    folds: list[list[str]] | None = Field(default=None, description="for `given`: the test speakers of each fold")
    emobox_folder: str | None = Field(
        default=None, description="for `emobox`: its lists for this corpus, EmoBox/data/emodb, or the folder above"
    )


class Training(Stage):
    """The head and how it is trained. The number of epochs is fixed: nothing is chosen on test speakers."""

    seeds: Annotated[list[int], Field(min_length=1)] = Field(default=[0, 1, 2])
    hidden: Annotated[int, Field(ge=1)] = 128
    epochs: Annotated[int, Field(ge=1)] = 20
    batch_size: Annotated[int, Field(ge=1)] = 32
    learning_rate: Annotated[float, Field(gt=0)] = 1e-3
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    epsilon: Annotated[float, Field(ge=0, lt=1)] = Field(default=0.05, description="smoothing of soft labels")
    source_votes: Literal["given", "cross-fitted", "none"] = Field(
        default="given",
        description="`cross-fitted`: half of a source label is what heads of its other speakers hear; for sources "
        "with one label an utterance. `none`: its label alone, as if nobody had voted",
    )
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    memory_gib: Annotated[float, Field(gt=0)] = Field(
        default=2.0, description="frames held in memory; more stay on disk"
    )


class Selection(Stage):
    """Bootstrapping. `auto` takes `kl` where the source has votes, `argmax` where it has one label each, and `error`
    for measures."""

    criterion: Literal["auto", "kl", "argmax", "error"] = "auto"
    keep: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.5,
        description="of `kl` and `error`: the quantile of the divergence, or of the error, that it must lie below; "
        "eq. 3 has the median",
    )
    divergence: Literal["forward", "reverse"] = Field(
        default="forward", description="of `kl`: KL(M(x) || y) as in eq. 3, or KL(y || M(x))"
    )
    rounds: Annotated[int, Field(ge=1)] = 2


class Model(Stage):
    """The model that the run leaves, trained on all target speakers.

    `auto` takes the condition that does best, and reports the score of choosing so with each fold left out of its own
    choice; a name is chosen before any result is seen.
    """

    condition: Condition | Literal["auto"] = "auto"
