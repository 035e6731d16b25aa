"""What the three checkpoints of a cascade have in common: how they are opened, and what is known of their licences."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from typing import Any

from sottovoce.errors import WeightsError
from sottovoce.weights.checkpoint import Checkpoint, open_checkpoint, quiet_transformers

_LICENCES = {
    "facebook/nllb-": "CC BY-NC 4.0",
    "facebook/mms-": "CC BY-NC 4.0",
    "facebook/m2m100": "MIT",
    "openai/whisper-": "Apache-2.0",
    "facebook/wav2vec2-": "Apache-2.0",
    "facebook/hubert-": "Apache-2.0",
    "helsinki-nlp/opus-mt-tc-": "CC BY 4.0",
    "helsinki-nlp/opus-mt-": "Apache-2.0",
    "kakao-enterprise/vits-": "MIT",
}
"""Licences by the beginning of the hub id, the longer ones first."""

_STRICTEST_FIRST = ("CC BY-NC 4.0", "CC BY 4.0", "Apache-2.0", "MIT")


def licence(weights: str) -> str | None:
    """The licence of a well-known checkpoint, or None."""
    return next((known for start, known in _LICENCES.items() if weights.lower().startswith(start)), None)


def licences(checkpoints: Sequence[Checkpoint]) -> str:
    """Each checkpoint with its licence."""
    stated = (
        f"{c.weights}: " + (f"{known} (from the checkpoint's page as remembered, not verified)" if known else _UNKNOWN)
        for c in checkpoints
        for known in [licence(c.weights)]
    )
    return "; ".join(stated)


_UNKNOWN = "unknown: see the checkpoint's page"


def licence_of_outputs(checkpoints: Sequence[Checkpoint]) -> str:
    """The strictest licence of those that are known, with a word on those that are not."""
    known = [licence(c.weights) for c in checkpoints]
    strictest = next((each for each in _STRICTEST_FIRST if each in known), None)
    parts = [f"treat as {strictest}, the strictest of the checkpoints'"] if strictest else []
    if None in known:
        parts.append("unknown where a checkpoint's licence is: see its page")
    return "; ".join([*parts, "and as the source recordings"])


def opened(weights: str, role: str, kinds: Sequence[str], allow_download: bool) -> Checkpoint:
    """A checkpoint of one of the `kinds` (transformers' `model_type`).

    Raises:
        WeightsError: absent, or of another kind.
    """
    checkpoint = open_checkpoint(weights, allow_download=allow_download)
    kind = checkpoint.config.get("model_type")
    if kind not in kinds:
        raise WeightsError(f"{role}: {weights} is a checkpoint of kind '{kind}'; this takes {', '.join(kinds)}")
    return checkpoint


def reader(reader_class: Any, checkpoint: Checkpoint) -> Any:
    """The tokenizer or processor of a checkpoint, from its folder alone.

    Raises:
        WeightsError: files are missing or damaged, or it needs a package that is not installed.
    """
    with quiet_transformers(), warnings.catch_warnings(action="ignore"):
        try:
            return reader_class.from_pretrained(checkpoint.folder, local_files_only=True)
        except Exception as problem:
            # Tokenizers raise every kind for a file that is absent, damaged or of another class.
            raise WeightsError(f"the tokenizer of {checkpoint.weights} cannot be loaded: {problem}") from problem
