"""Recipes: every setting of a run, checked before anything starts. YAML in, complete YAML out.

A recipe is a tree of models. Unknown keys are errors. `${NAME}` in a string is replaced by the environment variable of
that name, so that a recipe holds no path of one machine.
"""

from sottovoce.recipe.generalist import GeneralistRecipe
from sottovoce.recipe.reading import find, load, load_generalist, load_study, phase, shipped, upstream
from sottovoce.recipe.stages import Condition, Measure, Model, Protocol, Selection, Speech, Training
from sottovoce.recipe.study import Study
from sottovoce.recipe.translation import Filter, LanguageId, Offline, Translation
from sottovoce.recipe.upstream import MIXES, PRESETS, WITHOUT_WEIGHTS, Upstream, UpstreamName
from sottovoce.recipe.whole import Recipe

__all__ = [
    "MIXES",
    "PRESETS",
    "WITHOUT_WEIGHTS",
    "Condition",
    "Filter",
    "GeneralistRecipe",
    "LanguageId",
    "Measure",
    "Model",
    "Offline",
    "Protocol",
    "Recipe",
    "Selection",
    "Speech",
    "Study",
    "Training",
    "Translation",
    "Upstream",
    "UpstreamName",
    "find",
    "load",
    "load_generalist",
    "load_study",
    "phase",
    "shipped",
    "upstream",
]
