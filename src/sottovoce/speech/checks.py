"""Data QA: every recording is decoded once, and what would spoil a result is found before it does.

Three kinds of outcome: *refused* recordings cannot be used at all, *findings* are for a person to judge, and the
tables describe the rest.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np

from sottovoce.errors import AudioError
from sottovoce.speech import audio
from sottovoce.speech.manifest import Manifest, Utterance

FULL_SCALE = 0.999
CLIPPED_SHARE = 0.001
"""More than this share of samples at full scale is audible distortion, not a lucky peak. Our choice."""

QUIET_DB = -60.0
"""A root mean square below this (of full scale) leaves little of 16 bits; 13 of RAVDESS's 1440 are. Our choice."""

OFFSET = 0.02
"""A mean further from zero than this is a fault of the recorder. Our choice."""

SHORT_S, LONG_S = 0.5, 30.0
"""Under half a second there is hardly a word; Whisper's window ends at thirty seconds."""

FEW_PER_SPEAKER = 2
"""A speaker with fewer utterances of an emotion than this gives no usable recall for it."""


class Refusal(NamedTuple):
    """A recording that cannot be used, and why."""

    id: str
    path: str
    reason: str


class Table(NamedTuple):
    """What a command line or a report prints."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class Sound:
    """What was measured on one utterance, at the recording's own rate."""

    id: str
    duration_s: float
    rate_hz: int
    channels: int
    encoding: str
    rms_db: float
    offset: float
    clipped_share: float
    digest: str


@dataclass(frozen=True)
class Finding:
    """Something to judge: `kind` in a word or two, `text` for people, `ids` of the utterances concerned."""

    kind: str
    text: str
    ids: tuple[str, ...] = ()


@dataclass(frozen=True)
class Checks:
    """The outcome of `check`. `sounds` holds the usable utterances in the manifest's order."""

    manifest: Manifest
    sounds: tuple[Sound, ...]
    refused: tuple[Refusal, ...]
    findings: tuple[Finding, ...]

    @property
    def duration_quantiles_s(self) -> dict[str, float]:
        """Seconds at the minimum, quartiles, maximum, and in all; empty without any usable sound."""
        if not self.sounds:
            return {}
        seconds = [sound.duration_s for sound in self.sounds]
        at = dict(
            zip(("min", "25 %", "median", "75 %", "max"), np.quantile(seconds, [0, 0.25, 0.5, 0.75, 1]), strict=True)
        )
        return {name: round(float(value), 3) for name, value in at.items()} | {"total": round(sum(seconds), 3)}

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "n_utterances": len(self.manifest),
            "n_speakers": len(self.manifest.speakers),
            "languages": self.manifest.languages,
            "has_votes": self.manifest.has_votes,
            "n_usable": len(self.sounds),
            "speakers": {s: dict(sorted(counts.items())) for s, counts in _by_speaker(self.manifest).items()},
            "emotions": dict(sorted(Counter(u.emotion for u in self.manifest).items())),
            "duration_s": self.duration_quantiles_s,
            "recordings": dict(_recordings(self.sounds).most_common()),
            "refused": [refusal._asdict() for refusal in self.refused],
            "findings": [asdict(finding) | {"ids": list(finding.ids)} for finding in self.findings],
        }

    def tables(self) -> list[Table]:
        """Tables to print: speakers by emotion, durations, kinds of recording, refusals, findings."""
        emotions = sorted({u.emotion for u in self.manifest})
        counts = _by_speaker(self.manifest)
        rows = [(s, *(str(n[e]) for e in emotions), str(n.total())) for s, n in counts.items()]
        total = Counter(u.emotion for u in self.manifest)
        rows.append(("all", *(str(total[e]) for e in emotions), str(total.total())))
        kinds = [(kind, str(n)) for kind, n in _recordings(self.sounds).most_common()]
        seconds = self.duration_quantiles_s
        tables = [
            Table("Utterances of each speaker and emotion", ("speaker", *emotions, "all"), tuple(rows)),
            Table("Duration in seconds", tuple(seconds), (tuple(f"{value:.2f}" for value in seconds.values()),)),
            Table("Recordings", ("rate, channels, encoding", "utterances"), tuple(kinds)),
            Table("Refused", ("utterance", "path", "reason"), tuple(tuple(refusal) for refusal in self.refused)),
            Table("To judge", ("what", "finding"), tuple((f.kind, f.text) for f in self.findings)),
        ]
        return [table for table in tables if table.columns and table.rows]


