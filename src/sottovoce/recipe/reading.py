"""From a file to settings: every problem is gathered and named with its place."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping, Sequence
from copy import deepcopy
from pathlib import Path
from typing import Any, TypeVar

import yaml
from pydantic import BaseModel, ValidationError

from sottovoce.errors import RecipeError
from sottovoce.recipe.generalist import GeneralistRecipe
from sottovoce.recipe.study import Study
from sottovoce.recipe.translation import Phase
from sottovoce.recipe.upstream import MIXES, PRESETS, Upstream
from sottovoce.recipe.whole import Recipe

Kind = TypeVar("Kind", bound=BaseModel)


def load(path: Path, changes: Sequence[str] = (), settings: Mapping[str, Any] | None = None) -> Recipe:
    """Read a recipe and change some of its settings.

    Args:
        path: a YAML file.
        changes: as on the command line: `training.epochs=5`; the value is YAML. They come last.
        settings: by their place: `{"training.epochs": 5}`.

    Raises:
        RecipeError: with every problem and its place.
    """
    tree = _tree(path)
    if _is_study(tree):
        raise RecipeError(f"{path} is a study of many runs; use it with 'sottovoce study'")
    if "corpora" in tree:
        raise RecipeError(f"{path} is a generalist's recipe; use it with 'sottovoce zero-shot' or 'sottovoce train'")
    for name, content in (settings or {}).items():
        _place(tree, name, content, f"{path}: {name}")
    for change in changes:
        _apply(tree, change)
    return _validated(Recipe, _with_environment(tree), path)


def load_study(path: Path) -> Study | None:
    """Read a study, or None where the file is the recipe of one run.

    Raises:
        RecipeError: with every problem and its place.
    """
    tree = _tree(path)
    return _validated(Study, tree, path) if _is_study(tree) else None


def _is_study(tree: Mapping[str, Any]) -> bool:
    return not {"tables", "sweeps", "curves"}.isdisjoint(tree)


def load_generalist(path: Path, changes: Sequence[str] = ()) -> GeneralistRecipe:
    """Read the recipe of a generalist and change some of its settings; see `load`.

    Raises:
        RecipeError: with every problem and its place.
    """
    tree = _tree(path)
    for change in changes:
        _apply(tree, change)
    return _validated(GeneralistRecipe, _with_environment(tree), path)


def phase(translator: str, changes: Sequence[str] = ()) -> Phase:
    """A translator and a filter from the command line; a change without `filter.` is the translator's.

    Raises:
        RecipeError: with every problem and its place.
    """
    tree: dict[str, Any] = {"translation": {"name": translator}, "filter": {}}
    for change in changes:
        _apply(tree, change if change.startswith("filter.") else f"translation.{change}")
    return _validated(Phase, _with_environment(tree), Path("--set"))


def upstream(name: str, *, layer: str = "last", **settings: Any) -> Upstream:
    """An upstream from the command line: a name or a preset, the layer as `load_upstream` calls it, other settings.

    Raises:
        RecipeError: with every problem and its place.
    """
    tree = {**settings, "preset" if name in PRESETS else "name": name}
    mixes = {states: mix for mix, states in MIXES.items()}
    tree["layer"] = int(layer) if layer.lstrip("-").isdigit() else mixes.get(layer, layer)
    return _validated(Upstream, _with_environment(tree), Path(f"--upstream {name}"))


def find(name: str, beside: Path | None = None) -> Path:
    """The file of a recipe: a path (also relative to the folder `beside`), or the name of a shipped one.

    Raises:
        RecipeError: there is none of that name.
    """
    places = [Path(name), *([beside / name] if beside else [])]
    for place in places:
        if place.is_file():
            return place
    known = shipped()
    if name.removesuffix(".yaml") not in known:
        raise RecipeError(f"there is no recipe '{name}': give a file, or one of {', '.join(known)}")
    return known[name.removesuffix(".yaml")]


def _tree(path: Path) -> dict[str, Any]:
    try:
        tree = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise RecipeError(f"{path}: the recipe cannot be read ({problem.strerror})") from problem
    except (yaml.YAMLError, UnicodeDecodeError) as problem:
        raise RecipeError(f"{path}: not valid YAML: {problem}") from problem
    if not isinstance(tree, dict):
        raise RecipeError(f"{path}: a recipe is a mapping of settings; see docs/recipes.md")
    return tree


def _validated(kind: type[Kind], tree: Any, path: Path) -> Kind:
    try:
        return kind.model_validate(tree)
    except ValidationError as problem:
        lines = [f"  - {'.'.join(map(str, e['loc'])) or 'recipe'}: {_in_words(e)}" for e in problem.errors()]
        raise RecipeError("\n".join([f"{path}: {len(lines)} setting(s) to mend:", *lines])) from problem


def shipped() -> dict[str, Path]:
    """The recipes that come with the package, by name."""
    return {path.stem: path for path in sorted((Path(__file__).parents[1] / "recipes").glob("*.yaml"))}


def _in_words(error: Any) -> str:
    if error["type"] == "union_tag_invalid":  # the one choice among models is that of the translator
        return f"there is no translator '{error['ctx']['tag']}'; there are {error['ctx']['expected_tags']}"
    if error["type"] == "extra_forbidden":
        return "there is no such setting"
    said, given = error["msg"].removeprefix("Value error, "), error["input"]
    return f"{said}, not {given!r}" if isinstance(given, str | int | float) else said


def _apply(tree: dict[str, Any], change: str) -> None:
    name, equals, text = change.partition("=")
    if not equals or not name.strip():
        raise RecipeError(f"--set {change}: write key=value, for example training.epochs=5")
    try:
        content = yaml.safe_load(text)
    except yaml.YAMLError as problem:
        raise RecipeError(f"--set {change}: the value is not valid YAML") from problem
    _place(tree, name.strip(), content, f"--set {change}")


def _place(tree: dict[str, Any], name: str, content: Any, where: str) -> None:
    *parents, last = name.split(".")
    for parent in parents:
        branch = tree.setdefault(parent, {})
        if not isinstance(branch, dict):
            raise RecipeError(f"{where}: {parent} is a single value, not a group of settings")
        tree = branch
    tree[last] = deepcopy(content)  # the caller's own must not change when a later setting lands in it


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
