"""The one contract for long maps over utterances (translate, extract): resumable, refusals listed, any executor.

Work is cut into shards; a shard is done when it is on its shelf. What is done is never done again, so an
interrupted map repeats at most the shards that were in the making.
"""

from __future__ import annotations

import math
import multiprocessing
import os
import signal
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import FIRST_COMPLETED, BrokenExecutor, ProcessPoolExecutor, wait
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from sottovoce.errors import StoreError
from sottovoce.store.artefacts import Kept, Shelf, Task
from sottovoce.store.memory import keep_freed_memory

SHARD_SIZE = 128


class Worker(Protocol):
    """Does the work of one shard. Made once in each process, so that a model is loaded once."""

    def __call__(self, tasks: Sequence[Task], folder: Path) -> list[dict[str, Any]]:
        """Write results into `folder`; return one row a task, in order, with `error` for a refusal."""
        ...


@dataclass(frozen=True)
class WorkerMaker:
    """Makes a worker around what `make` makes, such as a model, in whichever process needs one."""

    worker: Callable[[Any], Worker]
    make: Callable[[], Any]

    def __call__(self) -> Worker:
        return self.worker(self.make())


@dataclass(frozen=True)
class Execution:
    """How a map is run.

    `workers` counts processes (0: one a core, or a GPU's share); `part` is (K, N): the Kth of N equal slices;
    `gpus_per_worker` is the share of a GPU that each worker gets, None for none; `gpus` are this machine's, as
    CUDA_VISIBLE_DEVICES names them; `ray_address` is a running cluster.
    """

    executor: str = "serial"
    workers: int = 0
    shard_size: int = SHARD_SIZE
    part: tuple[int, int] | None = None
    gpus_per_worker: float | None = None
    gpus: tuple[str, ...] = ()
    ray_address: str | None = None


def map_shards(
    shelf: Shelf,
    tasks: Sequence[Task],
    make_worker: Callable[[], Worker],
    execution: Execution | None = None,
    on_done: Callable[[int], None] = lambda n: None,
) -> dict[str, Kept]:
    """Do every task that is not on the shelf yet; return all of them by key.

    Args:
        shelf: where results are kept.
        tasks: all tasks; those with equal keys are done once.
        make_worker: makes the worker; must be picklable for the `process` executor.
        execution: how to run; serial where not given.
        on_done: called with the number of tasks that came to be done, those found on the shelf first.

    Raises:
        StoreError: unknown executor, no space left, or worker processes that die.
    """
    execution = execution or Execution()
    unique = list({task.key: task for task in tasks}.values())
    if execution.part is not None:
        k, n = execution.part
        unique = unique[len(unique) * (k - 1) // n : len(unique) * k // n]
    done = shelf.finished(task.key for task in unique)
    on_done(len(done) + len(tasks) - len({task.key for task in tasks}))
    pending = [task for task in unique if task.key not in done]
    if pending:
        shelf.sweep()
        size = execution.shard_size
        shards = [pending[i : i + size] for i in range(0, len(pending), size)]
        match execution.executor:
            case "serial":
                keep_freed_memory()
                worker = make_worker()
                for shard in shards:
                    shelf.add(shard, worker)
                    on_done(len(shard))
            case "process":
                _in_processes(shelf, shards, make_worker, execution, on_done)
            case "ray":
                from sottovoce.store.ray_pool import in_actors  # an extra

                gpus, address = execution.gpus_per_worker, execution.ray_address
                in_actors(shelf, shards, make_worker, execution.workers, gpus, address, on_done)
            case other:
                raise StoreError(f"unknown executor '{other}'; choose serial, process or ray")
        done = shelf.finished(task.key for task in unique)
    return done


_worker: Worker | None = None


def _start(make_worker: Callable[[], Worker], number: Any, shares: Sequence[str]) -> None:
    global _worker  # one model a process, made when the process starts
    if shares:
        with number.get_lock():
            os.environ["CUDA_VISIBLE_DEVICES"] = shares[int(number.value)]
            number.value += 1
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the parent's to handle: it ends its workers
    threading.Thread(target=_end_with_parent, daemon=True).start()
    keep_freed_memory()
    _worker = make_worker()


def _end_with_parent() -> None:
    # After kill -9 of the parent nobody would ever tell its workers to stop.
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)


def _add(shelf: Shelf, shard: Sequence[Task]) -> int:
    assert _worker is not None
    shelf.add(shard, _worker)
    return len(shard)


def _in_processes(
    shelf: Shelf,
    shards: list[list[Task]],
    make_worker: Callable[[], Worker],
    execution: Execution,
    on_done: Callable[[int], None],
) -> None:
    # spawn, not fork: a forked copy of a process that has used torch or OpenMP may hang
    context = multiprocessing.get_context("spawn")
    shares = _shares(execution.gpus, execution.gpus_per_worker)
    room = len(shares) or os.cpu_count() or 1
    count = min(execution.workers or room, len(shards), *([room] if shares else []))
    others, ours = multiprocessing.active_children(), []
    pool = ProcessPoolExecutor(
        count, context, initializer=_start, initargs=(make_worker, context.Value("i", 0), shares)
    )
    try:
        with _cores_shared_by(count):
            waiting = {pool.submit(_add, shelf, shard) for shard in shards}
        ours = [child for child in multiprocessing.active_children() if child not in others]
        while waiting:
            finished, waiting = wait(waiting, return_when=FIRST_COMPLETED)
            for future in finished:
                on_done(future.result())
        pool.shutdown()
    except BrokenExecutor as problem:
        raise StoreError(
            f"a worker process died ({problem}). Run the same command: it continues; "
            "if it happens again, use fewer workers or --executor serial."
        ) from problem
    finally:  # where something went wrong, or the user pressed Ctrl-C: end what still runs and leave no partial shard
        pool.shutdown(wait=False, cancel_futures=True)
        for process in ours:
            process.terminate()
            process.join()
            shelf.sweep(process.pid)


def _shares(gpus: Sequence[str], gpus_per_worker: float | None) -> list[str]:
    """What each worker sees of the GPUs, an entry a worker that has room: 0.5 gives `0 0 1 1`, 2 gives `0,1 2,3`."""
    if not gpus_per_worker:
        return []
    if gpus_per_worker <= 1:
        return [gpu for gpu in gpus for _ in range(int(1 / gpus_per_worker))]
    each = math.ceil(gpus_per_worker)
    return [",".join(gpus[i : i + each]) for i in range(0, len(gpus) - each + 1, each)]


@contextmanager
def _cores_shared_by(processes: int) -> Iterator[None]:
    """Processes started within have as many threads for arithmetic as there are cores for each of them."""
    name = "OMP_NUM_THREADS"
    before = os.environ.get(name)
    os.environ[name] = before or str(max(1, (os.cpu_count() or 1) // processes))
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
