"""Predictions as text: one record a recording, in forms that other programs read."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Literal, TextIO

from sottovoce.use.predicting import Said

Format = Literal["csv", "json", "audformat"]


@dataclass(frozen=True)
class Answers:
    """What a model's answers look like: columns of their own between the times and the error, and fields in JSON."""

    columns: list[str]
    cells: Callable[[Said], list[Any]]
    fields: Callable[[Said], dict[str, Any]]


def of_emotions(emotions: Sequence[str], threshold: float | None) -> Answers:
    """The likeliest emotion and all probabilities.

    Args:
        emotions: the names of the classes.
        threshold: confidence below which the model is unsure; None where that is not known.
    """
    return Answers(
        ["emotion", "confidence", "unsure", *(f"p_{name}" for name in emotions)],
        lambda said: [*answer(said, emotions, threshold).values(), *_by_name(said, emotions).values()],
        lambda said: answer(said, emotions, threshold) | {"probabilities": _by_name(said, emotions)},
    )


def of_measures(measures: Sequence[str]) -> Answers:
    """Each measure in its own units."""
    return Answers(
        list(measures),
        lambda said: list(_by_name(said, measures).values()),
        lambda said: {"measures": _by_name(said, measures)},
    )


def write(kind: Format, stream: TextIO, said: Iterable[Said], answers: Answers) -> None:
    """Write every prediction as it comes; memory does not grow with their number.

    Args:
        kind: `csv`; `json`: an array with a record a line; `audformat`: the CSV of a segmented audformat table.
        stream: where to.
        said: the predictions.
        answers: what they look like.
    """
    _WRITERS[kind](stream, said, answers)


def answer(said: Said, emotions: Sequence[str], threshold: float | None) -> dict[str, Any]:
    """`emotion` (the likeliest), its `confidence`, and whether the model is `unsure`; None where there is no answer."""
    if said.probabilities is None:
        return {"emotion": None, "confidence": None, "unsure": None}
    best = int(said.probabilities.argmax())
    confidence = float(said.probabilities[best])
    unsure = None if threshold is None else confidence < threshold
    return {"emotion": emotions[best], "confidence": round(confidence, 4), "unsure": unsure}


def _by_name(said: Said, names: Sequence[str]) -> dict[str, float | None]:
    if said.probabilities is None:
        return dict.fromkeys(names)
    return {name: round(float(p), 4) for name, p in zip(names, said.probabilities, strict=True)}


def _csv(stream: TextIO, said: Iterable[Said], answers: Answers) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["file", "start_s", "end_s", *answers.columns, "error"])
    for each in said:
        times = [_plain(each.start_s), _plain(each.end_s)]
        writer.writerow([each.recording.path, *times, *map(_cell, answers.cells(each)), each.error or ""])


def _audformat(stream: TextIO, said: Iterable[Said], answers: Answers) -> None:
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(["file", "start", "end", *answers.columns])
    for each in said:
        times = [_duration(each.start_s), _duration(each.end_s)]
        writer.writerow([each.recording.path, *times, *map(_cell, answers.cells(each))])


def _json(stream: TextIO, said: Iterable[Said], answers: Answers) -> None:
    before = "[\n"
    for each in said:
        record: dict[str, Any] = {"file": each.recording.path, "start_s": each.start_s, "end_s": each.end_s}
        if each.error is None:
            record |= answers.fields(each)
        else:
            record["error"] = each.error
        stream.write(before + json.dumps(record, ensure_ascii=False))
        before = ",\n"
    stream.write("\n]\n" if before != "[\n" else "[]\n")


_WRITERS: dict[str, Callable[[TextIO, Iterable[Said], Answers], None]] = {
    "csv": _csv,
    "json": _json,
    "audformat": _audformat,
}


def _plain(seconds: float | None) -> Any:
    return "" if seconds is None else round(seconds, 3)


def _cell(content: Any) -> Any:
    return "" if content is None else str(content).lower() if isinstance(content, bool) else content


def _duration(seconds: float | None) -> str:
    """As pandas writes a Timedelta, which is how audformat keeps times; nothing for an unknown end."""
    if seconds is None:
        return ""
    whole = timedelta(microseconds=round(1e6 * seconds))
    hours, rest = divmod(whole.seconds, 3600)
    return f"{whole.days} days {hours:02d}:{rest // 60:02d}:{rest % 60:02d}.{whole.microseconds:06d}"
