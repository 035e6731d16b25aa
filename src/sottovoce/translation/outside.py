"""A worker process in another Python environment: requests and replies as lines of JSON through pipes.

The worker writes a greeting when it is ready, `{"protocol": 1, ...}`, and then answers each request `{"id": n, ...}`
with `{"id": n, ...}`. It ends when its input ends. Whatever else it prints is skipped; sounds travel as files.
"""

from __future__ import annotations

import json
import os
import queue
import signal
import subprocess
import threading
import weakref
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import suppress
from time import monotonic
from typing import Any

PROTOCOL = 1

MOST_GARBAGE = 100
"""Lines in a row that are no message, before the worker is given up."""

_LONGEST_LINE = 1 << 22
_DIED = "it died"
_TAIL = 20  # lines of its error stream that are kept for messages


class OutsideError(Exception):
    """The worker did not answer; `reason` says why. It is dead now, and the next request starts another.

    `killed`: something else ended it, as systems do with who takes too much memory.
    """

    def __init__(self, reason: str, killed: bool = False) -> None:
        self.reason, self.killed = reason, killed
        super().__init__(reason)


class Outside:
    """One worker, started at the first request and again after each death."""

    def __init__(self, command: Sequence[str], start_limit_s: float) -> None:
        """Note the command; nothing is started.

        Args:
            command: of the worker.
            start_limit_s: how long it may take from its start to its greeting: loading a model takes minutes.
        """
        self._command, self._start_limit_s = list(command), start_limit_s
        self._process: subprocess.Popen[bytes] | None = None
        self._messages: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._errors: deque[str] = deque(maxlen=_TAIL)
        self._number = 0
        self.greeting: dict[str, Any] = {}

    def ask(self, request: Mapping[str, Any], limit_s: float) -> dict[str, Any]:
        """Send a request and wait for its own reply; replies to earlier ones come too late and are dropped.

        Raises:
            OutsideError: no greeting, no reply within the limit, death, or nothing but garbage.
        """
        if self._process is None:
            self._start()
        self._number += 1
        process = self._process
        assert process is not None and process.stdin is not None
        try:
            process.stdin.write(json.dumps({"id": self._number, **request}).encode() + b"\n")
            process.stdin.flush()
        except OSError as problem:
            raise self._given_up(_DIED) from problem
        end_s = monotonic() + limit_s
        while True:
            message = self._next(end_s, f"no answer within {limit_s:.0f} s")
            if message.get("id") == self._number:
                return message

    def close(self) -> None:
        """End the worker and all that it started."""
        process, self._process = self._process, None
        if process is not None:
            _end(process)

    def _start(self) -> None:
        self._messages, self._errors = queue.SimpleQueue(), deque(maxlen=_TAIL)
        pipe = subprocess.PIPE
        try:
            process = subprocess.Popen(self._command, stdin=pipe, stdout=pipe, stderr=pipe, start_new_session=True)
        except OSError as problem:
            raise OutsideError(f"{self._command[0]} cannot be started ({problem.strerror})") from problem
        self._process = process
        weakref.finalize(self, _end, process)  # also when this process ends
        threading.Thread(target=_read_messages, args=(process, self._messages), daemon=True).start()
        self._listener = threading.Thread(target=_read_errors, args=(process, self._errors), daemon=True)
        self._listener.start()
        end_s = monotonic() + self._start_limit_s
        greeting = self._next(end_s, f"not ready within {self._start_limit_s:.0f} s")
        if greeting.get("protocol") != PROTOCOL:
            raise self._given_up(f"it speaks protocol {greeting.get('protocol')}, not {PROTOCOL}; set it up again")
        self.greeting = greeting

    def _next(self, end_s: float, too_late: str) -> dict[str, Any]:
        """The next message; lines that are none are skipped."""
        for _ in range(MOST_GARBAGE):
            try:
                message = self._messages.get(timeout=max(end_s - monotonic(), 0))
            except queue.Empty:
                raise self._given_up(too_late) from None
            if message is None:
                raise self._given_up(_DIED)
            if isinstance(message, dict):
                return message
        raise self._given_up(f"{MOST_GARBAGE} lines in a row were no messages")

    def _given_up(self, reason: str) -> OutsideError:
        process = self._process
        assert process is not None
        if reason == _DIED:
            with suppress(subprocess.TimeoutExpired):  # its streams close a moment before it is gone
                process.wait(1.0)
        killed = process.poll() == -signal.SIGKILL
        _kill(process)
        self._listener.join(2.0)  # what it said last is the reason
        self.close()
        last = "; ".join(list(self._errors)[-2:])
        return OutsideError(f"{reason} ({last})" if last else reason, killed)

    def __reduce__(self) -> tuple[Any, ...]:  # another process starts a worker of its own
        return Outside, (self._command, self._start_limit_s)


def _read_messages(process: subprocess.Popen[bytes], messages: queue.SimpleQueue[Any]) -> None:
    # what is no message is handed on as it is, to be counted; the end is None
    assert process.stdout is not None
    with process.stdout as output:
        while line := output.readline(_LONGEST_LINE):
            try:
                message = json.loads(line)
            except (ValueError, RecursionError):
                message = line
            messages.put(message if isinstance(message, dict) else line)
    messages.put(None)


def _read_errors(process: subprocess.Popen[bytes], errors: deque[str]) -> None:
    # read to the end whatever comes: a full pipe would stop the worker
    assert process.stderr is not None
    with process.stderr as output:
        while line := output.readline(4096):
            if text := line.decode(errors="replace").strip():
                errors.append(text[:300])


def _kill(process: subprocess.Popen[bytes]) -> None:
    if process.returncode is None:  # once it is known to have ended, its number may be another's
        with suppress(OSError):  # the whole group: a library may have started processes of its own
            os.killpg(process.pid, signal.SIGKILL)


def _end(process: subprocess.Popen[bytes]) -> None:
    _kill(process)
    process.wait()
    with suppress(OSError):  # its outputs are closed by those who read them
        if process.stdin is not None:
            process.stdin.close()
