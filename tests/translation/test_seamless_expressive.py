"""The driver of the worker in another environment, against one that fails in every way."""

from __future__ import annotations

import json
import pickle
import re
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from sottovoce.errors import TranslationError
from sottovoce.speech.manifest import Utterance
from sottovoce.store.atomic import write_json
from sottovoce.translation import environments, expressive_worker, seamless_expressive
from sottovoce.translation.outside import Outside
from sottovoce.translation.seamless_expressive import SeamlessExpressive

FAKE = Path(__file__).with_name("fake_worker.py")


def environment_in(folder: Path) -> Path:
    """The record of an environment as `setup` leaves it."""
    for name in expressive_worker.MODELS:
        (folder / name).write_bytes(b"weights")
    python = folder / "bin" / "python"
    python.parent.mkdir(exist_ok=True)
    python.write_text('#!/bin/sh\necho \'{"device": "cpu"}\'\n')
    python.chmod(0o755)
    versions = {"torch": "2.2.2", "fairseq2": "0.2.1"}
    write_json(folder / environments.RECORD, {"weights": str(folder), "weights_digest": "d1", "versions": versions})
    return folder


@pytest.fixture
def make(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], SeamlessExpressive]:
    """A translator whose worker has this fault. Limits are seconds, where the true ones are minutes."""
    state = tmp_path / "starts"
    state.mkdir()
    monkeypatch.setattr(seamless_expressive, "LEAST_LIMIT_S", 4.0)
    monkeypatch.setattr(seamless_expressive, "LIMIT_PER_S", 0.1)

    def made(fault: str) -> SeamlessExpressive:
        translator = SeamlessExpressive("it", str(environment_in(tmp_path)))
        translator._worker = Outside([sys.executable, str(FAKE), fault, str(state)], start_limit_s=5.0)
        return translator

    return made


@pytest.fixture
def starts(tmp_path: Path) -> Callable[[], int]:
    return lambda: len(list((tmp_path / "starts").iterdir()))


@pytest.fixture
def utterances(make_tone) -> list[Utterance]:
    """Three; the second is the longest."""
    lengths = {"a": 0.5, "b": 1.2, "c": 0.6}
    return [Utterance(n, str(make_tone(f"{n}.wav", duration_s=s)), "s", "sad") for n, s in lengths.items()]


@pytest.mark.parametrize("fault", ["none", "garbage", "out of order", "late"])
def test_what_does_no_harm(make, utterances, starts, fault: str):
    translator = make(fault)
    for _ in range(2):  # the model stays loaded
        made = translator.translate(utterances)
        assert [t.id for t in made] == ["a", "b", "c"] and all(t.error is None for t in made)
        assert [t.rate_hz for t in made] == [24_000] * 3
        assert [t.waveform.size for t in made] == [8_000, 19_200, 9_600]  # the fake hands on the samples as they are
        assert [t.text for t in made] == ["detto 16044", "detto 38444", "detto 19244"]  # bytes of what it was given
    assert starts() == 1


@pytest.mark.parametrize("fault", ["dies once", "hangs once"])
def test_a_death_costs_nothing_but_a_start(make, utterances, starts, fault: str):
    assert all(t.error is None for t in make(fault).translate(utterances))
    assert starts() == 2


def test_one_that_kills_the_worker_is_refused_alone(make, utterances):
    made = make("dies of one").translate(utterances)
    assert [t.error is None for t in made] == [True, False, True]
    assert "it died" in made[1].error and "that was too long" in made[1].error


@pytest.mark.parametrize(("fault", "reason"), [("no room", "CUDA out of memory"), ("killed for one", "was killed")])
def test_want_of_memory_ends_the_map_and_is_no_refusal(make, utterances, fault, reason):
    """What is refused is never tried again; with more memory this would be none."""
    with pytest.raises(TranslationError, match=rf"no room in memory for utterance b, even alone .*{reason}.*start_s"):
        make(fault).translate(utterances)


