"""Predictions as text, read again by plain readers."""

from __future__ import annotations

import csv
import io
import json
from typing import Any

import numpy as np
import pandas as pd
import pytest

from sottovoce.use import formats
from sottovoce.use.predicting import Said
from sottovoce.use.recordings import Recording

EMOTIONS = ["angry", "happy, or so", "sad"]
SAID = [
    Said(Recording('a "quoted", name.wav'), 0.0, 2.5, np.array([0.7, 0.2, 0.1]), None),
    Said(Recording("φωνή.wav", 1.0, 91.25), 1.0, 91.25, np.array([0.3, 0.3, 0.4]), None),
    Said(Recording("bad.wav"), 0.0, None, None, "is empty (0 bytes)"),
]


def written(kind: formats.Format, threshold: float | None = 0.5, said: list[Said] = SAID) -> str:
    stream = io.StringIO()
    formats.write(kind, stream, iter(said), formats.of_emotions(EMOTIONS, threshold))
    return stream.getvalue()


def test_csv():
    rows = list(csv.DictReader(io.StringIO(written("csv"))))
    assert [row["file"] for row in rows] == [each.recording.path for each in SAID]
    assert [(row["emotion"], row["unsure"], row["error"]) for row in rows] == [
        ("angry", "false", ""),
        ("sad", "true", ""),
        ("", "", "is empty (0 bytes)"),
    ]
    assert [rows[1][name] for name in ("start_s", "end_s", "p_angry", "p_happy, or so", "p_sad")] == [
        "1.0", "91.25", "0.3", "0.3", "0.4",
    ]  # fmt: skip


def test_json():
    records: list[dict[str, Any]] = json.loads(written("json"))
    assert records[0] == {
        "file": 'a "quoted", name.wav',
        "start_s": 0.0,
        "end_s": 2.5,
        "emotion": "angry",
        "confidence": 0.7,
        "unsure": False,
        "probabilities": dict(zip(EMOTIONS, (0.7, 0.2, 0.1), strict=True)),
    }
    assert records[2] == {"file": "bad.wav", "start_s": 0.0, "end_s": None, "error": "is empty (0 bytes)"}
    assert json.loads(written("json", said=[])) == []


def test_measures_are_said_in_their_own_units():
    said = [Said(Recording("a.wav"), 0.0, 2.5, np.array([1.25, -0.5]), None), SAID[2]]
    answers, streams = formats.of_measures(["arousal", "valence"]), {kind: io.StringIO() for kind in ("csv", "json")}
    for kind, stream in streams.items():
        formats.write(kind, stream, iter(said), answers)
    rows = list(csv.DictReader(io.StringIO(streams["csv"].getvalue())))
    assert [(row["arousal"], row["valence"], row["error"]) for row in rows] == [
        ("1.25", "-0.5", ""),
        ("", "", "is empty (0 bytes)"),
    ]
    records = json.loads(streams["json"].getvalue())
    assert records[0]["measures"] == {"arousal": 1.25, "valence": -0.5} and "measures" not in records[1]


def test_without_a_rule_nothing_is_said_to_be_sure():
    assert json.loads(written("json", None))[0]["unsure"] is None
    assert next(csv.DictReader(io.StringIO(written("csv", None))))["unsure"] == ""


def test_audformat_is_what_pandas_reads_as_a_segmented_index():
    table = pd.read_csv(io.StringIO(written("audformat")))
    assert list(table.columns[:3]) == ["file", "start", "end"]
    assert pd.to_timedelta(table["start"]).dt.total_seconds().tolist() == [0.0, 1.0, 0.0]
    ends = pd.to_timedelta(table["end"])
    assert ends.dt.total_seconds().tolist()[:2] == [2.5, 91.25] and ends.isna().tolist() == [False, False, True]
    assert table["p_sad"].tolist() == pytest.approx([0.1, 0.4, np.nan], nan_ok=True)
    long = Said(Recording("day.wav"), 90_000.000_5, 90_061.5, np.array([1.0, 0.0, 0.0]), None)
    assert "1 days 01:00:00.000500,1 days 01:01:01.500000" in written("audformat", said=[long])
