from __future__ import annotations

import errno
import json
import logging
import multiprocessing
import os
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sottovoce.errors import StoreError
from sottovoce.speech import audio
from sottovoce.speech.manifest import Utterance
from sottovoce.store import artefacts
from sottovoce.store.artefacts import INDEX, Shelf, Store, Task, key_of
from sottovoce.store.atomic import write_atomically, write_json
from sottovoce.store.sealed import SEAL
from tests.conftest import tone
from tests.store.workers import ShoutMaker


def utterance(name: str, path: str | Path = "nowhere.wav") -> Utterance:
    return Utterance(id=name, path=str(path), speaker="s", emotion="sad")


def tasks(*names: str) -> list[Task]:
    return [Task(key_of(name), utterance(name)) for name in names]


@pytest.fixture
def shout(tmp_path: Path):
    return ShoutMaker(tmp_path / "log").shout


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Store(tmp_path / "store").shelf("shout", {"loud": True})


# Keys and files


def test_keys_do_not_depend_on_the_order_of_settings_and_never_change():
    assert key_of("features", {"a": 1, "b": None}) == key_of("features", {"b": None, "a": 1})
    assert key_of("features", {"layer": "last"}, "ä") == "6ddae350a52e5663c515b3fc"


def test_keys_tell_apart_what_is_apart():
    different = [("a", "b"), ("ab",), ("a", "b", None), ("b", "a"), (1,), ("1",), ({"a": 1},), ({"a": "1"},)]
    assert len({key_of(*parts) for parts in different}) == len(different)


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(tmp_path: Path):
    path = tmp_path / "results.json"
    write_json(path, {"round": 1})

    def half(partial: Path) -> None:
        partial.write_text('{"rou')
        raise OSError(errno.ENOSPC, "No space left on device")

    with pytest.raises(StoreError, match="no space left"):
        write_atomically(path, half)
    assert json.loads(path.read_text()) == {"round": 1}
    assert os.listdir(tmp_path) == ["results.json"]


def test_a_place_that_may_not_be_written_is_named_with_the_way_out(tmp_path: Path):
    def refused(partial: Path) -> None:
        raise PermissionError(errno.EACCES, "Permission denied")

    with pytest.raises(StoreError, match="--store"):
        write_atomically(tmp_path / "x.json", refused)


