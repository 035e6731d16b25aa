"""Recipes: every setting of a run, checked before anything starts. YAML in, complete YAML out.

A recipe is a tree of the models below. Unknown keys are errors. `${NAME}` in a string is replaced by the environment
variable of that name, so that a recipe holds no path of one machine.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from sottovoce.errors import RecipeError

Condition = Literal["target-only", "all-synthetic", "bootstrapped", "untranslated", "untranslated-selected"]


class _Stage(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Speech(_Stage):
    """Where recordings come from: a corpus with a reader, your own folder with a pattern, or a manifest."""

    corpus: str | None = Field(default=None, description="a reader's name, see `sottovoce corpora`")
    folder: str | None = Field(default=None, description="the corpus's folder")
    pattern: str | None = Field(default=None, description="for corpus `folder`: '{speaker}_{text_id}_{emotion}'")
    labels: dict[str, str] = Field(default_factory=dict, description="for corpus `folder`: your label -> emotion")
    manifest: str | None = Field(default=None, description="a .csv, .parquet or .jsonl with path, speaker, emotion")
    language: str | None = Field(default=None, description="ISO 639-1; needed where the corpus does not say")

    @model_validator(mode="after")
    def _one_origin(self) -> Speech:
        if (self.manifest is None) == (self.corpus is None):
            raise ValueError("give either `manifest`, or `corpus` with `folder`")
        if self.corpus is not None and self.folder is None and self.corpus != "demo":
            raise ValueError(f"corpus '{self.corpus}' needs its `folder`")
        return self


class Translation(_Stage):
    """How source speech becomes target speech."""

    name: Literal["offline"] = "offline"
    expressive: bool = Field(default=True, description="false: the plain voice, the paper's EX ablation")
    engine: Literal["auto", "pico", "espeak"] = "auto"
    memory: str | None = Field(default=None, description="your translation memory, a TSV")


class Upstream(_Stage):
    """The frozen model that turns sound into frames."""

    name: Literal["logmel", "whisper", "ssl"] = "logmel"
    weights: str | None = Field(default=None, description="a folder or a hub id; none for logmel")
    known_as: str | None = Field(default=None, description="the hub id that a folder's weights are a copy of")
    layer: Literal["last", "mix"] | int = Field(
        default="last", description="`mix` learns softmax weights over all layers"
    )
    context: Literal["exact", "trimmed"] = Field(
        default="trimmed", description="Whisper: pad to 30 s, or valid frames only"
    )
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    allow_download: bool = Field(default=False, description="let transformers fetch `weights` from the hub")

    @model_validator(mode="after")
    def _weights_given(self) -> Upstream:
        if self.name != "logmel" and not self.weights:
            raise ValueError(f"upstream '{self.name}' needs `weights`: a folder or a hub id")
        return self


class Protocol(_Stage):
    """Who is tested by whom. Speakers are never on both sides, `emobox` apart."""

    kind: Literal["leave-one-speaker-out", "groups", "given", "emobox"] = "leave-one-speaker-out"
    n_folds: Annotated[int, Field(ge=2)] = 5
    fold_seed: int = 0
    folds: list[list[str]] | None = Field(default=None, description="for `given`: the test speakers of each fold")
    emobox_folder: str | None = Field(default=None, description="for `emobox`: your copy of its lists for this corpus")


class Training(_Stage):
    """The head and how it is trained. The number of epochs is fixed: nothing is chosen on test speakers."""

    seeds: Annotated[list[int], Field(min_length=1)] = [0, 1, 2]
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


class Selection(_Stage):
    """Bootstrapping. `auto` takes `kl` where the source has votes and `argmax` where it has one label each."""

    criterion: Literal["auto", "kl", "argmax"] = "auto"
    rounds: Annotated[int, Field(ge=1)] = 2


class Model(_Stage):
    """The model that the run leaves, trained on all target speakers. Chosen here, before any result is seen."""

    condition: Condition = "bootstrapped"


class Recipe(_Stage):
    """A whole run."""

    name: Annotated[str, Field(pattern=r"^[\w.-]+$")]
    target: Speech
    source: Speech
    emotions: Annotated[list[str], Field(min_length=2)] = ["angry", "happy", "neutral", "sad"]
    translation: Translation = Translation()
    upstream: Upstream = Upstream()
    protocol: Protocol = Protocol()
    training: Training = Training()
    selection: Selection = Selection()
    conditions: Annotated[list[Condition], Field(min_length=1)] = [
        "target-only",
        "all-synthetic",
        "bootstrapped",
        "untranslated",
        "untranslated-selected",
    ]
    model: Model = Model()

    @model_validator(mode="after")
    def _agrees(self) -> Recipe:
        if "target-only" not in self.conditions:
            raise ValueError("conditions must hold target-only: everything is compared with it")
        if len(set(self.conditions)) < len(self.conditions) or len(set(self.emotions)) < len(self.emotions):
            raise ValueError("conditions and emotions must not repeat themselves")
        if len(set(self.training.seeds)) < len(self.training.seeds):
            raise ValueError("training.seeds must differ from each other")
        if self.model.condition not in self.conditions:
            raise ValueError(f"model.condition '{self.model.condition}' is none of the run's conditions")
        return self

    def write(self, path: Path) -> None:
        """Write the complete recipe, defaults included."""
        path.write_text(self.to_yaml(), encoding="utf-8")

    def to_yaml(self) -> str:
        """The complete recipe as YAML."""
        return yaml.safe_dump(self.model_dump(mode="json"), sort_keys=False, allow_unicode=True)


def load(path: Path, changes: Sequence[str] = ()) -> Recipe:
    """Read a recipe and apply `key=value` changes such as `training.epochs=5` (values are YAML).

    Raises:
        RecipeError: with every problem and its place.
    """
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise RecipeError(f"{path}: the recipe cannot be read ({problem.strerror})") from problem
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise RecipeError(f"{path}: not valid YAML: {problem}") from problem
    if not isinstance(tree, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of settings; see docs/recipes.md")
    for change in changes:
        _apply(tree, change)
    try:
        return Recipe.model_validate(_with_environment(tree))
    except ValidationError as problem:
        lines = [f"  - {'.'.join(map(str, e['loc'])) or 'recipe'}: {e['msg']}" for e in problem.errors()]
        raise RecipeError("\n".join([f"{path}: {len(lines)} setting(s) to mend:", *lines])) from problem


def shipped() -> dict[str, Path]:
    """The recipes that come with the package, by name."""
    return {path.stem: path for path in sorted((Path(__file__).parent / "recipes").glob("*.yaml"))}


def _apply(tree: dict[str, Any], change: str) -> None:
    name, equals, text = change.partition("=")
    if not equals or not name.strip():
        raise RecipeError(f"--set {change}: write key=value, for example training.epochs=5")
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        raise RecipeError(f"--set {change}: the value is not valid YAML") from problem
    *parents, last = name.strip().split(".")
    for parent in parents:
        branch = tree.setdefault(parent, {})
        if not isinstance(branch, dict):
            raise RecipeError(f"--set {change}: {parent} is a single value, not a group of settings")
        tree = branch
    tree[last] = content


def _with_environment(tree: dict[str, Any]) -> Any:
    missing: set[str] = set()

    def variable(match: re.Match[str]) -> str:
        name = match.group(1)
        if name not in os.environ:
            missing.add(name)
        return os.environ.get(name, "")

    def filled(node: Any) -> Any:
        if isinstance(node, Mapping):
            return {key: filled(branch) for key, branch in node.items()}
        if isinstance(node, list):
            return [filled(branch) for branch in node]
        return re.sub(r"\$\{(\w+)\}", variable, node) if isinstance(node, str) else node

    whole = filled(tree)
    if missing:
        lines = [f"  - {name}: {_VARIABLES.get(name, 'what the recipe expects')}" for name in sorted(missing)]
        raise RecipeError("\n".join(["the recipe uses environment variables; set them, or use --set:", *lines]))
    return whole


_VARIABLES = {
    "SOTTOVOCE_DATA": "the folder that holds your corpora (emovo/, emodb/, ravdess/ ...)",
    "SOTTOVOCE_WEIGHTS": "the folder that holds model weights (whisper-base/ ...)",
}
