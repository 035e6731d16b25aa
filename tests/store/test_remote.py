"""A store at a URI: what one machine made another one finds. Machines are homes: each has a mirror of its own."""

from __future__ import annotations

import logging
import shutil
from pathlib import Path

import pytest

from sottovoce.errors import StoreError
from sottovoce.speech import audio, uri
from sottovoce.speech.manifest import Utterance
from sottovoce.store.artefacts import INDEX, Shelf, Store, Task, key_of
from sottovoce.store.sealed import SEAL
from sottovoce.store.shards import Execution, map_shards
from tests.conftest import tone
from tests.store.workers import ShoutMaker


class Machines:
    """Changes which machine this process is."""

    def __init__(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.tmp_path, self._monkeypatch = tmp_path, monkeypatch
        self.bucket = tmp_path / "bucket"
        self.bucket.mkdir()

    def on(self, name: str) -> Store:
        self._monkeypatch.setenv("SOTTOVOCE_HOME", str(self.tmp_path / name))
        return Store(f"local://{self.bucket}/store/")


@pytest.fixture
def machines(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Machines:
    monkeypatch.setattr(uri, "PAUSES_S", (0.0, 0.0))
    return Machines(tmp_path, monkeypatch)


@pytest.fixture
def maker(tmp_path: Path) -> ShoutMaker:
    return ShoutMaker(tmp_path / "log")


def tasks(*names: str) -> list[Task]:
    return [Task(key_of(name), Utterance(name, "nowhere.wav", "s", "sad")) for name in names]


def shelf_on(machines: Machines, name: str) -> Shelf:
    return machines.on(name).shelf("shout", {"loud": True})


@pytest.mark.parametrize("executor", ["serial", "process"])
def test_what_one_machine_made_another_does_not_make_again(machines: Machines, maker: ShoutMaker, executor: str):
    many, execution = tasks("one", "two", "three", "four"), Execution(executor, workers=2, shard_size=2)
    map_shards(shelf_on(machines, "here"), many, maker, execution)
    assert sorted(p.name for p in machines.bucket.glob("store/shout/*/*/*") if p.name == SEAL) == [SEAL] * 2
    done = map_shards(shelf_on(machines, "there"), many, lambda: pytest.fail("made again"), execution)
    assert {k.row["id"]: k.file(k.row["file"]).read_text() for k in done.values()} == {
        "one": "ONE", "two": "TWO", "three": "THREE", "four": "FOUR"
    }  # fmt: skip


def test_only_what_is_wanted_is_fetched_and_only_when_it_is(machines: Machines, maker: ShoutMaker):
    here = shelf_on(machines, "here")
    here.add(tasks("one"), maker.shout)
    here.add(tasks("two"), maker.shout)
    there = shelf_on(machines, "there")
    (kept,) = there.finished([key_of("two")]).values()
    assert sorted(p.name for p in there.folder.glob("*/*")) == [INDEX, SEAL]
    assert kept.file("two.txt").read_text() == "TWO"
    assert sorted(p.name for p in there.folder.glob("*/*")) == [INDEX, SEAL, "two.txt"]
    assert kept.place("two.txt").startswith(f"local://{machines.bucket}/store/shout/")


def test_slices_on_machines_that_share_nothing_but_the_uri_come_together(machines: Machines, maker: ShoutMaker):
    many = tasks(*(f"u{i}" for i in range(9)))
    for k in (1, 2, 3):
        map_shards(shelf_on(machines, f"m{k}"), many, maker, Execution(part=(k, 3), shard_size=2))
    whole = map_shards(shelf_on(machines, "last"), many, lambda: pytest.fail("made again"))
    assert len(whole) == 9 and all(k.error is None for k in whole.values())


def test_a_shard_whose_copying_was_cut_short_is_not_seen_and_is_shared_by_the_next_run(
    machines: Machines, maker: ShoutMaker, monkeypatch: pytest.MonkeyPatch
):
    shelf = shelf_on(machines, "here")
    send = uri.send

    def cut(file: Path, to: str) -> None:
        if file.name == SEAL:
            raise StoreError("the network is down")
        send(file, to)

    monkeypatch.setattr(uri, "send", cut)
    with pytest.raises(StoreError, match="network is down"):
        map_shards(shelf, tasks("one"), maker)
    monkeypatch.setattr(uri, "send", send)
    assert shelf_on(machines, "there").finished() == {}
    map_shards(shelf_on(machines, "here"), tasks("one"), lambda: pytest.fail("made again"))
    assert set(shelf_on(machines, "there").finished()) == {key_of("one")}


def test_what_is_damaged_at_the_uri_is_withdrawn_and_made_again(machines: Machines, maker: ShoutMaker):
    shelf_on(machines, "here").add(tasks("one"), maker.shout)
    (sound,) = machines.bucket.glob("store/shout/*/*/one.txt")
    sound.write_text("ONF")
    (kept,) = shelf_on(machines, "there").finished().values()
    with pytest.raises(StoreError, match=r"is damaged.*made again"):
        kept.file("one.txt")
    map_shards(shelf_on(machines, "there"), tasks("one"), maker)
    assert sound.read_text() == "ONE"
    (kept,) = shelf_on(machines, "third").finished().values()
    assert kept.file("one.txt").read_text() == "ONE"


def test_what_is_damaged_in_the_mirror_is_fetched_again(
    machines: Machines, maker: ShoutMaker, caplog: pytest.LogCaptureFixture
):
    shelf = shelf_on(machines, "here")
    (shelf.add(tasks("one"), maker.shout) / "one.txt").write_text("ONF")
    with caplog.at_level(logging.WARNING):
        (kept,) = shelf_on(machines, "here").finished().values()
    assert "is damaged" in caplog.text and kept.file("one.txt").read_text() == "ONE"


def test_a_store_that_was_emptied_is_filled_from_whole_mirrors_and_not_from_parts(
    machines: Machines, maker: ShoutMaker
):
    shelf_on(machines, "here").add(tasks("one"), maker.shout)
    assert len(shelf_on(machines, "part").finished()) == 1  # an index and a seal
    shutil.rmtree(machines.bucket / "store")
    assert shelf_on(machines, "part").finished() == {}
    assert len(shelf_on(machines, "here").finished()) == 1
    assert len(shelf_on(machines, "third").finished()) == 1


def test_one_thing_made_whole_is_found_by_another_machine(machines: Machines):
    made = machines.on("here").single("banks", "abc")
    assert made.find() is None
    made.keep(lambda folder: (folder / "bank.txt").write_text("trained"))
    found = machines.on("there").single("banks", "abc").find()
    assert found is not None and (found / "bank.txt").read_text() == "trained"
    assert found.is_relative_to(machines.tmp_path / "there")


def test_a_sound_of_the_store_has_the_key_of_its_bytes_on_every_machine(machines: Machines, tmp_path: Path):
    def speak(of, folder: Path):
        audio.write(folder / "a.flac", tone(0.5))
        return [{"file": "a.flac"}]

    store = machines.on("here")
    store.shelf("speech", {}).add(tasks("a"), speak)
    (kept,) = store.shelf("speech", {}).finished().values()
    spoken = Utterance("a", kept.place("a.flac"), "s", "sad")
    audio.write(tmp_path / "copy.flac", tone(0.5))
    local = Utterance("a", str(tmp_path / "copy.flac"), "s", "sad")
    expected = store.sound_digests([local])
    assert store.sound_digests([spoken]) == expected
    assert machines.on("there").sound_digests([spoken]) == expected
    assert len(audio.read(spoken.path)) == audio.RATE_HZ // 2


def test_a_recording_at_a_uri_is_known_by_its_stamp_and_one_that_is_gone_by_nothing(machines: Machines):
    store = machines.on("here")
    audio.write(machines.bucket / "a.wav", tone(0.5))
    there = [Utterance(n, f"local://{machines.bucket}/{n}.wav", "s", "sad") for n in ("a", "gone")]
    before = store.sound_digests(there)
    assert before["a"] and before["gone"] is None
    audio.write(machines.bucket / "a.wav", tone(0.6))
    assert store.sound_digests(there)["a"] != before["a"]


def test_the_settings_of_a_shelf_can_be_read_at_the_uri(machines: Machines):
    shelf_on(machines, "here")
    (written,) = machines.bucket.glob("store/shout/*/settings.json")
    assert '"loud": true' in written.read_text()
