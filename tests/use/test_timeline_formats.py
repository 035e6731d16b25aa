"""Each format is read back by a few lines that know nothing of how it was written."""

from __future__ import annotations

import csv
import io
import json
import re
from xml.etree import ElementTree

import pytest

from sottovoce.use.segments import Segment
from sottovoce.use.steps import Step
from sottovoce.use.timeline import Manner, Timeline
from sottovoce.use.timeline_formats import ENDINGS, FORMATS, render

EMOTIONS = ("angry", 'a "quoted" <b> & c', "sad")
WORDS = [None, "angry", EMOTIONS[1], "angry", None, "sad"]


@pytest.fixture
def timeline() -> Timeline:
    """More than an hour of steps of ten minutes."""
    steps = []
    for i, word in enumerate([*WORDS, "sad", "sad"]):
        times = (600.0 * i, 600.0 * (i + 1))
        if word is None:
            steps.append(Step(*times))
        else:
            row = tuple(0.75 if emotion == word else 0.125 for emotion in EMOTIONS)
            steps.append(Step(*times, word, 0.75, row))
    return Timeline(EMOTIONS, steps, 4800.0, Manner(), "level", [], [])


def spoken(timeline: Timeline) -> list[tuple[float, float, str]]:
    return [(s.start_s, s.end_s, s.emotion) for s in timeline.segments if s.emotion is not None]


def test_all_formats_have_an_ending():
    assert set(ENDINGS.values()) == set(FORMATS)


def test_csv(timeline):
    rows = list(csv.DictReader(io.StringIO(render(timeline, "csv", "a.wav"))))
    assert [row["emotion"] or None for row in rows] == [*WORDS, "sad", "sad"]
    assert [float(row["end_s"]) for row in rows] == [step.end_s for step in timeline.steps]
    assert float(rows[2][EMOTIONS[1]]) == float(rows[2]["confidence"]) == 0.75
    assert rows[0]["angry"] == rows[0]["confidence"] == ""


def test_json(timeline):
    content = json.loads(render(timeline, "json", "ä.wav"))
    assert content["audio"] == "ä.wav" and content["emotions"] == list(EMOTIONS) and content["speech_by"] == "level"
    assert (content["window_s"], content["hop_s"], content["smooth"]) == (3.0, 1.0, 3)
    assert [Segment(**each) for each in content["segments"]] == timeline.segments
    assert content["steps"][0]["probabilities"] is None
    assert content["steps"][1]["probabilities"] == dict(zip(EMOTIONS, (0.75, 0.125, 0.125), strict=True))


def test_audacity(timeline):
    lines = [line.split("\t") for line in render(timeline, "audacity", "a.wav").splitlines()]
    assert [(float(a), float(b), text) for a, b, text in lines] == [(a, b, f"{e} 0.75") for a, b, e in spoken(timeline)]


def test_vtt(timeline):
    text = render(timeline, "vtt", "a.wav")
    header, *cues = text.strip().split("\n\n")
    assert header == "WEBVTT"

    def seconds(clock: str) -> float:
        matched = re.fullmatch(r"(\d\d):([0-5]\d):([0-5]\d)\.(\d{3})", clock)
        assert matched is not None
        h, m, s, ms = map(int, matched.groups())
        return 3600 * h + 60 * m + s + ms / 1000

    found = []
    for cue in cues:
        timing, said = cue.split("\n")
        start, end = timing.split(" --> ")
        said = said.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
        found.append((seconds(start), seconds(end), said.removesuffix(" 0.75")))
    assert found == spoken(timeline)
    assert "-->" not in cues[1].split("\n")[1] and "<" not in cues[1].split("\n")[1]


def test_textgrid(timeline):
    text = render(timeline, "textgrid", "a.wav")
    assert text.startswith('File type = "ooTextFile"\nObject class = "TextGrid"\n')
    tiers = re.split(r"\n    item \[\d+\]:\n", text)[1:]
    assert [re.search(r'name = "(.*)"', tier)[1] for tier in tiers] == ["emotion", "confidence"]  # type: ignore[index]
    pattern = r'xmin = ([\d.]+)\n +xmax = ([\d.]+)\n +text = "((?:[^"]|"")*)"'
    intervals = [(float(a), float(b), said.replace('""', '"')) for a, b, said in re.findall(pattern, tiers[0])]
    assert intervals == [(s.start_s, s.end_s, s.emotion or "") for s in timeline.segments]
    assert intervals[0][0] == 0 and intervals[-1][1] == float(re.search(r"\nxmax = ([\d.]+)", text)[1])  # type: ignore[index]
    assert int(re.search(r"intervals: size = (\d+)", tiers[0])[1]) == len(intervals)  # type: ignore[index]
    assert [said for *_, said in re.findall(pattern, tiers[1])] == ["", "0.75", "0.75", "0.75", "", "0.75"]


def test_eaf(timeline):
    document = ElementTree.fromstring(render(timeline, "eaf", "/x/ä b.wav").encode())
    slots = {s.get("TIME_SLOT_ID"): int(s.get("TIME_VALUE", "")) / 1000 for s in document.iter("TIME_SLOT")}
    tiers = {
        tier.get("TIER_ID"): [
            (slots[a.get("TIME_SLOT_REF1")], slots[a.get("TIME_SLOT_REF2")], a.findtext("ANNOTATION_VALUE"))
            for a in tier.iter("ALIGNABLE_ANNOTATION")
        ]
        for tier in document.iter("TIER")
    }
    assert tiers["emotion"] == spoken(timeline)
    assert [text for *_, text in tiers["confidence"]] == ["0.75"] * len(spoken(timeline))
    names = [a.get("ANNOTATION_ID") for a in document.iter("ALIGNABLE_ANNOTATION")]
    assert len(set(names)) == len(names)
    kinds = {kind.get("LINGUISTIC_TYPE_ID") for kind in document.iter("LINGUISTIC_TYPE")}
    assert {tier.get("LINGUISTIC_TYPE_REF") for tier in document.iter("TIER")} <= kinds
    media = next(document.iter("MEDIA_DESCRIPTOR"))
    assert media.get("MEDIA_URL") == "file:///x/%C3%A4%20b.wav"


@pytest.mark.parametrize("form", FORMATS)
def test_a_recording_without_speech_can_be_written(form):
    silent = Timeline(EMOTIONS, [Step(0.0, 1.0)], 1.0, Manner(), "level", [], [])
    assert "angry 0" not in render(silent, form, "-")
