"""Pairs of a recording and its translation to listen to, chosen by rule and carried by the page itself."""

from __future__ import annotations

import base64
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from sottovoce.errors import AudioError
from sottovoce.speech import audio
from sottovoce.speech.manifest import Manifest, Utterance

N_PAIRS = 6
LONGEST_S = 20.0
"""Of a longer recording the page holds the beginning."""

RANK_BY = "f0_contour_correlation"


@dataclass(frozen=True)
class Side:
    """One recording of a pair: `sound` is a data URI, None where `missing` says why there is none."""

    utterance: Utterance
    sound: str | None
    missing: str
    cut: bool


@dataclass(frozen=True)
class Pair:
    """A recording, its translation, and why this one was chosen."""

    why: str
    source: Side
    translated: Side


def pairs(source: Manifest, translated: Manifest) -> list[Pair]:
    """Pairs to listen to, the same for the same manifests whether or not their recordings are still there."""
    before = {u.id: u for u in source}
    made = translated.filter(lambda u: u.translated_from in before)
    return [Pair(why, _side(before[u.translated_from or ""]), _side(u)) for why, u in choose(made)]


def choose(translated: Manifest) -> list[tuple[str, Utterance]]:
    """Why, and which: every emotion's middle, then the best and the worst, by the correlation of F0 contours.

    Six where there are up to four emotions and enough utterances, else two more than emotions. Without that measure,
    the first utterance of every emotion.
    """
    ranked = sorted((u for u in translated if RANK_BY in u.measures), key=lambda u: (u.measures[RANK_BY], u.id))
    emotions = sorted({u.emotion for u in ranked or translated})
    if not ranked:
        first = {u.emotion: u for u in sorted(translated, key=lambda u: u.id, reverse=True)}
        return [(f"{emotion}: the first by its name", first[emotion]) for emotion in emotions]
    wanted = [(f"{e}: the middle", [u for u in ranked if u.emotion == e], 0.5) for e in emotions]
    wanted += [("the best of all", ranked, 1.0), ("the worst of all", ranked, 0.0)]
    wanted += [("the upper quartile of all", ranked, 0.75), ("the lower quartile of all", ranked, 0.25)]
    chosen: dict[str, tuple[str, Utterance]] = {}
    for why, among, quantile in wanted[: max(N_PAIRS, len(emotions) + 2)]:
        utterance = among[round(quantile * (len(among) - 1))]
        chosen.setdefault(utterance.id, (f"{why} by F0 contour", utterance))
    return list(chosen.values())


def _side(utterance: Utterance) -> Side:
    try:
        waveform = audio.read(utterance.path, start_s=utterance.start_s, end_s=utterance.end_s)
    except AudioError as problem:
        return Side(utterance, None, problem.reason, cut=False)
    longest = round(LONGEST_S * audio.RATE_HZ)
    return Side(utterance, data_uri(waveform[:longest]), "", cut=waveform.size > longest)


def data_uri(waveform: audio.Waveform) -> str:
    """A sound at `audio.RATE_HZ` as the source of an audio element: the page carries it."""
    with TemporaryDirectory() as folder:
        encoded = Path(folder) / "sound.flac"
        audio.write(encoded, waveform)
        return f"data:audio/flac;base64,{base64.b64encode(encoded.read_bytes()).decode()}"
