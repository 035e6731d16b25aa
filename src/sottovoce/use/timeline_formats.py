"""Timelines as files: for tables, for editors of sound and subtitles, and for annotation in Praat and ELAN."""

from __future__ import annotations

import csv
import html
import io
import json
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

from sottovoce.use.segments import Segment
from sottovoce.use.steps import Step
from sottovoce.use.timeline import Timeline

ENDINGS = {".csv": "csv", ".json": "json", ".txt": "audacity", ".vtt": "vtt", ".textgrid": "textgrid", ".eaf": "eaf"}
"""Of a file's name -> its format."""


def render(timeline: Timeline, form: str, name: str) -> str:
    """A timeline in one of the formats of `ENDINGS`; `name` is the recording's."""
    return FORMATS[form](timeline, name)


def csv_header(emotions: Sequence[str]) -> str:
    """The first line of the CSV: a step's time, emotion, confidence, and a column for each class."""
    return _line(["start_s", "end_s", "emotion", "confidence", *emotions])


def csv_line(step: Step, emotions: Sequence[str]) -> str:
    """One step as a line; where nobody speaks, all but the times is empty."""
    times = [f"{step.start_s:.3f}", f"{step.end_s:.3f}"]
    if step.probabilities is None:
        return _line([*times, "", "", *("" for _ in emotions)])
    return _line([*times, step.emotion, *(f"{p:.4f}" for p in (step.confidence or 0.0, *step.probabilities))])


def _line(cells: Iterable[object]) -> str:
    written = io.StringIO()
    csv.writer(written, lineterminator="\n").writerow(cells)
    return written.getvalue()


def _csv(timeline: Timeline, name: str) -> str:
    return csv_header(timeline.emotions) + "".join(csv_line(step, timeline.emotions) for step in timeline.steps)


def _json(timeline: Timeline, name: str) -> str:
    manner = timeline.manner
    content: dict[str, Any] = {
        "schema": 1,
        "audio": name,
        "duration_s": round(timeline.duration_s, 3),
        "emotions": list(timeline.emotions),
        "window_s": manner.grid.window_s,
        "hop_s": manner.grid.hop_s,
        "smooth": manner.smooth,
        "average": "step" if manner.own_alone else "window",
        "shortest_s": manner.shortest_s,
        "speech_by": timeline.detector,
        "segments": [_entry(each) for each in timeline.segments],
        "steps": [
            _entry(step)
            | {
                "probabilities": None
                if step.probabilities is None
                else {e: round(p, 4) for e, p in zip(timeline.emotions, step.probabilities, strict=True)}
            }
            for step in timeline.steps
        ],
    }
    return json.dumps(content, ensure_ascii=False, indent=1) + "\n"


def _entry(part: Segment | Step) -> dict[str, Any]:
    confidence = None if part.confidence is None else round(part.confidence, 4)
    return {
        "start_s": round(part.start_s, 3),
        "end_s": round(part.end_s, 3),
        "emotion": part.emotion,
        "confidence": confidence,
    }


def _audacity(timeline: Timeline, name: str) -> str:
    """Audacity's labels: start, end and text, with tabs; pauses have none."""
    spoken = (each for each in timeline.segments if each.emotion is not None)
    return "".join(f"{s.start_s:.6f}\t{s.end_s:.6f}\t{s.emotion} {s.confidence:.2f}\n" for s in spoken)


def _vtt(timeline: Timeline, name: str) -> str:
    """WebVTT (W3C): a cue for each stretch of an emotion."""
    cues = [
        f"{_clock(s.start_s)} --> {_clock(s.end_s)}\n{html.escape(s.emotion, quote=False)} {s.confidence:.2f}\n"
        for s in timeline.segments
        if s.emotion is not None
    ]
    return "\n".join(["WEBVTT\n", *cues])