@pytest.mark.parametrize(
    ("problem", "no_room"),
    [
        (RuntimeError("CUDA out of memory. Tried to allocate 2 GiB"), True),
        (RuntimeError("[enforce fail at alloc_cpu.cpp:83] DefaultCPUAllocator: can't allocate memory"), True),
        (MemoryError(), True),
        (ValueError("no such token"), False),
    ],
)
def test_the_worker_says_what_is_want_of_memory(problem, no_room):
    class Model:
        def translate(self, *others):
            raise problem

    each = {"id": "0", "audio": "a.wav", "out": "b.wav"}
    reply = expressive_worker.answer(
        Model(), {"id": 1, "target": "ita", "beams": 5, "duration_factor": 1.0, "utterances": [each]}
    )
    assert [u["no_room"] for u in reply["utterances"]] == [no_room]


@pytest.mark.parametrize(
    ("fault", "who", "reason"),
    [
        ("bad utterance", [2], "ValueError: no such thing"),
        ("no sound", [0, 1, 2], "no such file"),
        ("short sound", [0, 1, 2], "shorter than"),
        ("not numbers", [0, 1, 2], "not numbers"),
        ("forgets", [1], "it did not answer for it"),
    ],
)
def test_an_utterance_without_a_translation_says_why(make, utterances, starts, fault, who, reason):
    """The worker gets the shortest first: a, c, b."""
    made = make(fault).translate(utterances)
    failed = [position for position, t in enumerate(made) if t.error is not None]
    assert failed == who and starts() == 1
    assert all(re.search(reason, made[position].error) for position in failed)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("no start", "libsndfile is missing"),
        ("other protocol", "it speaks protocol 2, not 1"),
        ("dies always", "no GPU"),
        ("half a line", "it died"),
        ("only garbage", "no messages"),
        ("no list", "it answered with no utterances"),
    ],
)
def test_a_worker_that_never_works_ends_the_map_with_advice(make, utterances, fault: str, reason: str):
    with pytest.raises(
        TranslationError, match=rf"(?s)5 times in a row; what was translated is kept.*given [abc]: .*{reason}.*setup"
    ):
        make(fault).translate([*utterances, *utterances])


def test_nothing_is_left_behind(make, utterances):
    translator = make("none")
    translator.translate(utterances)
    process = translator._worker._process
    assert process is not None and process.poll() is None
    del translator
    process.wait(timeout=10)


def test_unreadable_recordings_never_reach_the_worker(make, utterances, tmp_path: Path):
    (tmp_path / "text.wav").write_text("no sound")
    bad = Utterance("bad", str(tmp_path / "text.wav"), "s", "sad")
    made = make("none").translate([bad, *utterances])
    assert made[0].error is not None and "text.wav" in made[0].error
    assert all(t.error is None for t in made[1:])


def test_settings_hold_what_the_sound_depends_on(tmp_path: Path):
    folder = str(environment_in(tmp_path))
    seen = [
        SeamlessExpressive("it", folder).settings,
        SeamlessExpressive("de", folder).settings,
        SeamlessExpressive("it", folder, beams=1).settings,
        SeamlessExpressive("it", folder, duration_factor=1.3).settings,
    ]
    assert seen[1]["duration_factor"] == 1.1 and SeamlessExpressive("fr", folder).settings["duration_factor"] == 1.2
    assert len({json.dumps(s, sort_keys=True) for s in seen}) == 4
    assert seen[0]["device"] == "cpu"
    (tmp_path / "bin" / "python").write_text('#!/bin/sh\necho \'{"device": "cuda"}\'\n')
    assert SeamlessExpressive("it", folder).settings["device"] == "cuda"
    (tmp_path / "bin" / "python").write_text('#!/bin/sh\necho \'{"device": "cpu"}\'\n')
    sent = pickle.loads(pickle.dumps(SeamlessExpressive("it", folder)))  # noqa: S301  (our own bytes)
    assert sent.settings == seen[0]


def test_languages_and_a_missing_environment(tmp_path: Path):
    with pytest.raises(TranslationError, match=r"does not speak 'tr'.*cascade"):
        SeamlessExpressive("tr")
    with pytest.raises(TranslationError, match="sottovoce setup seamless-expressive"):
        SeamlessExpressive("it", str(tmp_path / "nowhere"))
    folder = environment_in(tmp_path)
    (folder / expressive_worker.MODELS[0]).unlink()
    with pytest.raises(TranslationError, match=r"no longer holds m2m_expressive_unity\.pt"):
        SeamlessExpressive("it", str(folder))
