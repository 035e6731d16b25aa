"""Settings of the upstream, and the well-known ones by a name of their own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal, NamedTuple

from pydantic import Field, model_validator

from sottovoce.recipe.stage import Stage

UpstreamName = Literal[
    "logmel", "egemaps", "whisper", "ssl", "emotion2vec", "expressivity", "expressivity-frames", "generalist"
]

WITHOUT_WEIGHTS = ("logmel", "egemaps")


class Preset(NamedTuple):
    """A checkpoint on the Hugging Face hub, and the upstream that reads it. `revision` is a commit, seen there."""

    name: UpstreamName
    weights: str
    revision: str


PRESETS: Mapping[str, Preset] = {
    "whisper-base": Preset("whisper", "openai/whisper-base", "e37978b90ca9030d5170a5c07aadb050351a65bb"),
    "whisper-small": Preset("whisper", "openai/whisper-small", "973afd24965f72e36ca33b3055d56a652f456b4d"),
    "whisper-medium": Preset("whisper", "openai/whisper-medium", "abdf7c39ab9d0397620ccaea8974cc764cd0953e"),
    "whisper-large-v3": Preset("whisper", "openai/whisper-large-v3", "06f233fe06e710322aca913c1bc4249a0d71fce1"),
    # the main branches of these two hold a pickle alone; these commits of their pull requests hold safetensors
    "wavlm-large": Preset("ssl", "microsoft/wavlm-large", "e4e472c491084b2c6fb9736099130aa805159c62"),
    "xls-r-300m": Preset("ssl", "facebook/wav2vec2-xls-r-300m", "081af4b2d98de3a437a3d2b4b7f9530f4a543097"),
    "emotion2vec-base": Preset(
        "emotion2vec", "emotion2vec/emotion2vec_base", "0c9a3152734f9d7a7a05b4ee6bfb3c109d288664"
    ),
    "emotion2vec-plus-seed": Preset(
        "emotion2vec", "emotion2vec/emotion2vec_plus_seed", "7be9a30d52bdc793cc24e6f7d25358d6648927c1"
    ),
    "emotion2vec-plus-base": Preset(
        "emotion2vec", "emotion2vec/emotion2vec_plus_base", "b318240bfe67db81a8c572ecb37ce9c3759b81c9"
    ),
    "emotion2vec-plus-large": Preset(
        "emotion2vec", "emotion2vec/emotion2vec_plus_large", "6c303ba987b86b93193de93e34bb2b077a6bedc4"
    ),
}


MIXES: dict[Literal["mix", "mix-raw"], Literal["all-normed", "all"]] = {"mix": "all-normed", "mix-raw": "all"}
"""The values of `layer` that mix all layers, and the hidden states that each of them hears."""


class Upstream(Stage):
    """The frozen model that turns sound into frames."""

    preset: str | None = Field(
        default=None, description="one of `sottovoce upstreams`: it sets name, weights and revision"
    )
    name: UpstreamName = "logmel"
    weights: str | None = Field(default=None, description="a folder or a hub id; none for logmel and egemaps")
    revision: str | None = Field(default=None, description="a commit or branch of the hub id; its main branch")
    known_as: str | None = Field(default=None, description="the hub id that a folder's weights are a copy of")
    layer: Literal["last", "mix", "mix-raw"] | int = Field(
        default="last",
        description="`mix` learns softmax weights over all layers, each as the next one normalises it; "
        "`mix-raw` over what the layers give",
    )
    context: Literal["exact", "trimmed"] = Field(
        default="trimmed", description="Whisper: pad to 30 s, or valid frames only; a generalist has its own"
    )
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    allow_download: bool = Field(default=False, description="let transformers fetch `weights` from the hub")

    @property
    def hidden_states(self) -> int | Literal["last", "all", "all-normed"]:
        """What the upstream is to give: see `upstreams.card.Layer`."""
        return self.layer if isinstance(self.layer, int) or self.layer == "last" else MIXES[self.layer]

    @model_validator(mode="before")
    @classmethod
    def _from_preset(cls, given: Any) -> Any:
        """A preset's name, weights and revision; weights of one's own are a copy of the preset's."""
        if not isinstance(given, Mapping) or not isinstance(given.get("preset"), str):
            return given
        preset = PRESETS.get(given["preset"])
        if preset is None:
            raise ValueError(f"there is no preset '{given['preset']}'; there are {', '.join(PRESETS)}")
        if given.get("name", preset.name) != preset.name:
            raise ValueError(f"preset '{given['preset']}' is an upstream '{preset.name}', not '{given['name']}'")
        if (given.get("weights") or preset.weights) != preset.weights:
            return {**given, "name": preset.name, "known_as": given.get("known_as") or preset.weights}
        return {**given, "name": preset.name, "weights": preset.weights, "revision": preset.revision}

    @model_validator(mode="after")
    def _weights_given(self) -> Upstream:
        if self.name not in WITHOUT_WEIGHTS and not self.weights:
            raise ValueError(f"upstream '{self.name}' needs `weights`: a folder or a hub id")
        return self
