"""Shards done by a pool of Ray actors, on this machine or a cluster, through Ray Data.

Ray is told nothing but what it must know: it reports no usage, shows no dashboard, and prints no log of its own.
"""

from __future__ import annotations

import logging
import os
import socket
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from sottovoce.errors import MissingExtra, StoreError
from sottovoce.store.artefacts import Shelf, Task
from sottovoce.store.memory import keep_freed_memory

_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",  # otherwise a notice on every machine without a GPU
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}

MEMORY_BYTES = 200 << 20
"""Of a local cluster's object store. Shards travel as lists of tasks: some kilobytes each."""


@dataclass(frozen=True)
class _Shard:
    """A list of tasks as one cell of a table."""

    tasks: tuple[Task, ...]


class ShardActor:
    """Holds one worker, so that its model is loaded once, and does the shards that Ray hands it."""

    def __init__(self, shelf: Shelf, make_worker: Callable[[], Any]) -> None:
        self._shelf, self._make_worker, self._worker = shelf, make_worker, None
        keep_freed_memory()

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        """Do the shard, unless it is there: what Ray repeats after a node's death must not be done twice."""
        shard = row["shard"].tasks
        try:
            if not self._shelf.holds(shard):
                self._worker = self._worker or self._make_worker()
                self._shelf.add(shard, self._worker)
        except StoreError as problem:
            return {"n": 0, "error": str(problem)}
        return {"n": len(shard), "error": ""}


def in_actors(
    shelf: Shelf,
    shards: Sequence[Sequence[Task]],
    make_worker: Callable[[], Any],
    workers: int,
    gpus_per_worker: float | None,
    address: str | None,
    on_done: Callable[[int], None],
) -> None:
    """Do every shard; those of a node that dies are done by another.

    Args:
        shelf: where results are kept: a folder that every node sees at the same path, or a URI.
        shards: the work.
        make_worker: picklable.
        workers: actors; 0: as many as the cluster has cores, or shares of GPUs.
        gpus_per_worker: of each actor; None where none is wanted.
        address: of a running cluster, as `ray.init` takes it; None: RAY_ADDRESS, or a local one that ends with this.
        on_done: called with the number of tasks of each shard as it comes to be done.

    Raises:
        MissingExtra: Ray is not installed.
        StoreError: no cluster at the address, no space left, or the cluster died.
    """
    with _cluster(address) as ray:
        resources = ray.cluster_resources()
        gpus = gpus_per_worker if gpus_per_worker and resources.get("GPU") else 0
        room = resources["GPU"] / gpus if gpus else resources["CPU"]
        count = max(1, min(workers or int(room), int(room), len(shards)))
        done = (
            ray.data.from_items([{"shard": _Shard(tuple(shard))} for shard in shards], override_num_blocks=len(shards))
            .map(
                ShardActor,
                fn_constructor_args=(shelf, make_worker),
                compute=ray.data.ActorPoolStrategy(size=count),
                num_cpus=1,
                num_gpus=gpus,
            )
            .iter_rows()
        )
        try:
            for row in done:
                if row["error"]:
                    raise StoreError(row["error"])
                on_done(row["n"])
        except ray.exceptions.RaySystemError as problem:
            raise StoreError(
                f"the Ray cluster died ({problem}). Run the same command again: it continues."
            ) from problem


@contextmanager
def _cluster(address: str | None) -> Iterator[Any]:
    """Ray, connected; a cluster that was started for this ends with it."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    try:
        import ray
        import ray.data
    except ImportError as problem:
        raise MissingExtra("--executor ray", "ray") from problem
    ours = not ray.is_initialized()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Ray warns of its own ways, which are not the user's to mend
        if ours:
            _connect(ray, address or os.environ.get("RAY_ADDRESS"))
        context = ray.data.DataContext.get_current()
        context.enable_progress_bars = context.print_on_execution_start = False
        logging.getLogger("ray.data").setLevel(logging.ERROR)
        try:
            yield ray
        finally:
            if ours:
                ray.shutdown()


def _connect(ray: Any, address: str | None) -> None:
    quiet = {"log_to_driver": False, "logging_level": logging.ERROR}
    try:
        if address:
            _require_listener(address)
            ray.init(address=address, **quiet)
        else:
            # not the cluster that somebody else may have started here: it has an end and a memory of its own
            ray.init(address="local", include_dashboard=False, object_store_memory=MEMORY_BYTES, **quiet)
    except (OSError, ValueError, RuntimeError) as problem:
        where, reason = f"at {address}" if address else "on this machine", str(problem).splitlines()[0]
        raise StoreError(f"no Ray cluster {where} ({reason}); is it running? ray status") from problem


def _require_listener(address: str) -> None:
    """Ray itself tries for minutes and then ends the process."""
    host, colon, port = address.removeprefix("ray://").rpartition(":")
    if colon and port.isdigit():
        socket.create_connection((host, int(port)), timeout=10).close()
