"""The command line in fresh processes that can be killed, without the seconds that its imports cost each time.

A server imports everything once and forks for each command. It has one thread and has run no torch operation, so a
fork is as good as a new process. `python -m tests.launcher` is the server.
"""

from __future__ import annotations

import atexit
import importlib
import json
import os
import resource
import signal
import subprocess
import sys
import time
import traceback
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

SMALL_SHARDS = 3
"""Utterances in a shard here: the tiny corpora would otherwise fit into one."""


@dataclass(frozen=True)
class Outcome:
    """How a command ended: its exit code (negative: the signal that killed it) and what it printed."""

    code: int
    out: str
    err: str


@dataclass(frozen=True)
class Command:
    """A command under way."""

    pid: int
    folder: Path

    def wait(self) -> Outcome:
        """Wait for its end."""
        code = os.waitstatus_to_exitcode(_told("ended"))
        out, err = (_log(self.folder, name).read_text(encoding="utf-8") for name in ("out", "err"))
        return Outcome(code, out, err)

    def signal_when(self, ready: Callable[[], bool], number: int = signal.SIGKILL, *, within_s: float = 60) -> Outcome:
        """Send a signal as soon as `ready`, and wait for the end."""
        stop_s = time.monotonic() + within_s
        while not (came := ready()) and time.monotonic() < stop_s:
            time.sleep(0.002)
        with suppress(ProcessLookupError):  # it has ended by itself
            os.kill(self.pid, number if came else signal.SIGKILL)
        outcome = self.wait()
        assert came, f"what the test waits for never came: {outcome}"
        return outcome


def start(
    folder: Path,
    *arguments: str | Path,
    environment: Mapping[str, str] | None = None,
    file_limit: int | None = None,
    imports: Sequence[str] = (),
) -> Command:
    """Start `sottovoce ARGUMENTS` in `folder`; no file may grow beyond `file_limit` bytes, as on a full disk.

    The server imports the modules `imports` first, if it has not: what many commands would each import for themselves.
    """
    folder.mkdir(parents=True, exist_ok=True)
    order = {
        "imports": list(imports),
        "arguments": list(map(str, arguments)),
        "folder": str(folder),
        "environment": dict(environment or {}),
        "file_limit": file_limit,
    }
    server = _server()
    assert server.stdin is not None
    server.stdin.write(json.dumps(order) + "\n")
    server.stdin.flush()
    return Command(_told("started"), folder)


def sottovoce(folder: Path, *arguments: str | Path, **settings) -> Outcome:
    """Run `sottovoce ARGUMENTS` in `folder` to its end."""
    return start(folder, *arguments, **settings).wait()


@cache
def _server() -> subprocess.Popen[str]:
    environment = os.environ | {"OMP_NUM_THREADS": "1", "COLUMNS": "200"}
    server = subprocess.Popen(
        [sys.executable, "-m", "tests.launcher"],
        cwd=Path(__file__).parents[1],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    atexit.register(server.communicate)  # the end of its orders is its end
    return server


def _told(what: str) -> int:
    """The next number that the server tells of `what`, past the ends of commands that nobody waited for."""
    server = _server()
    assert server.stdout is not None
    while line := server.stdout.readline():
        told, number = line.split()
        if told == what:
            return int(number)
    raise AssertionError("the server of tests.launcher has died")


def _log(folder: Path, name: str) -> Path:
    return folder / f".std{name}"


def _serve() -> None:
    from sottovoce.store import shards

    shards.Execution = partial(shards.Execution, shard_size=SMALL_SHARDS)  # type: ignore[misc]

    import sottovoce.cli
    import sottovoce.job

    for line in sys.stdin:
        order = json.loads(line)
        for module in order["imports"]:
            importlib.import_module(module)
        pid = os.fork()
        if not pid:
            _become(order)
            os._exit(_end_of(sottovoce.cli.main))  # to tidy up a copy of the server would take seconds
        print("started", pid, flush=True)
        print("ended", os.waitpid(pid, 0)[1], flush=True)


def _become(order: dict) -> None:
    """Make this fork the process of one command."""
    folder = Path(order["folder"])
    os.chdir(folder)
    for name, number in (("out", 1), ("err", 2)):
        log = os.open(_log(folder, name), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(log, number)
    os.environ |= order["environment"]
    if (limit := order["file_limit"]) is not None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the test runner was started with
    sys.argv = ["sottovoce", *order["arguments"]]


def _end_of(main: Callable[[], None]) -> int:
    """The exit code that Python would give a script of this `main`."""
    try:
        main()
    except SystemExit as end:
        return end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:
        traceback.print_exc()
        return 1
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
    return 0


if __name__ == "__main__":
    _serve()
