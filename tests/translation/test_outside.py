"""The driver by itself: what it starts, it ends, and nothing a worker writes can hold it up."""

from __future__ import annotations

import pickle
import subprocess
import sys
import time
from pathlib import Path

import pytest

from sottovoce.translation.outside import Outside, OutsideError

FAKE = Path(__file__).with_name("fake_worker.py")
READY = "import json, sys, time\nprint(json.dumps({'protocol': 1}), flush=True)\n"
ANSWER = "for line in sys.stdin: print(json.dumps({'id': json.loads(line)['id']}), flush=True)\n"


def worker(program: str, start_limit_s: float = 10.0) -> Outside:
    return Outside([sys.executable, "-c", READY + program], start_limit_s)


def test_a_start_that_takes_too_long(tmp_path: Path):
    (tmp_path / "starts").mkdir()
    slow = Outside([sys.executable, str(FAKE), "slow start", str(tmp_path / "starts")], start_limit_s=0.5)
    with pytest.raises(OutsideError, match="not ready within"):
        slow.ask({"utterances": []}, 1.0)
    assert slow._process is None


def test_a_command_that_does_not_exist(tmp_path: Path):
    with pytest.raises(OutsideError, match="cannot be started"):
        Outside([str(tmp_path / "no-python")], 1.0).ask({}, 1.0)


def test_the_answer_to_an_earlier_request_is_dropped():
    late = worker(
        "first = json.loads(sys.stdin.readline()); second = json.loads(sys.stdin.readline())\n"
        "for each in (first, {'id': 'odd'}, second): print(json.dumps({'id': each['id'], 'of': each['n']} "
        "if 'n' in each else each), flush=True)\n"
    )
    late._start()
    assert late._process is not None and late._process.stdin is not None
    late._process.stdin.write(b'{"id": 0, "n": "first"}\n')
    assert late.ask({"n": "second"}, 10.0)["of"] == "second"
    late.close()


def test_a_worker_that_writes_without_end_does_not_stop_it():
    noisy = worker("for _ in range(200): sys.stderr.write('x' * 9_999 + chr(10))\n" + ANSWER)
    assert noisy.ask({}, 10.0)["id"] == 1
    assert len(noisy._errors) <= 20 and all(len(line) <= 300 for line in noisy._errors)
    noisy.close()


def test_a_worker_that_died_meanwhile_is_named_and_the_next_request_has_another():
    mortal = worker("line = sys.stdin.readline(); print(json.dumps({'id': json.loads(line)['id']}), flush=True)\n")
    mortal.ask({}, 10.0)
    first = mortal._process
    assert first is not None
    first.wait(10)
    with pytest.raises(OutsideError, match="it died"):
        mortal.ask({}, 10.0)
    assert mortal.ask({}, 10.0)["id"] == 3
    mortal.close()


def test_what_the_worker_started_ends_with_it(tmp_path: Path):
    mark = tmp_path / "mark"
    child = f"import time; time.sleep(1.5); open({str(mark)!r}, 'w').close()"
    parent = worker(f"import subprocess; subprocess.Popen([sys.executable, '-c', {child!r}])\n" + ANSWER)
    parent.ask({}, 10.0)
    parent.close()
    time.sleep(2.0)
    assert not mark.exists()


def test_it_ends_with_our_process(tmp_path: Path):
    """Even where ours is killed and can tidy up nothing: the worker's input ends."""
    mark = tmp_path / "ended"
    program = READY + ANSWER + f"open({str(mark)!r}, 'w').close()\n"
    ours = (
        "import os, signal, sys\nfrom sottovoce.translation.outside import Outside\n"
        f"kept = Outside([sys.executable, '-c', {program!r}], 10.0)\nkept.ask({{}}, 10.0)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", ours], check=False)
    end_s = time.monotonic() + 10
    while not mark.exists() and time.monotonic() < end_s:
        time.sleep(0.05)
    assert mark.exists()


def test_another_process_starts_its_own():
    one = worker(ANSWER)
    one.ask({}, 10.0)
    other = pickle.loads(pickle.dumps(one))  # noqa: S301  (our own bytes)
    assert other._process is None and other.ask({}, 10.0)["id"] == 1
    one.close()
    other.close()
