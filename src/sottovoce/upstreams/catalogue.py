"""The upstreams there are, for `sottovoce upstreams`: the presets by name, and those that are one of a kind."""

from __future__ import annotations

import importlib.util
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from sottovoce.recipe import PRESETS
from sottovoce.upstreams import ecapa, egemaps
from sottovoce.upstreams.known import EXPRESSIVITY, facts_of
from sottovoce.weights.checkpoint import cached

_SIZES = {  # preset -> dimension, hidden states on offer
    "whisper-base": (512, 7),
    "whisper-small": (768, 13),
    "whisper-medium": (1024, 25),
    "whisper-large-v3": (1280, 33),
    "wavlm-large": (1024, 25),
    "xls-r-300m": (1024, 25),
    "emotion2vec-base": (768, 13),
    "emotion2vec-plus-seed": (768, 13),
    "emotion2vec-plus-base": (768, 13),
    "emotion2vec-plus-large": (1024, 13),
}


@dataclass(frozen=True)
class Entry:
    """What is known of an upstream before it is loaded; `n_layers` as in `card.UpstreamCard`."""

    name: str
    use: str
    weights: str
    revision: str | None
    dimension: int | None
    n_layers: int | None
    trained_on: tuple[str, ...]
    licence: str
    missing: str | None

    def facts(self) -> Mapping[str, Any]:
        """All of it, for a table."""
        heard = self.trained_on or ("nothing",)
        return {**asdict(self), "trained_on": heard, "missing": self.missing or "nothing: ready"}


def upstreams() -> dict[str, Entry]:
    """All upstreams by name, presets first."""
    return {entry.name: entry for entry in (*map(_preset, PRESETS), *_others())}


def _preset(name: str) -> Entry:
    preset, (dimension, n_layers) = PRESETS[name], _SIZES[name]
    facts, here = facts_of(preset.weights), cached(preset.weights, preset.revision)
    return Entry(
        name=name,
        use=f"upstream: {{preset: {name}}}, or with weights: a folder with a copy",
        weights=preset.weights,
        revision=preset.revision,
        dimension=dimension,
        n_layers=n_layers,
        trained_on=facts.trained_on,
        licence=facts.licence,
        missing=None if here else "its weights: allow_download: true, or a folder with them",
    )


def _others() -> list[Entry]:
    given = "gated weights: the folder with them, see https://ai.meta.com/resources/models-and-libraries/"
    given += "seamless-downloads/"
    installed = importlib.util.find_spec("opensmile") is not None
    ours = "Apache-2.0 (part of Sottovoce)"
    return [
        Entry("logmel", "upstream: {name: logmel}", "none", None, 80, 1, (), ours, None),
        Entry(
            "egemaps",
            "upstream: {name: egemaps}: one vector an utterance",
            "none",
            None,
            egemaps.DIMENSION,
            1,
            (),
            egemaps.LICENCE,
            None if installed else "pip install 'sottovoce[egemaps]'",
        ),
        *(
            Entry(
                name,
                f"upstream: {{name: {name}, weights: FOLDER}}: {what}",
                "pretssel_melhifigan_wm.pt (or -final.pt), or m2m_expressive_unity.pt",
                None,
                dimension,
                1,
                EXPRESSIVITY.trained_on,
                EXPRESSIVITY.licence,
                given,
            )
            for name, dimension, what in (
                ("expressivity", ecapa.DIMENSION, "one vector an utterance"),
                ("expressivity-frames", ecapa.WIDE, "what that vector pools, each 10 ms"),
            )
        ),
        Entry(
            "generalist",
            "upstream: {name: generalist, weights: FOLDER}",
            "a folder that sottovoce train wrote",
            None,
            None,
            None,
            ("as its own card says",),
            "see its card: that of what it was trained on",
            "a folder: train one, see docs/generalist.md",
        ),
    ]
