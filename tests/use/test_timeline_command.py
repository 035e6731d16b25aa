"""`sottovoce timeline` as a user meets it. The model is one that can be reckoned with on paper."""

from __future__ import annotations

import json
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from sottovoce.cli import app
from sottovoce.speech import audio
from tests.use.listening import FAINT, LOUD, LoudIsAngry, square

SCENE = np.concatenate([square(4.0, LOUD), np.zeros(32_000, np.float32), square(4.0, FAINT)])
PCM = (SCENE * 32768).astype("<i2").tobytes()
PLAIN = ("--speech", "level", "--window", "1", "--smooth", "1")


@pytest.fixture(autouse=True)
def in_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("sottovoce.use.model.load", lambda folder, **_: LoudIsAngry())
    soundfile.write("scene.wav", SCENE, 16_000, "PCM_16")


def run(*words: str, stdin: bytes | None = None):
    return CliRunner().invoke(app, ["timeline", "model", *words], input=stdin)


def test_a_table_of_segments_is_what_the_screen_shows():
    done = run("scene.wav", *PLAIN)
    assert done.exit_code == 0
    rows = re.findall(r"│ ([\d:.]+) │ ([\d:.]+) │ (\S+) +│ ([\d.]*) *│", done.stdout)
    assert rows == [
        ("0:00:00.0", "0:00:04.0", "angry", "1.00"),
        ("0:00:04.0", "0:00:06.0", "-", ""),
        ("0:00:06.0", "0:00:10.0", "sad", "1.00"),
    ]


@pytest.mark.parametrize("name", ["a.csv", "a.json", "a.txt", "a.vtt", "a.TextGrid", "a.eaf"])
def test_the_ending_chooses_the_format(name):
    done = run("scene.wav", "-o", name, *PLAIN, "-q")
    assert done.exit_code == 0 and f"3 segments -> {name}" in done.stdout
    assert "angry" in Path(name).read_text(encoding="utf-8")


def test_a_pipe_gives_the_lines_of_the_file():
    whole = run("scene.wav", "--format", "csv", *PLAIN, "-q")
    raw = run("-", *PLAIN, stdin=PCM)
    wav = run("-", *PLAIN, "-q", stdin=Path("scene.wav").read_bytes())
    assert whole.stdout.splitlines()[:2] == [
        "start_s,end_s,emotion,confidence,angry,sad",
        "0.000,1.000,angry,1.0000,1.0000,0.0000",
    ]
    assert raw.stdout == wav.stdout == whole.stdout
    assert "decided 1 s after its middle" in raw.stderr and wav.stderr == ""


def test_a_pipe_can_be_kept_and_drawn():
    done = run("-", *PLAIN, "-q", "-o", "live.json", "--plot", "live.png", stdin=PCM)
    assert done.exit_code == 0
    kept = json.loads(Path("live.json").read_text())
    assert [s["emotion"] for s in kept["segments"]] == ["angry", None, "sad"]
    assert Path("live.png").read_bytes().startswith(b"\x89PNG")


@pytest.mark.parametrize("suffix", ["svg", "png"])
def test_a_figure_beside_the_table(suffix):
    assert run("scene.wav", *PLAIN, "--plot", f"figure.{suffix}", "-q").exit_code == 0
    assert Path(f"figure.{suffix}").stat().st_size > 1000


def test_silence_is_no_emotion_and_is_told():
    soundfile.write("silence.flac", np.zeros(16_000 * 60), 16_000)
    done = run("silence.flac", "-q", "--speech", "level", "--plot", "silence.svg")
    assert done.exit_code == 0 and "0:01:00.0 │ -" in done.stdout
    assert done.stderr == "note: nobody speaks in silence.flac, as far as 'level' can tell (--speech)\n"


def test_without_silero_it_is_told(monkeypatch):
    monkeypatch.setattr("sottovoce.speech.activity.has_silero", lambda: False)
    assert "pip install 'sottovoce[vad]'" in run("scene.wav", "-q").stderr
    refused = run("scene.wav", "-q", "--speech", "silero")
    assert refused.exit_code == 1 and "sottovoce[vad]" in refused.stderr


