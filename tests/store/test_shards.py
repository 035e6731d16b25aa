from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

import pytest

from sottovoce.errors import StoreError
from sottovoce.speech.manifest import Utterance
from sottovoce.store.artefacts import Kept, Shelf, Store, Task, key_of
from sottovoce.store.shards import Execution, map_shards
from tests.store.workers import ShoutMaker, seen_gpus

NAMES = [f"u{i:02d}" for i in range(22)]


def tasks(names=NAMES) -> list[Task]:
    return [Task(key_of(n), Utterance(id=n, path="nowhere.wav", speaker="s", emotion="sad")) for n in names]


@pytest.fixture
def shelf(tmp_path: Path) -> Shelf:
    return Store(tmp_path / "store").shelf("shout", {})


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log"


def results(done: dict[str, Kept]) -> dict[str, str]:
    """What a map made, by id: the text of its file, or the reason of its refusal."""
    return {k.row["id"]: k.error or (k.folder / k.row["file"]).read_text() for k in done.values()}


def worked_on(log: Path) -> Counter[str]:
    return Counter(log.read_text().split()) if log.exists() else Counter()


EXPECTED = {name: name.upper() for name in NAMES}


def test_every_task_is_done_once_and_never_again(shelf: Shelf, log: Path):
    progress: list[int] = []
    done = map_shards(shelf, tasks(), ShoutMaker(log), Execution(shard_size=5), progress.append)
    assert results(done) == EXPECTED
    assert progress == [0, 5, 5, 5, 5, 2]

    progress.clear()
    again = map_shards(Shelf(shelf.folder), tasks(), ShoutMaker(log), Execution(shard_size=7), progress.append)
    assert results(again) == EXPECTED and progress == [22]
    assert set(worked_on(log).values()) == {1}


def test_tasks_with_equal_keys_are_done_once(shelf: Shelf, log: Path):
    done = map_shards(shelf, [*tasks(), *tasks()], ShoutMaker(log))
    assert results(done) == EXPECTED and set(worked_on(log).values()) == {1}


def test_a_corpus_that_grew_costs_its_new_utterances_alone(shelf: Shelf, log: Path):
    map_shards(shelf, tasks(NAMES[:10]), ShoutMaker(log), Execution(shard_size=4))
    assert results(map_shards(shelf, tasks(), ShoutMaker(log), Execution(shard_size=4))) == EXPECTED
    assert set(worked_on(log).values()) == {1}


def test_a_refusal_is_listed_and_not_tried_again(shelf: Shelf, log: Path):
    for _ in range(2):
        done = map_shards(shelf, tasks(), ShoutMaker(log, refuse="u07"))
        assert results(done) == EXPECTED | {"u07": "too quiet"}
    assert worked_on(log)["u07"] == 1


def test_processes_give_what_one_process_gives(tmp_path: Path, log: Path):
    made = {}
    for executor in ("serial", "process"):
        shelf = Store(tmp_path / executor).shelf("shout", {})
        maker = ShoutMaker(log, refuse="u03")
        progress: list[int] = []
        done = map_shards(shelf, tasks(), maker, Execution(executor, workers=2, shard_size=4), progress.append)
        assert sum(progress) == len(NAMES)
        made[executor] = (results(done), {k.folder.name for k in done.values()})
    assert made["serial"] == made["process"]


def test_slices_together_do_every_task_once(shelf: Shelf, log: Path):
    parts = [map_shards(shelf, tasks(), ShoutMaker(log), Execution(part=(k, 3))) for k in (1, 2, 3)]
    assert {len(part) for part in parts} == {7, 8}
    assert results(parts[0] | parts[1] | parts[2]) == EXPECTED
    assert set(worked_on(log).values()) == {1}
    assert results(map_shards(shelf, tasks(), ShoutMaker(log))) == EXPECTED
    assert set(worked_on(log).values()) == {1}


def test_no_tasks_need_no_worker(shelf: Shelf):
    assert map_shards(shelf, [], lambda: pytest.fail("a worker was made")) == {}


def test_an_unknown_executor_is_named(shelf: Shelf, log: Path):
    with pytest.raises(StoreError, match="unknown executor 'slurm'"):
        map_shards(shelf, tasks(), ShoutMaker(log), Execution("slurm"))


# GPUs


@pytest.mark.parametrize(
    ("gpus", "share", "seen"),
    [
        (("0", "3"), 1.0, {"0", "3"}),
        (("0", "3"), 0.5, {"0", "3"}),
        (("4", "5", "6", "7", "8"), 2.0, {"4,5", "6,7"}),
        ((), 0.5, {""}),
        (("0", "3"), None, {""}),
    ],
)
def test_each_process_sees_its_share_of_the_gpus(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch, gpus: tuple[str, ...], share: float | None, seen: set[str]
):
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    execution = Execution("process", 0 if gpus and share else 2, shard_size=2, gpus=gpus, gpus_per_worker=share)
    done = map_shards(shelf, tasks(), seen_gpus, execution)
    by_process = {k.row["process"]: k.row["gpus"] for k in done.values()}
    assert set(by_process.values()) == seen
    if share and gpus:
        assert len(by_process) == int(len(gpus) / share)


