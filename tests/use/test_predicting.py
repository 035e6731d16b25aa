"""`sottovoce predict`: a row for every recording, bad ones listed, nothing done twice, whatever executor and chunk."""

from __future__ import annotations

import csv
import io
import json
import os
import shutil
from pathlib import Path

import pytest

import sottovoce
from sottovoce.experiment.place import Place
from sottovoce.store.artefacts import Store
from sottovoce.store.shards import Execution
from sottovoce.use import model as models
from sottovoce.use import predicting
from sottovoce.use.recordings import find
from tests import launcher, tiny
from tests.use.models import EMOTIONS, write_model

BAD = {"empty.wav": b"", "text.wav": b"no sound at all", "riff.wav": b"RIFF\x24\x00\x00\x00WAVEfmt "}


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model, twelve recordings in `good`, and a folder `mixed` with bad ones among them."""
    folder = tmp_path_factory.mktemp("predict me")
    write_model(folder / "model")
    tiny.write_side(folder, "good", "12")
    shutil.copytree(folder / "good", folder / "mixed")
    for name, content in BAD.items():
        (folder / "mixed" / name).write_bytes(content)
    return folder


def said(outcome: launcher.Outcome) -> list[dict[str, str]]:
    assert outcome.code == 0, outcome.err
    return list(csv.DictReader(io.StringIO(outcome.out)))


def predict(place: Path, *arguments: str | Path) -> launcher.Outcome:
    return launcher.sottovoce(place, "predict", "model", *arguments)


def test_table_for_a_person(place: Path):
    before = sorted(place.rglob("*"))
    outcome = predict(place, "good")
    assert outcome.code == 0 and outcome.out.count(".wav") == 12
    assert outcome.out.startswith("good") and "good/" not in outcome.out  # the folder is said once
    assert all(emotion in outcome.out.splitlines()[2] for emotion in EMOTIONS)
    assert "unsure below 0.50: at most 32 % of the answers are wrong" in outcome.err
    assert "12 of 12 recordings labelled: " in outcome.err and "unsure (" in outcome.out
    assert set(place.rglob("*")) - set(before) <= {place / ".stdout", place / ".stderr"}  # nothing is left behind
    quiet = predict(place, "good", "--quiet")
    assert (quiet.out, quiet.err) == (outcome.out, "")


def test_bad_recordings_are_listed_and_stop_nothing(place: Path):
    outcome = predict(place, "mixed", "absent.wav", "--format", "csv")
    rows = said(outcome)
    assert len(rows) == 12 + len(BAD) + 1
    assert {Path(row["file"]).name for row in rows if row["error"]} == {*BAD, "absent.wav"}
    listed = [line for line in outcome.err.splitlines() if line.startswith("refused: ")]
    assert len(listed) == len(BAD) + 1 and "refused: absent.wav: there is no such file" in listed
    for row in rows:
        if not row["error"]:
            shares = [float(row[f"p_{emotion}"]) for emotion in EMOTIONS]
            assert sum(shares) == pytest.approx(1, abs=2e-4) and float(row["confidence"]) == max(shares)
            assert row["emotion"] == EMOTIONS[shares.index(max(shares))]
            assert row["unsure"] == str(max(shares) < 0.5).lower()


def test_nothing_usable_is_exit_code_1(place: Path):
    outcome = predict(place, "mixed/empty.wav", "absent.wav", "--quiet")
    assert outcome.code == 1 and outcome.out == "" and outcome.err.count("refused: ") == 2
    assert "Traceback" not in outcome.err


def test_the_command_and_python_say_the_same(place: Path):
    rows = said(predict(place, "good", "--format", "csv"))
    model = sottovoce.load(place / "model")
    for row, each in zip(rows, model.predict(*(place / row["file"] for row in rows)), strict=True):
        assert each == pytest.approx({emotion: float(row[f"p_{emotion}"]) for emotion in EMOTIONS}, abs=1e-4)


def test_processes_and_slices_say_the_same(place: Path):
    serial = said(predict(place, "mixed", "--format", "csv", "--store", "serial"))
    processes = predict(
        place, "mixed", "--format", "csv", "--store", "process", "--executor", "process", "--workers", "2"
    )
    assert said(processes) == serial
    parts = [said(predict(place, "mixed", "--format", "csv", "--store", "slices", "--slice", f"{k}/2")) for k in (1, 2)]
    assert [len(part) for part in parts] == [7, 8] and parts[0] + parts[1] == serial
    assert said(predict(place, "mixed", "--format", "csv", "--store", "slices")) == serial


def test_killed_it_continues(place: Path):
    shelf = place / "killed" / "predictions"
    arguments = ("predict", "model", "good", "-o", "made.csv", "--store", "killed", "--quiet")
    command = launcher.start(place, *arguments)
    command.signal_when(lambda: len(list(shelf.glob("*/*/seal.json"))) >= 2)
    assert not (place / "made.csv").exists()
    kept = {path: path.stat().st_mtime_ns for path in shelf.glob("*/*/seal.json")}
    assert launcher.sottovoce(place, *arguments).code == 0
    assert kept.items() <= {path: path.stat().st_mtime_ns for path in shelf.glob("*/*/seal.json")}.items()
    whole = predict(place, "good", "--format", "csv").out
    assert (place / "made.csv").read_text(encoding="utf-8") == whole


def test_a_recording_that_changed_is_listened_to_again_and_so_is_everything_by_another_model(place: Path, tmp_path):
    for name in ("model", "good"):
        shutil.copytree(place / name, tmp_path / name)
    first = said(predict(tmp_path, "good", "--format", "csv", "--store", "store"))
    clips = sorted((tmp_path / "good").glob("*.wav"))
    clips[0].write_bytes(clips[-1].read_bytes())
    second = said(predict(tmp_path, "good", "--format", "csv", "--store", "store"))
    changed = [a["file"] for a, b in zip(first, second, strict=True) if a != b]
    assert [Path(name).name for name in changed] == [clips[0].name]
    colder = json.loads((tmp_path / "model" / "config.json").read_text())
    colder["reliance"]["temperature"] = 0.5
    (tmp_path / "model" / "config.json").write_text(json.dumps(colder))
    third = said(predict(tmp_path, "good", "--format", "csv", "--store", "store"))
    assert all(float(b["confidence"]) > float(a["confidence"]) for a, b in zip(second, third, strict=True))


def test_chunks_and_order(place: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """However few are looked up together, every recording comes in its place."""
    monkeypatch.chdir(place)
    model, recordings = models.load(place / "model"), find(["mixed"])
    made, counted = [], []
    for chunk, store in ((1000, "one"), (4, "two"), (3, "two")):
        monkeypatch.setattr(predicting, "CHUNK", chunk)
        here = Place(Store(tmp_path / store), Execution(shard_size=2))
        done: list[int] = []
        found = list(predicting.predict(model, place / "model", recordings, here, on_done=done.append))
        made.append([(each.recording, each.error, each.end_s) for each in found])
        counted.append(sum(done))
    assert made[0] == made[1] == made[2] and [each[0] for each in made[0]] == recordings
    assert counted == [len(recordings)] * 3


def test_manifests_say_what_the_model_never_heard(place: Path):
    clip = next(iter(sorted((place / "good").glob("*.wav"))))
    rows = [
        {"path": f"good/{clip.name}", "start_s": "0.1", "end_s": "0.4", "language": "ur", "emotion": "joy"},
        {"path": f"good/{clip.name}", "language": "it-IT", "emotion": "bored"},
    ]
    tiny.write_csv(place / "list.csv", rows)
    outcome = predict(place, "list.csv", "--format", "json")
    part, whole = json.loads(outcome.out)
    assert (part["start_s"], part["end_s"], whole["end_s"]) == (0.1, 0.4, 0.5)
    assert part["probabilities"] != whole["probabilities"]
    assert "1 recordings are in 'ur', which the model never heard (it heard it)" in outcome.err
    assert "labels bored are none of the model's" in outcome.err


@pytest.mark.parametrize(
    ("rate", "unsure", "told"),
    [
        ("1", {"false"}, "it answers everything: at most 100 % of the answers are wrong"),
        ("0.1", {"true"}, "an error rate of 0.1 cannot be promised: everything is unsure. This model can promise 0.15"),
    ],
)
def test_the_asked_error_rate(place: Path, rate: str, unsure: set[str], told: str):
    outcome = predict(place, "good", "--format", "csv", "--error-rate", rate)
    assert {row["unsure"] for row in said(outcome)} == unsure and told in outcome.err


@pytest.mark.parametrize(
    ("arguments", "code", "complaint"),
    [
        (["nowhere", "good"], 1, "there is no such folder"),
        (["good", "good"], 1, "config.json and model.safetensors missing"),
        (["model", "*.mp3"], 1, "no recording"),
        (["model", "absent.csv"], 1, "there is no such manifest"),
        (["model", "good", "-o", "x.txt"], 2, "say --format"),
        (["model", "good", "--format", "table", "-o", "x.csv"], 2, "is for the screen"),
        (["model", "good", "-o", "good.csv/x.csv"], 1, "cannot be written"),
        (["model", "good", "--error-rate", "2"], 2, "--error-rate"),
        (["model"], 2, "Missing argument"),
    ],
)
def test_mistakes(place: Path, arguments: list[str], code: int, complaint: str):
    outcome = launcher.sottovoce(place, "predict", *arguments)
    assert outcome.code == code and complaint in outcome.err and "Traceback" not in outcome.err


def test_paths_from_the_standard_input(place: Path, monkeypatch: pytest.MonkeyPatch):
    from typer.testing import CliRunner

    from sottovoce.cli import app

    monkeypatch.chdir(place)
    clips = sorted(map(str, Path("good").glob("*.wav")))[:3]
    outcome = CliRunner().invoke(app, ["predict", "model", "-", "--format", "csv", "-q"], input="\n".join(clips))
    assert [row["file"] for row in csv.DictReader(io.StringIO(outcome.output))] == clips
    assert os.environ.get("SOTTOVOCE_STORE") is None