def check(manifest: Manifest, *, n_threads: int = 4, on_progress: Callable[[int], None] = lambda n: None) -> Checks:
    """Decode every utterance once and gather what is wrong or odd.

    Args:
        manifest: what to check.
        n_threads: how many recordings are decoded at the same time (decoding releases Python's lock).
        on_progress: called with the number of utterances just done.

    Returns:
        The refusals, findings and tables. Nothing is raised for a bad recording.
    """
    sounds: list[Sound] = []
    refused: list[Refusal] = []
    with ThreadPoolExecutor(n_threads) as pool:
        for outcome in pool.map(_measure, manifest):
            if isinstance(outcome, Sound):
                sounds.append(outcome)
            else:
                refused.append(outcome)
            on_progress(1)
    findings = [*_sound_findings(sounds), *_duplicates(sounds, manifest), *_label_findings(manifest)]
    return Checks(manifest, tuple(sounds), tuple(refused), tuple(findings))


def _measure(utterance: Utterance) -> Sound | Refusal:
    try:
        info = audio.probe(utterance.path)
        waveform = audio.read(utterance.path, rate_hz=info.rate_hz, start_s=utterance.start_s, end_s=utterance.end_s)
    except AudioError as problem:
        return Refusal(utterance.id, utterance.path, problem.reason)
    rms = float(np.sqrt(np.mean(np.square(waveform, dtype=np.float64))))
    return Sound(
        id=utterance.id,
        duration_s=waveform.size / info.rate_hz,
        rate_hz=info.rate_hz,
        channels=info.channels,
        encoding=info.encoding,
        rms_db=20 * np.log10(max(rms, 1e-10)),
        offset=float(waveform.mean(dtype=np.float64)),
        clipped_share=float(np.mean(np.abs(waveform) >= FULL_SCALE)),
        digest=hashlib.blake2b(waveform.tobytes(), digest_size=16).hexdigest(),
    )


def _sound_findings(sounds: Iterable[Sound]) -> list[Finding]:
    rules: Mapping[str, tuple[str, Callable[[Sound], bool]]] = {
        "clipped": (f"more than {CLIPPED_SHARE:.1%} at full scale", lambda s: s.clipped_share > CLIPPED_SHARE),
        "quiet": (f"below {QUIET_DB:.0f} dB of full scale", lambda s: s.rms_db < QUIET_DB),
        "offset": (f"mean further than {OFFSET} from zero", lambda s: abs(s.offset) > OFFSET),
        "short": (f"shorter than {SHORT_S} s", lambda s: s.duration_s < SHORT_S),
        "long": (f"longer than {LONG_S:.0f} s", lambda s: s.duration_s > LONG_S),
    }
    found = []
    for kind, (rule, holds) in rules.items():
        ids = tuple(sound.id for sound in sounds if holds(sound))
        if ids:
            found.append(Finding(kind, f"{len(ids)} utterances: {rule}; first {ids[0]}", ids))
    return found


def _duplicates(sounds: Iterable[Sound], manifest: Manifest) -> list[Finding]:
    """Utterances whose decoded sound is the same, whatever the container; worst where their labels differ."""
    label = {u.id: (u.speaker, u.emotion) for u in manifest}
    alike: dict[str, list[str]] = defaultdict(list)
    for sound in sounds:
        alike[sound.digest].append(sound.id)
    found = []
    for ids in alike.values():
        if len(ids) > 1:
            differ = len({label[i] for i in ids}) > 1
            text = f"the same sound: {', '.join(ids)}" + (" with DIFFERENT speakers or emotions" if differ else "")
            found.append(Finding("duplicate", text, tuple(ids)))
    return found


def _label_findings(manifest: Manifest) -> list[Finding]:
    found = []
    counts = _by_speaker(manifest)
    emotions = sorted({u.emotion for u in manifest})
    if len(counts) < 2:
        found.append(Finding("one speaker", "speaker-disjoint folds need at least two speakers"))
    if len(emotions) < 2:
        found.append(Finding("one emotion", "there is nothing to tell apart"))
    for emotion in emotions:
        few = [speaker for speaker, n in counts.items() if n[emotion] < FEW_PER_SPEAKER]
        if few:
            text = f"'{emotion}': {len(few)} of {len(counts)} speakers have fewer than {FEW_PER_SPEAKER} utterances"
            found.append(Finding("few", f"{text}, e.g. {few[0]}"))
    speakers_of: dict[str, set[str]] = defaultdict(set)
    for utterance in manifest:
        if utterance.text_id:
            speakers_of[utterance.text_id].add(utterance.speaker)
    shared = sum(len(speakers) > 1 for speakers in speakers_of.values())
    if shared:
        text = f"{shared} of {len(speakers_of)} sentences are said by several speakers: folds share their texts"
        found.append(Finding("shared sentences", text))
    return found


def _by_speaker(manifest: Manifest) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {speaker: Counter() for speaker in manifest.speakers}
    for utterance in manifest:
        counts[utterance.speaker][utterance.emotion] += 1
    return counts


def _recordings(sounds: Iterable[Sound]) -> Counter[str]:
    return Counter(f"{s.rate_hz} Hz, {s.channels} channel{'s' * (s.channels > 1)}, {s.encoding}" for s in sounds)
