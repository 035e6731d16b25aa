"""Settings of phase 1: the translators, and the filter of what they made."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Discriminator, Field, Tag, model_validator

from sottovoce.recipe.stage import Stage


class Offline(Stage):
    """Known translations in a plain voice with the source's prosody: runs anywhere."""

    name: Literal["offline"] = "offline"
    expressive: bool = Field(default=True, description="false: the plain voice, the paper's EX ablation")
    engine: Literal["auto", "pico", "espeak"] = "auto"
    memory: str | None = Field(default=None, description="your translation memory, a TSV")


class Identity(Stage):
    """The source as it is: the paper's ablation without translation."""

    name: Literal["identity"]


class SeamlessM4T(Stage):
    """SeamlessM4T v2: speech-to-speech translation without expression, the paper's row 3 of Table V."""

    name: Literal["seamless-m4t-v2"]
    weights: str = Field(default="facebook/seamless-m4t-v2-large", description="a folder or a hub id")
    beams: Annotated[int, Field(ge=1)] = 5
    precision: Literal["auto", "fp32", "fp16", "bf16"] = "auto"
    allow_download: bool = Field(default=False, description="let transformers fetch `weights` from the hub")


class SeamlessExpressive(Stage):
    """SeamlessExpressive, the paper's translator, in the environment that `sottovoce setup` makes for it."""

    name: Literal["seamless-expressive"]
    environment: str | None = Field(default=None, description="its folder, where it is not the usual one")
    beams: Annotated[int, Field(ge=1)] = 5
    duration_factor: Annotated[float, Field(gt=0)] | None = Field(default=None, description="none: by language")


class Cascade(Stage):
    """A recogniser, a text translator and a voice, then the source's prosody: for languages Seamless does not speak."""

    name: Literal["cascade"]
    recogniser: str | None = Field(default=None, description="a folder or hub id; none: the manifest's `text`")
    text_translator: str | None = Field(default=None, description="likewise; none: the manifest's `translation`")
    voice: str = Field(description="a text-to-speech model: a folder or hub id, such as facebook/mms-tts-ell")
    expressive: bool = Field(default=True, description="false: the voice as it is, without the source's prosody")
    beams: Annotated[int, Field(ge=1)] = 5
    allow_download: bool = Field(default=False, description="let transformers fetch the three from the hub")


def _translator_named(tree: Any) -> str:
    return tree.get("name", "offline") if isinstance(tree, Mapping) else getattr(tree, "name", "offline")


Translation = Annotated[
    Annotated[Offline, Tag("offline")]
    | Annotated[Identity, Tag("identity")]
    | Annotated[SeamlessM4T, Tag("seamless-m4t-v2")]
    | Annotated[SeamlessExpressive, Tag("seamless-expressive")]
    | Annotated[Cascade, Tag("cascade")],
    Discriminator(_translator_named),
]
"""How source speech becomes target speech: each translator has settings of its own."""


class LanguageId(Stage):
    """Whisper as a judge of the language (arXiv 2409.10985, section II-B)."""

    use: Literal["auto", "always", "never"] = Field(
        default="auto", description="auto: not for offline and identity, whose language is no question"
    )
    weights: str = Field(default="openai/whisper-large-v3", description="any multilingual Whisper, with its decoder")
    candidates: Annotated[list[str], Field(min_length=2)] = Field(
        default=["de", "en", "es", "fr", "it", "pt", "nl", "pl", "ru", "tr", "ur", "zh"],
        description="languages that the probabilities are shared among; the target's is added, and a known source's",
    )
    threshold: Annotated[float, Field(gt=0, lt=1)] | None = Field(
        default=None, description="least probability of the target language; none: it must be the likeliest"
    )
    precision: Literal["auto", "fp32", "bf16"] = "auto"
    allow_download: bool = Field(default=False, description="let transformers fetch `weights` from the hub")


class Filter(Stage):
    """What a translation must be to enter training."""

    language_id: LanguageId = LanguageId()
    duration_ratio: tuple[float, float] = Field(
        default=(0.4, 2.5), description="translated over source speech, least and most"
    )
    repetition: Annotated[float, Field(gt=0, le=1)] = Field(
        default=0.5, description="largest share of the text that may repeat what was just said"
    )

    @model_validator(mode="after")
    def _ordered(self) -> Filter:
        if not 0 <= self.duration_ratio[0] < self.duration_ratio[1]:
            raise ValueError("duration_ratio is [least, most], such as [0.4, 2.5]")
        return self


class Phase(Stage):
    """Phase 1 alone: a translator and a filter, as `sottovoce translate` takes them."""

    translation: Translation = Offline()
    filter: Filter = Filter()
