"""The executor `ray`: the results of one process, whoever is killed on the way."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from sottovoce.errors import StoreError
from sottovoce.speech.manifest import Utterance
from sottovoce.store.artefacts import Kept, Shelf, Store, Task, key_of
from sottovoce.store.shards import Execution, map_shards
from tests.store.workers import ShoutMaker

pytest.importorskip("ray")

N = 960
RAY = Execution("ray", workers=2, shard_size=64)


def tasks(n: int = N) -> list[Task]:
    return [Task(key_of(f"u{i}"), Utterance(f"u{i}", "nowhere.wav", "s", "sad")) for i in range(n)]


def shelf_in(place: Path) -> Shelf:
    return Store(place / "store").shelf("shout", {})


def made(done: dict[str, Kept]) -> dict[str, tuple[str, str]]:
    """By id: the shard, and the text of its file or the reason of its refusal."""
    return {k.row["id"]: (k.folder.name, k.error or (k.folder / k.row["file"]).read_text()) for k in done.values()}


def worked_on(log: Path) -> Counter[str]:
    return Counter(log.read_text().split()) if log.exists() else Counter()


@pytest.fixture(scope="module")
def serial(tmp_path_factory) -> dict[str, tuple[str, str]]:
    place = tmp_path_factory.mktemp("serial")
    return made(map_shards(shelf_in(place), tasks(), ShoutMaker(place / "log"), Execution(shard_size=64)))


def finished(shelf: Shelf) -> dict[str, int]:
    """Finished shards with the time at which each was sealed."""
    return {p.parent.name: p.stat().st_mtime_ns for p in shelf.folder.glob("*/seal.json") if p.parent.name[0] != "."}


def raylets() -> set[int]:
    found = subprocess.run(["pgrep", "-f", "raylet/raylet"], capture_output=True, text=True, check=False)
    return {int(pid) for pid in found.stdout.split()}


def wait_until(condition, limit_s: float = 150.0) -> None:
    end_s = time.monotonic() + limit_s
    while not condition():
        assert time.monotonic() < end_s, "this never came to be"
        time.sleep(0.05)


DRIVER = """
import sys
from pathlib import Path
from sottovoce.store.shards import map_shards
from tests.store.test_ray_pool import RAY, shelf_in, tasks
from tests.store.workers import ShoutMaker

if __name__ == "__main__":
    place = Path(sys.argv[1])
    map_shards(shelf_in(place), tasks(), ShoutMaker(place / "log", pause_s=0.02), RAY)
"""


@pytest.mark.slow
def test_kill_9_of_the_driver_midway_then_again(tmp_path: Path, serial):
    """What was finished stays as it was, nothing of it is done twice, and the whole is what one process makes."""
    before = raylets()
    shelf, log = shelf_in(tmp_path), tmp_path / "log"
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[2])}
    driver = subprocess.Popen([sys.executable, "-c", DRIVER, str(tmp_path)], env=environment)
    wait_until(lambda: len(finished(shelf)) >= 5 or driver.poll() is not None)
    assert driver.poll() is None, "the driver ended by itself"
    driver.send_signal(signal.SIGKILL)
    driver.wait()
    wait_until(lambda: raylets() <= before, 60)  # the local cluster ends with its driver

    kept, was_done = finished(shelf), worked_on(log)
    assert 5 <= len(kept) < N / 64
    progress: list[int] = []
    done = map_shards(Shelf(shelf.folder), tasks(), ShoutMaker(log), RAY, progress.append)
    assert made(done) == serial and sum(progress) == N
    assert kept.items() <= finished(shelf).items()
    finished_ids = {i for i, (shard, _) in serial.items() if shard in kept}
    assert {worked_on(log)[i] for i in finished_ids} == {1} == {was_done[i] for i in finished_ids}
    wait_until(lambda: raylets() <= before, 60)  # it is told to end, and takes a moment


@pytest.fixture
def two_nodes() -> Iterator:
    from ray.cluster_utils import Cluster

    memory = 80 << 20
    cluster = Cluster(initialize_head=True, head_node_args={"num_cpus": 1, "object_store_memory": memory})
    second = cluster.add_node(num_cpus=1, object_store_memory=memory)
    try:
        yield cluster, second
    finally:
        cluster.shutdown()


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::ResourceWarning")  # of the cluster's own pipes
def test_a_node_that_is_killed_midway(tmp_path: Path, serial, two_nodes):
    """Two raylets share the work; one is killed; the other does its shards, and the result is the same."""
    cluster, second = two_nodes
    shelf, log = shelf_in(tmp_path), tmp_path / "log"
    killed = threading.Event()

    def kill() -> None:
        wait_until(lambda: len(finished(shelf)) >= 4)
        cluster.remove_node(second, allow_graceful=False)
        killed.set()

    killer = threading.Thread(target=kill)
    killer.start()
    execution = Execution("ray", workers=2, shard_size=64, ray_address=cluster.address)
    done = map_shards(shelf, tasks(), ShoutMaker(log, pause_s=0.02), execution)
    killer.join()
    assert killed.is_set() and made(done) == serial
    assert sum(n - 1 for n in worked_on(log).values()) <= 64 * 2  # what the dead node was at


def test_a_cluster_that_is_not_there(tmp_path: Path):
    execution = Execution("ray", ray_address="127.0.0.1:1")
    with pytest.raises(StoreError, match=r"no Ray cluster at 127\.0\.0\.1:1"):
        map_shards(shelf_in(tmp_path), tasks(3), ShoutMaker(tmp_path / "log"), execution)


@pytest.mark.slow
def test_refusals_full_disks_and_bugs_arrive(tmp_path: Path):
    """One local cluster for all three: its start is what takes the time."""
    few = Execution("ray", workers=1, shard_size=5)
    refused = map_shards(shelf_in(tmp_path / "a"), tasks(12), ShoutMaker(tmp_path / "log", refuse="u7"), few)
    assert {k.row["id"]: k.error for k in refused.values() if k.error} == {"u7": "too quiet"}
    with pytest.raises(StoreError, match="no space left"):
        map_shards(shelf_in(tmp_path / "b"), tasks(12), ShoutMaker(tmp_path / "log", no_space="u7"), few)
