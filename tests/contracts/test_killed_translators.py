"""kill -9 during every translator under every executor: the rerun continues, and ends with what one process makes."""

from __future__ import annotations

import os
import pickle
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from sottovoce.speech import audio
from sottovoce.speech.manifest import Manifest, Utterance
from tests.conftest import tone
from tests.contracts.slow_translator import SHARD, run
from tests.contracts.test_translators import TRANSLATORS

N = 15
NAMES = ("offline", "identity", "seamless-m4t-v2", "cascade", "seamless-expressive")
WAYS = [(name, executor) for name in NAMES for executor in ("serial", "process")]
WAYS += [("offline", "ray"), ("seamless-m4t-v2", "ray")]  # each costs the start of two clusters


@pytest.fixture(scope="module")
def setting(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str], tuple[Path, Mapping[Path, bytes]]]:
    """A folder with a translator and a manifest, and the files that one process makes of them."""
    source = tmp_path_factory.mktemp("source")
    for i in range(N):
        audio.write(source / f"{i}.flac", tone(0.5 + 0.05 * i, 110 + 10 * i, seed=i))
    spoken = Utterance("", "", "s", "sad", language="en", text="My cat sleeps.", translation="Il mio gatto dorme.")
    manifest = Manifest(tuple(replace(spoken, id=str(i), path=str(source / f"{i}.flac")) for i in range(N)))

    def made(name: str) -> tuple[Path, Mapping[Path, bytes]]:
        place, case = tmp_path_factory.mktemp(name), TRANSLATORS[name]
        (place / "weights").mkdir()
        arguments = {}
        for n, argument in case.arguments.items():
            (place / "weights" / n).mkdir()
            arguments[n] = str(argument(place / "weights" / n)) if callable(argument) else argument
        (place / "translator").write_bytes(pickle.dumps(case.make(**arguments)))
        manifest.write(place / "source.jsonl")
        run(place, "serial")
        (place / "store").rename(place / "expected")
        return place, contents(place / "expected")

    return cache(made)


def shards(store: Path) -> list[Path]:
    return [p for p in store.glob("translations/*/*") if p.is_dir() and not p.name.startswith(".")]


def contents(store: Path) -> dict[Path, bytes]:
    return {path.relative_to(store): path.read_bytes() for shard in shards(store) for path in shard.iterdir()}


def made_at(store: Path) -> dict[Path, int]:
    return {path: path.stat().st_mtime_ns for shard in shards(store) for path in shard.iterdir()}


@pytest.mark.slow
@pytest.mark.parametrize(("name", "executor"), WAYS)
def test_kill_9_midway_then_again(setting, tmp_path: Path, name: str, executor: str) -> None:
    if executor == "ray":
        pytest.importorskip("ray")
    place, expected = setting(name)
    for known in ("translator", "source.jsonl"):
        (tmp_path / known).symlink_to(place / known)
    store, draw = tmp_path / "store", random.Random(f"{name} {executor}")
    command = [sys.executable, "-m", "tests.contracts.slow_translator", str(tmp_path), executor, "0.6"]
    driver = subprocess.Popen(command, cwd=Path(__file__).parents[2], env=os.environ)
    end_s = time.monotonic() + 120
    while not shards(store) and driver.poll() is None:
        assert time.monotonic() < end_s, "not one shard was finished"
        time.sleep(0.01)
    time.sleep(draw.uniform(0, 0.5))
    assert driver.poll() is None, "it ended before it could be killed"
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    time.sleep(1)  # its processes end by themselves; one may just be finishing a shard

    before = made_at(store)
    assert 0 < len(shards(store)) < N / SHARD
    manifest = run(tmp_path, executor)
    assert contents(store) == expected
    assert before.items() <= made_at(store).items()
    assert [u.translated_from for u in manifest] == [str(i) for i in range(N)]
