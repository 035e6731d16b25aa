"""From a name and weights to an upstream."""

from __future__ import annotations

from dataclasses import replace
from typing import get_args

from sottovoce.errors import UpstreamError
from sottovoce.recipe import WITHOUT_WEIGHTS, UpstreamName
from sottovoce.upstreams.card import Layer, Upstream
from sottovoce.upstreams.egemaps import Egemaps
from sottovoce.upstreams.emotion2vec import emotion2vec
from sottovoce.upstreams.expressivity import expressivity
from sottovoce.upstreams.logmel import LogMel
from sottovoce.upstreams.ssl import SelfSupervised
from sottovoce.upstreams.whisper import Context, Whisper, generalist
from sottovoce.weights.arithmetic import Precision, resolve_device
from sottovoce.weights.checkpoint import open_checkpoint

NAMES: tuple[UpstreamName, ...] = get_args(UpstreamName)


def load_upstream(
    name: str,
    weights: str | None = None,
    *,
    layer: Layer = "last",
    context: Context = "trimmed",
    device: str = "cpu",
    precision: Precision = "auto",
    allow_download: bool = False,
    known_as: str | None = None,
    revision: str | None = None,
) -> Upstream:
    """An upstream, ready to use.

    Args:
        name: `logmel` and `egemaps` (no weights), `whisper`, `ssl` (the wav2vec 2.0 family), `emotion2vec`,
            `expressivity` and `expressivity-frames` (SeamlessExpressive's encoder), or `generalist` (one of ours).
        weights: a folder or a hub id.
        layer: `last`, an index (0 is what the first transformer layer reads), `all`, or `all-normed` as a
            learnt mix hears them (see `layers.normed`).
        context: for `whisper` alone: `exact` pads to 30 s as in its training, `trimmed` does not pad. A generalist
            hears as it was trained.
        device: `cpu` or `cuda`.
        precision: `auto` is bf16 where the processor has it and fp32 elsewhere.
        allow_download: permit fetching a hub id; `SOTTOVOCE_ALLOW_DOWNLOAD=1` in the environment does too.
        known_as: the hub id that a folder's weights are a copy of, in your word: it gives the card licence and
            training corpora, which a folder cannot prove.
        revision: a commit or branch of a hub id; its main branch.

    Raises:
        UpstreamError: an argument is not known, or the weights are of another kind.
        WeightsError: the weights are absent or incomplete, or the device or precision is not to be had.
        MissingExtra: openSMILE is not installed.
    """
    resolved = resolve_device(device)
    if name not in NAMES:
        raise UpstreamError(f"upstream {name!r} is not known; there are {', '.join(NAMES)}")
    if name in WITHOUT_WEIGHTS:
        if weights is not None:
            raise UpstreamError(f"upstream {name} has no weights, but {weights!r} was given; leave it out")
        return LogMel(layer, resolved) if name == "logmel" else Egemaps(layer)
    if weights is None:
        raise UpstreamError(f"upstream {name} needs weights: a folder, or a hub id such as openai/whisper-base")
    if name == "emotion2vec":
        files = {"allow_download": allow_download, "revision": revision, "known_as": known_as}
        return emotion2vec(weights, layer=layer, device=resolved, precision=precision, **files)
    if name == "expressivity" or name == "expressivity-frames":
        return expressivity(name, weights, layer=layer, device=resolved, precision=precision)
    checkpoint = open_checkpoint(weights, allow_download=allow_download, revision=revision)
    if known_as is not None:
        checkpoint = replace(checkpoint, weights=known_as)
    if name == "whisper":
        return Whisper(checkpoint, layer=layer, context=context, device=resolved, precision=precision)
    if name == "generalist":
        return generalist(checkpoint, layer=layer, device=resolved, precision=precision)
    return SelfSupervised(checkpoint, layer=layer, device=resolved, precision=precision)
