"""Recipes: every setting of a run, checked before anything starts. YAML in, complete YAML out.

A recipe is a tree of models. Unknown keys are errors. `${NAME}` in a string is replaced by the environment variable of
that name, so that a recipe holds no path of one machine.
"""

from sottovoce.recipe.ablation import Ablation
from sottovoce.recipe.generalist import GeneralistRecipe
from sottovoce.recipe.reading import find, load, load_ablation, load_generalist, phase, shipped
from sottovoce.recipe.stages import Condition, Model, Protocol, Selection, Speech, Training, Upstream
from sottovoce.recipe.translation import Filter, LanguageId, Offline, Translation
from sottovoce.recipe.whole import Recipe

__all__ = [
    "Ablation",
    "Condition",
    "Filter",
    "GeneralistRecipe",
    "LanguageId",
    "Model",
    "Offline",
    "Protocol",
    "Recipe",
    "Selection",
    "Speech",
    "Training",
    "Translation",
    "Upstream",
    "find",
    "load",
    "load_ablation",
    "load_generalist",
    "phase",
    "shipped",
]