# Faults


@pytest.mark.parametrize("executor", ["serial", "process"])
def test_a_full_disk_keeps_what_is_whole_and_the_next_run_continues(shelf: Shelf, log: Path, executor: str):
    execution = Execution(executor, workers=1, shard_size=5)
    with pytest.raises(StoreError, match="no space left"):
        map_shards(shelf, tasks(), ShoutMaker(log, no_space="u12"), execution)
    assert not list(shelf.folder.glob(".*"))
    kept = Shelf(shelf.folder).finished()
    found = {k.row["id"] for k in kept.values()}
    assert found >= set(NAMES[:10]) and not found & set(NAMES[10:15])

    assert results(map_shards(Shelf(shelf.folder), tasks(), ShoutMaker(log), execution)) == EXPECTED
    repeated = {name for name, times in worked_on(log).items() if times > 1}
    assert not repeated & found


def test_a_worker_process_that_dies_is_reported_and_the_next_run_continues(shelf: Shelf, log: Path):
    execution = Execution("process", workers=2, shard_size=3)
    with pytest.raises(StoreError, match=r"worker process died.*continues"):
        map_shards(shelf, tasks(), ShoutMaker(log, kill="u12", pause_s=0.02), execution)
    assert not list(shelf.folder.glob(".*"))
    assert results(map_shards(shelf, tasks(), ShoutMaker(log), execution)) == EXPECTED


@dataclass(frozen=True)
class WrongMaker:
    """Makes a worker with a bug."""

    def __call__(self):
        return self.wrong

    def wrong(self, tasks, folder):
        raise RuntimeError("size mismatch")


def test_a_bug_in_a_worker_keeps_its_own_name(shelf: Shelf):
    with pytest.raises(RuntimeError, match="size mismatch"):
        map_shards(shelf, tasks(), WrongMaker(), Execution("process", workers=2, shard_size=5))


SCRIPT = """
import sys
from pathlib import Path
from sottovoce.store.artefacts import Store
from sottovoce.store.shards import Execution, map_shards
from tests.store.test_shards import tasks
from tests.store.workers import ShoutMaker, seen_gpus

if __name__ == "__main__":
    root, executor = Path(sys.argv[1]), sys.argv[2]
    shelf = Store(root / "store").shelf("shout", {})
    maker = ShoutMaker(root / "log", pause_s=0.01)
    map_shards(shelf, tasks(), maker, Execution(executor, workers=2, shard_size=2))
"""


def started(root: Path, executor: str) -> subprocess.Popen[bytes]:
    """The map of all tasks in a Python of its own."""
    script = root / "script.py"
    script.write_text(SCRIPT)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    return subprocess.Popen([sys.executable, str(script), str(root), executor], env=environment)


def is_alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def children_of(pid: int) -> list[int]:
    return [int(c) for c in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def wait_until(condition, limit_s: float = 30.0) -> None:
    end = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end, "this never came to be"
        time.sleep(0.005)


@pytest.mark.parametrize(("executor", "workers"), [("serial", 1), ("process", 2)])
def test_kill_9_repeats_at_most_one_shard_a_worker(tmp_path: Path, executor: str, workers: int):
    choose = random.Random(5)
    for attempt in range(2):
        root = tmp_path / str(attempt)
        root.mkdir()
        process = started(root, executor)
        at_least = choose.randint(1, len(NAMES) - 4)
        wait_until(lambda log=root / "log", n=at_least: worked_on(log).total() >= n)
        descendants = children_of(process.pid) if sys.platform == "linux" else []
        os.kill(process.pid, signal.SIGKILL)
        process.wait()
        wait_until(lambda pids=descendants: not any(is_alive(pid) for pid in pids))  # no worker outlives its parent

        shelf = Store(root / "store").shelf("shout", {})
        done = map_shards(shelf, tasks(), ShoutMaker(root / "log"), Execution(shard_size=2))
        assert results(done) == EXPECTED
        assert sum(times - 1 for times in worked_on(root / "log").values()) <= 2 * workers
        assert len(list(shelf.folder.glob(".*"))) <= workers  # swept a day later


@pytest.mark.parametrize("executor", ["serial", "process"])
def test_ctrl_c_leaves_no_half_written_shard_and_no_process(tmp_path: Path, executor: str):
    process = started(tmp_path, executor)
    wait_until(lambda: worked_on(tmp_path / "log").total() >= 3)
    descendants = children_of(process.pid)
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=30) != 0
    wait_until(lambda: not any(is_alive(pid) for pid in descendants))
    shelf = Store(tmp_path / "store").shelf("shout", {})
    assert not list(shelf.folder.glob(".*"))
    assert results(map_shards(shelf, tasks(), ShoutMaker(tmp_path / "log"))) == EXPECTED