def stereo(path):
    soundfile.write(path, np.stack([SCENE, SCENE], axis=1), 16_000, "PCM_16")


def fast(path):
    soundfile.write(path, audio.resample(SCENE, 16_000, 192_000), 192_000, "PCM_16")


@pytest.mark.parametrize("make", [stereo, fast])
def test_other_rates_and_channels(make):
    make("other.wav")
    done = run("other.wav", *PLAIN, "--format", "json", "-q")
    assert [s["emotion"] for s in json.loads(done.stdout)["segments"]] == ["angry", None, "sad"]


@pytest.mark.parametrize(
    ("make", "complaint"),
    [
        (lambda p: None, "there is no such file"),
        (lambda p: p.touch(), r"is empty \(0 bytes\)"),
        (lambda p: p.mkdir(), "is a folder"),
        (lambda p: p.write_text("hello"), "not a readable sound file"),
        (lambda p: soundfile.write(p, SCENE[:800], 16_000), "0.050 s is shorter than 0.1 s"),
        (lambda p: soundfile.write(p, SCENE * np.nan, 16_000, "FLOAT"), "not numbers"),
    ],
    ids=["absent", "empty", "folder", "text", "too short", "nan"],
)
def test_a_bad_recording_is_one_clear_line(make, complaint):
    make(Path("bad.wav"))
    done = run("bad.wav", *PLAIN, "-q", "-o", "out.csv")
    assert done.exit_code == 1 and not Path("out.csv").exists()
    assert re.fullmatch(rf"error: bad\.wav: .*{complaint}.*\n", done.stderr)


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("--hop", "5"), "no more than the window"),
        (("--window", "60"), "give one of 0.5 to 30 s"),
        (("--smooth", "2"), "odd number"),
        (("--shortest", "-1"), "give 0 or more"),
        (("-o", "a.doc"), r"\.textgrid"),
        (("-o", "a.csv", "--format", "table"), "for the screen"),
        (("--plot", "a.pdf"), r"\.png or"),
    ],
)
def test_impossible_wishes_are_refused_before_any_work(words, complaint):
    done = run("scene.wav", "--speech", "level", *words)
    assert done.exit_code in (1, 2) and re.search(complaint, done.stderr) and not done.stdout


def test_nothing_in_the_pipe_is_an_error():
    done = run("-", "--speech", "level", "-q", stdin=b"")
    assert done.exit_code == 1 and done.stderr == "error: standard input: is empty: no sound arrived\n"
    assert done.stdout == ""


PROGRAM = """
import sottovoce.use.model
from tests.use.listening import LoudIsAngry
sottovoce.use.model.load = lambda *_, **__: LoudIsAngry()
from sottovoce.cli import main
main()
"""


def test_lines_come_as_they_are_decided_and_ctrl_c_keeps_what_was_heard():
    command = [sys.executable, "-c", PROGRAM, "timeline", "model", "-", *PLAIN, "-q", "--plot", "heard.svg"]
    root = Path(__file__).parents[2]
    environment = {"PYTHONPATH": str(root), "PATH": "/usr/bin:/bin"}
    with subprocess.Popen(command, stdin=-1, stdout=-1, stderr=-1, env=environment) as listening:
        assert listening.stdin is not None and listening.stdout is not None and listening.stderr is not None
        listening.stdin.write(PCM[: 2 * 16_000 * 3])
        listening.stdin.flush()
        lines = [listening.stdout.readline() for _ in range(3)]  # the pipe is open all the while
        assert lines[1:] == [b"0.000,1.000,angry,1.0000,1.0000,0.0000\n", b"1.000,2.000,angry,1.0000,1.0000,0.0000\n"]
        time.sleep(0.2)
        listening.send_signal(signal.SIGINT)
        rest, complaints = listening.communicate(timeout=60)
    assert listening.returncode == 0 and complaints == b"" and b"figure -> heard.svg" in rest
    assert Path("heard.svg").exists()