def test_other_failures_of_a_write_are_not_disguised(tmp_path: Path):
    def broken(partial: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(OSError, match="Input/output error"):
        write_atomically(tmp_path / "x.json", broken)


# Shards


def test_what_was_added_is_found_by_key_with_its_files_and_columns(shelf: Shelf, shout):
    shelf.add(tasks("one", "three"), shout)
    kept = shelf.finished()
    assert {k.row["id"]: (k.folder / k.row["file"]).read_text() for k in kept.values()} == {
        "one": "ONE",
        "three": "THREE",
    }
    assert kept[key_of("three")].row["length"] == 5 and kept[key_of("three")].error is None


def test_a_refusal_is_kept_with_its_reason_and_has_no_result(shelf: Shelf, tmp_path: Path):
    shelf.add(tasks("one", "two"), ShoutMaker(tmp_path / "log", refuse="one").shout)
    kept = shelf.finished()
    assert kept[key_of("one")].error == "too quiet" and kept[key_of("one")].row["file"] is None
    assert kept[key_of("two")].error is None


def test_only_what_is_wanted_is_returned(shelf: Shelf, shout):
    shelf.add(tasks("one", "two"), shout)
    assert set(shelf.finished([key_of("two"), key_of("nobody")])) == {key_of("two")}


def test_other_settings_have_another_shelf(tmp_path: Path, shelf: Shelf, shout):
    shelf.add(tasks("one"), shout)
    store = Store(tmp_path / "store")
    assert store.shelf("shout", {"loud": True}).finished()
    assert not store.shelf("shout", {"loud": False}).finished()
    assert not store.shelf("whisper", {"loud": True}).finished()


def _truncate(shard: Path) -> None:
    (shard / "two.txt").write_bytes(b"T")


def _flip(shard: Path) -> None:
    (shard / "two.txt").write_bytes(b"TWA")


def _remove(shard: Path) -> None:
    (shard / "two.txt").unlink()


def _flip_index(shard: Path) -> None:
    content = bytearray((shard / INDEX).read_bytes())
    content[len(content) // 2] ^= 1
    (shard / INDEX).write_bytes(content)


def _unseal(shard: Path) -> None:
    (shard / SEAL).unlink()


def _break_seal(shard: Path) -> None:
    (shard / SEAL).write_text('{"index.parquet": [1')


def _empty_seal(shard: Path) -> None:
    (shard / SEAL).write_text("{}")


@pytest.mark.parametrize("damage", [_truncate, _flip, _remove, _flip_index, _unseal, _break_seal, _empty_seal])
def test_a_damaged_shard_is_set_aside_with_a_warning_and_can_be_made_again(
    damage, shelf: Shelf, shout, caplog: pytest.LogCaptureFixture
):
    damaged, whole = shelf.add(tasks("one", "two"), shout), shelf.add(tasks("three"), shout)
    damage(damaged)
    later = Shelf(shelf.folder)  # as a new run sees it
    with caplog.at_level(logging.WARNING):
        assert set(later.finished()) == {key_of("three")}
    assert str(damaged) in caplog.text and "computed again" in caplog.text
    assert not damaged.exists() and whole.exists()

    later.add(tasks("one", "two"), shout)
    assert (later.finished()[key_of("two")].folder / "two.txt").read_text() == "TWO"


def test_an_interrupted_shard_leaves_no_trace(shelf: Shelf):
    def interrupted(of, folder: Path):
        (folder / "half.txt").write_text("ha")
        raise KeyboardInterrupt

    before = os.listdir(shelf.folder)
    with pytest.raises(KeyboardInterrupt):
        shelf.add(tasks("one"), interrupted)
    assert os.listdir(shelf.folder) == before and shelf.finished() == {}


def test_a_worker_that_loses_a_row_is_a_bug_and_keeps_nothing(shelf: Shelf):
    with pytest.raises(AssertionError, match="0 rows for 1 tasks"):
        shelf.add(tasks("one"), lambda of, folder: [])
    assert shelf.finished() == {}


def test_two_workers_that_make_the_same_shard_agree(shelf: Shelf, shout):
    def overtaken(of, folder: Path):
        shelf.add(of, shout)
        return shout(of, folder)

    shelf.add(tasks("one"), overtaken)
    assert [k.row["id"] for k in shelf.finished().values()] == ["one"]
    assert not list(shelf.folder.glob(".*"))


def test_sweeping_removes_what_is_half_written_and_nothing_else(shelf: Shelf, shout):
    shelf.add(tasks("one"), shout)
    mine, other = shelf.folder / ".abc.1234.77", shelf.folder / ".abc.5678.177"
    for partial in (mine, other):
        partial.mkdir()
        (partial / "half.txt").write_text("ha")
    shelf.sweep(process=77)
    assert not mine.exists() and other.exists()
    shelf.sweep()
    assert other.exists()  # it may be in the making at this moment
    two_days_ago = time.time() - 2 * artefacts.STALE_S
    os.utime(other, (two_days_ago, two_days_ago))
    shelf.sweep()
    assert not other.exists()
    assert shelf.finished() and (shelf.folder / "settings.json").exists()


# Sounds


@pytest.fixture
def sounds(tmp_path: Path) -> list[Utterance]:
    found = []
    for i, name in enumerate(("a", "b", "c")):
        audio.write(tmp_path / f"{name}.wav", tone(0.3, pitch_hz=100 + 50 * i))
        found.append(utterance(name, tmp_path / f"{name}.wav"))
    return found


def test_a_sound_keeps_its_key_when_it_moves_and_is_renamed(tmp_path: Path, sounds: list[Utterance]):
    store = Store(tmp_path / "store")
    before = [task.key for task in store.tasks(sounds)]
    moved = []
    for u in sounds:
        path = tmp_path / "else where" / f"é{Path(u.path).name}"
        path.parent.mkdir(exist_ok=True)
        shutil.move(u.path, path)
        moved.append(replace(u, path=str(path), id=f"new {u.id}"))
    assert [task.key for task in store.tasks(moved)] == before and len(set(before)) == 3


def test_a_sound_that_changed_has_another_key_though_name_and_size_are_the_same(
    tmp_path: Path, sounds: list[Utterance]
):
    store = Store(tmp_path / "store")
    before = store.tasks(sounds)
    path = Path(sounds[0].path)
    size, changed_ns = path.stat().st_size, path.stat().st_mtime_ns
    audio.write(path, tone(0.3, pitch_hz=300))
    os.utime(path, ns=(changed_ns + 1, changed_ns + 1))
    after = store.tasks(sounds)
    assert path.stat().st_size == size
    assert [a.key == b.key for a, b in zip(before, after, strict=True)] == [False, True, True]


def test_a_part_and_a_named_field_belong_to_the_key(tmp_path: Path, sounds: list[Utterance]):
    store, whole = Store(tmp_path / "store"), sounds[0]
    variants = [whole, replace(whole, id="p", end_s=0.2), replace(whole, id="q", start_s=0.1)]
    assert len({task.key for task in store.tasks(variants)}) == 3
    spoken = [replace(whole, translation="ciao"), replace(whole, translation="addio")]
    assert len({task.key for task in store.tasks(spoken)}) == 1
    assert len({task.key for task in store.tasks(spoken, "translation")}) == 2


def test_digests_are_remembered_so_that_a_sound_is_read_once(
    tmp_path: Path, sounds: list[Utterance], monkeypatch: pytest.MonkeyPatch
):
    expected = Store(tmp_path / "store").sound_digests(sounds)
    monkeypatch.setattr(audio, "digest", lambda path: pytest.fail(f"{path} was read again"))
    assert Store(tmp_path / "store").sound_digests(sounds) == expected
    assert None not in expected.values() and len(set(expected.values())) == 3


def test_a_broken_memory_of_digests_is_made_again(tmp_path: Path, sounds: list[Utterance]):
    store = Store(tmp_path / "store")
    expected = store.sound_digests(sounds)
    (tmp_path / "store" / "digests.json").write_text('{"a.wav": [12')
    assert store.sound_digests(sounds) == expected


def test_sounds_that_cannot_be_read_have_no_digest_and_keys_of_their_own(tmp_path: Path, sounds: list[Utterance]):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "folder.wav").mkdir()
    bad = [utterance(n, tmp_path / f"{n}.wav") for n in ("empty", "folder", "absent")]
    store = Store(tmp_path / "store")
    assert store.sound_digests(bad) == {"empty": None, "folder": None, "absent": None}
    assert len({task.key for task in store.tasks([*bad, *sounds])}) == 6


def _digests(root: Path, sounds: list[Utterance], repeats: int) -> None:
    for _ in range(repeats):
        expected = Store(root / "alone").sound_digests(sounds)
        (root / "store" / "digests.json").unlink(missing_ok=True)
        assert Store(root / "store").sound_digests(sounds) == expected


def test_processes_may_take_digests_at_the_same_time(tmp_path: Path, sounds: list[Utterance]):
    context = multiprocessing.get_context("spawn")
    others = [context.Process(target=_digests, args=(tmp_path, sounds, 100)) for _ in range(2)]
    for process in others:
        process.start()
    for process in others:
        process.join()
    assert [process.exitcode for process in others] == [0, 0]
    assert set(json.loads((tmp_path / "store" / "digests.json").read_text())) == {u.path for u in sounds}
    assert not list((tmp_path / "store").glob(".*"))
