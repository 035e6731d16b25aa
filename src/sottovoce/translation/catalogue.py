"""Every translator by name: its card, what is missing on this machine, and a maker from the recipe's settings."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from sottovoce.errors import SottovoceError
from sottovoce.recipe import translation as settings
from sottovoce.translation import cascade, identity, offline, seamless_expressive, seamless_m4t
from sottovoce.translation.translator import Translator, TranslatorCard


@dataclass(frozen=True)
class Known:
    """A translator's card, and a function that says what it lacks here (None where it is ready)."""

    card: TranslatorCard
    missing: Callable[[], str | None]


def translators() -> dict[str, Known]:
    """All translators by name, those that can run anywhere first."""
    return {
        "offline": Known(offline.card(), offline.missing),
        "identity": Known(identity.CARD, lambda: None),
        "cascade": Known(cascade.CARD, cascade.missing),
        "seamless-m4t-v2": Known(seamless_m4t.CARD, seamless_m4t.missing),
        "seamless-expressive": Known(seamless_expressive.CARD, seamless_expressive.missing),
    }


def maker(chosen: settings.Translation, target_language: str, device: str) -> Callable[[], Translator]:
    """A picklable maker of the translator that a recipe chose.

    Args:
        chosen: the recipe's `translation`.
        target_language: ISO 639-1 code.
        device: `cpu` or `cuda`, for those whose models run in this environment.
    """
    match chosen:
        case settings.Offline():
            memory = None if chosen.memory is None else Path(chosen.memory)
            return partial(
                offline.OfflineTranslator,
                target_language,
                expressive=chosen.expressive,
                engine=chosen.engine,
                memory=memory,
            )
        case settings.Identity():
            return partial(identity.Identity, target_language)
        case settings.SeamlessM4T():
            return partial(
                seamless_m4t.SeamlessM4T,
                target_language,
                device=device,
                **chosen.model_dump(exclude={"name"}),
            )
        case settings.SeamlessExpressive():
            return partial(
                seamless_expressive.SeamlessExpressive, target_language, **chosen.model_dump(exclude={"name"})
            )
        case settings.Cascade():
            return partial(cascade.Cascade, target_language, device=device, **chosen.model_dump(exclude={"name"}))
    raise SottovoceError(f"no translator has the settings {chosen!r}")


def settings_of(name: str) -> list[tuple[str, str]]:
    """The settings of a translator with their defaults and meaning, for people."""
    kinds = {kind.model_fields["name"].annotation.__args__[0]: kind for kind in _KINDS}  # type: ignore[union-attr]
    rows = []
    for key, field in kinds[name].model_fields.items():
        if key != "name":
            default = "required" if field.is_required() else field.default
            rows.append((key, f"{default}" + (f": {field.description}" if field.description else "")))
    return rows


_KINDS = (
    settings.Offline,
    settings.Identity,
    settings.SeamlessM4T,
    settings.SeamlessExpressive,
    settings.Cascade,
)
