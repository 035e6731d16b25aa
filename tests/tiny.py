"""A tiny corpus of tones and a recipe for it: enough for the whole pipeline in a few seconds."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import yaml

from sottovoce.speech import audio
from tests.conftest import tone

PITCH_HZ = {"angry": 320.0, "happy": 240.0, "neutral": 125.0, "sad": 110.0}
EMOTIONS = ("angry", "neutral", "sad")
SAID = "Dogs are sitting by the door."
TRANSLATED = "Cani alla porta."


def write_side(
    folder: Path,
    name: str,
    speakers: Sequence[str],
    emotions: Sequence[str] = EMOTIONS,
    *,
    takes: int = 2,
    spelled: Mapping[str, str] | None = None,
    arousal: Mapping[str, float] | None = None,
    further_cells: Mapping[str, str] | None = None,
    further_rows: Iterable[Mapping[str, str]] = (),
) -> Path:
    """Write tones whose pitch tells the emotion and a little of the speaker, and `<name>.csv` with relative paths.

    Args:
        folder: where the CSV and a folder of recordings go; the recordings' names are Greek and hold spaces.
        name: of both. `speakers` and `emotions`: each speaker has `takes` recordings of each emotion.
        takes: see above.
        spelled: how an emotion is written in the CSV, where that is not its name.
        arousal: a measure by emotion: the higher the tone, the higher it should be.
        further_cells: columns that are the same in every row. `further_rows`: rows after those of the tones.
    """
    rows: list[Mapping[str, str]] = []
    for number, speaker in enumerate(speakers):
        for emotion in emotions:
            for take in range(takes):
                recording = Path(name) / f"φωνή {speaker}_{take} {emotion}.wav"
                (folder / recording).parent.mkdir(parents=True, exist_ok=True)
                # every tone has a noise of its own: no two recordings are the same sound
                seed = 1000 * sum(map(ord, name)) + 100 * number + 10 * list(PITCH_HZ).index(emotion) + take
                pitch_hz = PITCH_HZ[emotion] * (1 + 0.05 * number + 0.02 * take)
                audio.write(folder / recording, tone(0.5 + 0.05 * take, pitch_hz, seed=seed))
                label = (spelled or {}).get(emotion, emotion)
                row = {"path": str(recording), "speaker": speaker, "emotion": label, "text": SAID}
                measured = {"measure_arousal": str(arousal[emotion])} if arousal else {}
                rows.append({**row, **measured, **(further_cells or {})})
    write_csv(folder / f"{name}.csv", [*rows, *further_rows])
    return folder / f"{name}.csv"


def write_csv(path: Path, rows: Sequence[Mapping[str, str]]) -> None:
    """Write rows under all the columns that any of them has."""
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, list(dict.fromkeys(column for row in rows for column in row)))
        writer.writeheader()
        writer.writerows(rows)


def write_recipe(folder: Path, target: Path, source: Path, /, **changes: object) -> Path:
    """Write `tiny.yaml` for two manifests; `changes` replace whole sections."""
    tree: dict[str, object] = {
        "name": "tiny",
        "target": {"manifest": str(target), "language": "it"},
        "source": {"manifest": str(source), "language": "en"},
        "emotions": list(EMOTIONS),
        "training": {"seeds": [0, 1], "hidden": 8, "epochs": 4, "batch_size": 8, "learning_rate": 0.01},
    }
    path = folder / "tiny.yaml"
    path.write_text(yaml.safe_dump(tree | changes, allow_unicode=True), encoding="utf-8")
    return path


def write_all(folder: Path, **changes: object) -> Path:
    """Target of four speakers and source of three, who share their names; returns the recipe.

    The source has a translation and some votes, so that `auto` selects by `kl`.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target = write_side(folder, "target", "1234")
    voted = {"path": "source/one more.wav", "speaker": "3", "emotion": "sad", "votes_sad": "7", "votes_neutral": "3"}
    source = write_side(
        folder,
        "source",
        "123",
        further_cells={"translation": TRANSLATED},
        further_rows=[{**voted, "text": SAID, "translation": TRANSLATED}],
    )
    audio.write(folder / voted["path"], tone(0.6, 112.0, seed=1))
    return write_recipe(folder, target, source, **changes)


def write_measured(folder: Path, **changes: object) -> Path:
    """As `write_all` with arousal in place of emotions, on another scale on each side; one utterance has none."""
    folder.mkdir(parents=True, exist_ok=True)
    unmeasured = {"path": "target/one more.wav", "speaker": "1", "emotion": "sad", "text": SAID}
    target = write_side(
        folder, "target", "1234", arousal={"angry": 2, "neutral": 1, "sad": 0}, further_rows=[unmeasured]
    )
    audio.write(folder / unmeasured["path"], tone(0.6, 112.0, seed=1))
    scale = {"angry": 7, "neutral": 4, "sad": 1}
    source = write_side(folder, "source", "123", arousal=scale, further_cells={"translation": TRANSLATED})
    measures = {"arousal": {"target": [0, 2], "source": [1, 7]}}
    training = {"seeds": [0, 1], "hidden": 8, "epochs": 12, "batch_size": 8, "learning_rate": 0.01}
    return write_recipe(folder, target, source, **({"measures": measures, "training": training} | changes))
