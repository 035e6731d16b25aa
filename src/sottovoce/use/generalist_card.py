"""The model card of a generalist: what it heard, what it says, and that it has no score of its own."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import version
from typing import Any

from sottovoce.recipe.generalist import GeneralistRecipe
from sottovoce.upstreams.known import facts_of
from sottovoce.use import licences
from sottovoce.use.card import TAGS, render, shareable
from sottovoce.use.hub import is_hub_id


def generalist_card(config: Mapping[str, Any], recipe: GeneralistRecipe) -> str:
    """The text of the README.md of a generalist's folder.

    Args:
        config: what its `config.json` holds.
        recipe: that it was trained by.
    """
    heard, base = config["heard"], recipe.network.weights
    known = facts_of(base)
    rows = [(f"recordings: {name}", licences.of_corpus(name)) for name in heard["corpora"]]
    rows.append(("encoder that training started from", known.licence))
    published = [name for name in heard["corpora"] if licences.is_published(name)]
    named = len(published) == len(heard["corpora"])
    facts = {
        **licences.front_matter(rows),
        "language": heard["languages"],
        "library_name": "sottovoce",
        "pipeline_tag": "audio-classification",
        "tags": [*TAGS, "zero-shot"],
        "datasets": published,
        "base_model": base if is_hub_id(base) else None,
    }
    emotions = [config["id2label"][key] for key in sorted(config["id2label"], key=int)]
    return render(
        "card_of_generalist.md.j2",
        {name: fact for name, fact in facts.items() if fact},
        name=recipe.name,
        emotions=emotions,
        shares=list(zip(emotions, config.get("prior") or (), strict=False)),
        of_targets=bool(recipe.labels.targets),
        config=config,
        heard=heard,
        base=base if is_hub_id(base) else base.rstrip("/").rpartition("/")[2],
        base_heard=known.trained_on,
        licences=rows,
        strictest=licences.strictest(rows),
        licence_in_words=licences.in_words(rows),
        version=version("sottovoce"),
        recipe=shareable(recipe.model_dump(mode="json"), named=named),
    )