def _clock(time_s: float) -> str:
    minutes, milliseconds = divmod(round(time_s * 1000), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{milliseconds // 1000:02d}.{milliseconds % 1000:03d}"


def _textgrid(timeline: Timeline, name: str) -> str:
    """Praat's TextGrid, long form: tiers of the emotion and of its confidence; pauses are empty intervals."""
    found = timeline.segments
    tiers = {
        "emotion": [each.emotion or "" for each in found],
        "confidence": ["" if each.confidence is None else f"{each.confidence:.2f}" for each in found],
    }
    end = f"{timeline.duration_s:.6f}"
    lines = ['File type = "ooTextFile"', 'Object class = "TextGrid"', "", "xmin = 0", f"xmax = {end}"]
    lines += ["tiers? <exists>", f"size = {len(tiers)}", "item []:"]
    for number, (tier, texts) in enumerate(tiers.items(), start=1):
        lines += [f"    item [{number}]:", '        class = "IntervalTier"', f'        name = "{tier}"']
        lines += ["        xmin = 0", f"        xmax = {end}", f"        intervals: size = {len(found)}"]
        for i, (each, text) in enumerate(zip(found, texts, strict=True), start=1):
            doubled = text.replace('"', '""')
            lines += [f"        intervals [{i}]:", f"            xmin = {each.start_s:.6f}"]
            lines += [f"            xmax = {each.end_s:.6f}", f'            text = "{doubled}"']
    return "\n".join(lines) + "\n"


def _eaf(timeline: Timeline, name: str) -> str:
    """ELAN's annotation document, version 3.0 of its schema: tiers of the emotion and of its confidence."""
    spoken = [each for each in timeline.segments if each.emotion is not None]
    texts = {
        "emotion": [each.emotion or "" for each in spoken],
        "confidence": [f"{each.confidence:.2f}" for each in spoken],
    }
    times_s = [time_s for each in spoken for time_s in (each.start_s, each.end_s)]
    slots = [
        f'<TIME_SLOT TIME_SLOT_ID="ts{i}" TIME_VALUE="{round(1000 * time_s)}"/>' for i, time_s in enumerate(times_s)
    ]
    tiers = [
        f'<TIER LINGUISTIC_TYPE_REF="time-aligned" TIER_ID="{tier}">{_annotations(tier, each)}</TIER>'
        for tier, each in texts.items()
    ]
    kind = "audio/x-wav" if name.lower().endswith(".wav") else "unknown"
    media = "" if name == "-" else f"<MEDIA_DESCRIPTOR MEDIA_URL={quoteattr(_url(name))} MIME_TYPE={quoteattr(kind)}/>"
    lines = [
        '<?xml version="1.0" encoding="UTF-8"?>',
        f'<ANNOTATION_DOCUMENT AUTHOR="" DATE="{datetime.now(UTC).isoformat(timespec="seconds")}" FORMAT="3.0" '
        'VERSION="3.0" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        'xsi:noNamespaceSchemaLocation="http://www.mpi.nl/tools/elan/EAFv3.0.xsd">',
        f'<HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">{media}</HEADER>',
        f"<TIME_ORDER>{''.join(slots)}</TIME_ORDER>",
        *tiers,
        '<LINGUISTIC_TYPE GRAPHIC_REFERENCES="false" LINGUISTIC_TYPE_ID="time-aligned" TIME_ALIGNABLE="true"/>',
        "</ANNOTATION_DOCUMENT>",
    ]
    return "\n".join(lines) + "\n"


def _annotations(tier: str, texts: Sequence[str]) -> str:
    return "".join(
        f'<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="{tier}{i}" TIME_SLOT_REF1="ts{2 * i}" '
        f'TIME_SLOT_REF2="ts{2 * i + 1}"><ANNOTATION_VALUE>{escape(text)}</ANNOTATION_VALUE>'
        "</ALIGNABLE_ANNOTATION></ANNOTATION>"
        for i, text in enumerate(texts)
    )


def _url(name: str) -> str:
    return name if "://" in name else Path(name).resolve().as_uri()


FORMATS: dict[str, Callable[[Timeline, str], str]] = {
    "csv": _csv,
    "json": _json,
    "audacity": _audacity,
    "vtt": _vtt,
    "textgrid": _textgrid,
    "eaf": _eaf,
}
