"""Settings of the generalist: what it hears, how it is trained, and what it is tested on without having heard it."""

from __future__ import annotations

from typing import Annotated, Literal

import yaml
from pydantic import Field, model_validator

from sottovoce.recipe.augmentation import Augmentation
from sottovoce.recipe.stage import Stage
from sottovoce.recipe.stages import Speech

Domain = Literal["corpus", "speaker"]
Share = Annotated[float, Field(ge=0, le=1)]


class Network(Stage):
    """The encoder that training starts from, and what of it stays as it is."""

    weights: str = Field(description="a Whisper checkpoint of any size, or a generalist: a folder or a hub id")
    allow_download: bool = Field(default=False, description="let transformers fetch `weights` from the hub")
    context: Literal["exact", "trimmed"] = Field(
        default="exact",
        description="`exact` pads to 30 s as in Whisper's training; `trimmed` takes a tenth of the time and hears less",
    )
    frozen_layers: Annotated[int, Field(ge=0)] = Field(
        default=0, description="layers frozen from below, beside convolutions and positions (the paper: 0)"
    )


class Labels(Stage):
    """How labels of corpora become distributions over the classes."""

    soft: bool = Field(default=True, description="false: the class of most weight alone")
    table: str | None = Field(default=None, description="a table of yours beside the shipped one")
    targets: list[str] = Field(
        default=[],
        description="instead of classes: measures of the manifests, from 0 to 1, each predicted by itself; `balance` "
        "is then of corpora alone",
    )
    neutral_smoothing: Share = Field(default=0.2, description="what the weakest recording gives to neutral (ours)")


class Domains(Stage):
    """The adversary: heads that tell domains apart, whose gradient is turned round (arXiv 2311.08607: w_d = 0.01)."""

    of: list[Domain] = Field(default=["corpus"], description="corpus, speaker, both, or none: []")
    weight: Annotated[float, Field(ge=0)] = 0.01


class SpecAugment(Stage):
    """SpecAugment (Park et al. 2019) by transformers; shares of steps and of mel bands where a mask begins (ours)."""

    time: Share = 0.05
    mel: Share = 0.05
    time_steps: Annotated[int, Field(ge=1)] = 10
    mel_bands: Annotated[int, Field(ge=1)] = 10


class Schedule(Stage):
    """How the network is trained. The paper prints none of it: all of this is ours."""

    epochs: Annotated[int, Field(ge=1)] = 5
    batch_size: Annotated[int, Field(ge=1)] = 16
    accumulate: Annotated[int, Field(ge=1)] = Field(default=1, description="batches to a step of the optimiser")
    learning_rate: Annotated[float, Field(gt=0)] = 1e-4
    weight_decay: Annotated[float, Field(ge=0)] = 0.01
    warm_up: Annotated[float, Field(ge=0, lt=1)] = Field(default=0.1, description="share of all steps")
    balance: Literal["none", "corpus", "class", "both"] = Field(
        default="both", description="utterances are weighted so that corpora, or classes, or both count alike"
    )
    precision: Literal["auto", "fp32", "bf16", "fp16"] = "auto"
    gradient_checkpointing: bool = False
    workers: Annotated[int, Field(ge=0)] = Field(default=0, description="processes that read and augment sounds")
    seeds: Annotated[list[int], Field(min_length=1)] = Field(default=[0])


class Sweep(Stage):
    """Every combination is trained for each held-out corpus."""

    soft: list[bool] = Field(default=[], description="soft labels, hard ones, or both; empty: as `labels` says")
    domain_weight: list[float] = Field(default=[], description="empty: as `domains` says; 0 is no adversary")


class GeneralistRecipe(Stage):
    """One model for many languages. Zero-shot: each corpus in turn is tested by a model that heard the others alone."""

    name: Annotated[str, Field(pattern=r"^\w[\w.-]*$")]
    corpora: Annotated[dict[str, Speech], Field(min_length=1)]
    held_out: list[str] | None = Field(default=None, description="the corpora to be tested, each by the others; all")
    network: Network
    labels: Labels = Labels()
    domains: Domains = Domains()
    augmentation: Augmentation = Augmentation()
    spec_augment: SpecAugment = SpecAugment()
    schedule: Schedule = Schedule()
    sweep: Sweep = Sweep()

    @model_validator(mode="after")
    def _agrees(self) -> GeneralistRecipe:
        unknown = sorted(set(self.held_out or ()) - set(self.corpora))
        if unknown:
            raise ValueError(f"held_out names {', '.join(unknown)}; the corpora are {', '.join(self.corpora)}")
        if self.labels.targets and (self.sweep.soft or self.sweep.domain_weight):
            raise ValueError("labels.targets are of one way to train: leave out sweep")
        return self

    def to_yaml(self) -> str:
        """The complete recipe as YAML."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)
