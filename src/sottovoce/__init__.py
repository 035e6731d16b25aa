"""Speech emotion recognition for languages with little labelled speech.

The public face. Everything heavy is imported when it is first used: `import sottovoce` knows no torch.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

if TYPE_CHECKING:
    from sottovoce.job import run
    from sottovoce.recipe import load as load_recipe
    from sottovoce.speech.manifest import Manifest, Utterance
    from sottovoce.use.model import load

__all__ = ["Manifest", "Utterance", "load", "load_recipe", "run"]

_HOMES = {
    "Manifest": ("sottovoce.speech.manifest", "Manifest"),
    "Utterance": ("sottovoce.speech.manifest", "Utterance"),
    "load": ("sottovoce.use.model", "load"),
    "load_recipe": ("sottovoce.recipe", "load"),
    "run": ("sottovoce.job", "run"),
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sottovoce' has no attribute '{name}'")
    module, attribute = _HOMES[name]
    return getattr(import_module(module), attribute)


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
