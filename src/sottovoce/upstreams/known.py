"""What is public about well-known checkpoints: licence, and the corpora they were trained on."""

from __future__ import annotations

import re
from typing import NamedTuple

from sottovoce.speech.audio import SHORTEST_S
from sottovoce.upstreams.card import UpstreamCard
from sottovoce.weights.checkpoint import Checkpoint
from sottovoce.weights.published import Published


class Facts(NamedTuple):
    """`trained_on` names corpora in the words of the authors; `licence` is that of the weights."""

    trained_on: tuple[str, ...]
    licence: str


UNKNOWN = Facts(("unknown",), "unknown")

EXPRESSIVITY = Facts(
    ("not verified: see arXiv 2312.05187",),
    "non-commercial research: Seamless Licensing Agreement, and what is made with it too",
)

_LIBRISPEECH = ("LibriSpeech",)
_LIBRILIGHT = ("Libri-Light",)
_FUNASR = "FunASR's model licence: `model-license` on its pages; see its page"

EMOBOX = (
    "AESDD", "ASED", "ASVP-ESD", "CaFE", "CASIA", "CREMA-D", "EMNS", "EmoDB", "EmoV-DB", "EMOVO", "Emozionalmente",
    "eNTERFACE", "ESD", "IEMOCAP", "JL-Corpus", "M3ED", "MEAD", "MELD", "MER2023", "MESD", "MSP-Podcast", "Oreau",
    "PAVOQUE", "Polish", "RAVDESS", "RESD", "SAVEE", "ShEMO", "SUBESCO", "TESS", "TurEV-DB", "URDU",
)  # fmt: skip
"""The corpora of EmoBox (README of github.com/emo-box/EmoBox). The authors of emotion2vec+ say that its seed model was
"fine-tuned with academic speech emotion data from EmoBox", and each following one on labels of the one before: which of
them, or which part, they do not say, so all count."""

_EMOTION2VEC = (
    "LibriSpeech", "IEMOCAP", "MELD", "CMU-MOSEI", "MEAD", "MSP-Podcast",
    "in pretraining, as remembered of arXiv 2312.15185: these from LibriSpeech on, not verified",
)  # fmt: skip

_EMOBOX_REST = tuple(name for name in EMOBOX if name not in _EMOTION2VEC)

_WAVLM_MIX = ("Libri-Light", "GigaSpeech", "VoxPopuli")

_KNOWN: tuple[tuple[str, Facts], ...] = (
    (
        r"openai/whisper-large-v3(-turbo)?",
        Facts(("1M h of labelled and 4M h of pseudo-labelled web audio, not disclosed",), "Apache-2.0 or MIT"),
    ),
    (r"openai/whisper-.+", Facts(("680k h of web audio, not disclosed",), "Apache-2.0")),
    (
        r"facebook/wav2vec2-(xls-r-.+)",
        Facts(("VoxPopuli", "MLS", "CommonVoice", "VoxLingua107", "BABEL"), "Apache-2.0"),
    ),
    (r"facebook/wav2vec2-large-xlsr-53", Facts(("MLS", "CommonVoice", "BABEL"), "Apache-2.0")),
    (r"facebook/wav2vec2-large-lv60", Facts(_LIBRILIGHT, "Apache-2.0")),
    (r"facebook/wav2vec2-(base|large)", Facts(_LIBRISPEECH, "Apache-2.0")),
    (r"facebook/hubert-base-ls960", Facts(_LIBRISPEECH, "Apache-2.0")),
    (r"facebook/hubert-(large|xlarge)-ll60k", Facts(_LIBRILIGHT, "Apache-2.0")),
    (r"microsoft/wavlm-base", Facts(_LIBRISPEECH, "MIT (code); weights not stated")),
    (r"microsoft/wavlm-(base-plus|large)", Facts(_WAVLM_MIX, "MIT (code); weights not stated")),
    (r"facebook/data2vec-audio-base", Facts(_LIBRISPEECH, "Apache-2.0")),
    (r"facebook/w2v-bert-2\.0", Facts(("4.5M h of audio, not disclosed",), "MIT")),
    (r"emotion2vec/emotion2vec_base", Facts(_EMOTION2VEC, _FUNASR)),
    (r"emotion2vec/emotion2vec_plus_seed", Facts((*_EMOBOX_REST, *_EMOTION2VEC), _FUNASR)),
    (
        r"emotion2vec/emotion2vec_plus_base",
        Facts((*_EMOBOX_REST, *_EMOTION2VEC, "4788 h of pseudo-labelled speech, not disclosed"), _FUNASR),
    ),
    (
        r"emotion2vec/emotion2vec_plus_large",
        Facts((*_EMOBOX_REST, *_EMOTION2VEC, "42526 h of pseudo-labelled speech, not disclosed"), _FUNASR),
    ),
)


def facts_of(weights: str) -> Facts:
    """Facts of a hub id, exactly as its authors spell it. Anything else, a folder above all, is unknown.

    A folder's name proves nothing: a checkpoint fine-tuned on the target corpus often keeps its parent's name.
    """
    for pattern, facts in _KNOWN:
        if re.fullmatch(pattern, weights):
            return facts
    return UNKNOWN


def card_of(
    name: str, checkpoint: Checkpoint | Published, *, dimension: int, n_layers: int, hop_s: float
) -> UpstreamCard:
    """The card of an upstream with a checkpoint, and what is known of it: a generalist says itself what it heard."""
    facts = facts_of(checkpoint.weights)
    heard = checkpoint.config.get("heard") or {}
    return UpstreamCard(
        name=name,
        weights=checkpoint.weights,
        revision=checkpoint.revision,
        dimension=dimension,
        n_layers=n_layers,
        hop_s=hop_s,
        shortest_s=SHORTEST_S,
        trained_on=tuple(heard.get("corpora", facts.trained_on)),
        licence=facts.licence,
    )
