"""Stands in for the worker of another environment: speaks the protocol, and misbehaves as it is told.

    python fake_worker.py FAULT STATE

FAULT names what goes wrong; STATE is a folder in which it leaves a file at every start.
"""

import json
import os
import signal
import struct
import sys
import time
import uuid
import wave

FAULT, STATE = sys.argv[1:3]
open(os.path.join(STATE, uuid.uuid4().hex), "w").close()
first_start = len(os.listdir(STATE)) == 1


def say(message):
    sys.stdout.write((message if isinstance(message, str) else json.dumps(message)) + "\n")
    sys.stdout.flush()


def done(each, number):
    """Answer as a real one does: the sound at 24 kHz, and a text."""
    name = each["id"]
    if FAULT == "bad utterance" and number == 1:
        return {"id": name, "error": "ValueError: no such thing"}
    if FAULT == "no room" and os.path.getsize(each["audio"]) > 30_000:
        return {"id": name, "error": "RuntimeError: CUDA out of memory.", "no_room": True}
    if FAULT == "not numbers":
        with open(each["out"], "wb") as out:  # a WAV of 32-bit floats that are NaN
            sound = struct.pack("<4800f", *[float("nan")] * 4800)
            form = struct.pack("<4sIHHIIHH4sI", b"fmt ", 16, 3, 1, 24000, 96000, 4, 32, b"data", len(sound))
            out.write(b"RIFF" + struct.pack("<I", 4 + len(form) + len(sound)) + b"WAVE" + form + sound)
    elif FAULT != "no sound":
        with wave.open(each["audio"]) as source, wave.open(each["out"], "wb") as out:
            out.setparams((1, 2, 24000, 0, "NONE", "NONE"))
            frames = source.readframes(source.getnframes())
            out.writeframes(struct.pack("<4h", 1, 2, 3, 4) if FAULT == "short sound" else frames)
    return {"id": name, "text": f"detto {os.path.getsize(each['audio'])}", "rate_hz": 24000, "error": None}


if FAULT == "no start":
    sys.exit("libsndfile is missing")
if FAULT == "slow start":
    time.sleep(60)
sys.stderr.write("noise " * 40_000 + "\n")  # more than a pipe holds
say("loading ...")
say({"protocol": 2 if FAULT == "other protocol" else 1})
for line in sys.stdin:
    request = json.loads(line)
    wanted = request["utterances"]
    if FAULT == "dies once" and first_start:
        sys.exit("out of memory")
    if FAULT == "dies of one" and any(os.path.getsize(each["audio"]) > 30_000 for each in wanted):
        sys.exit("that was too long")
    if FAULT == "killed for one" and any(os.path.getsize(each["audio"]) > 30_000 for each in wanted):
        os.kill(os.getpid(), signal.SIGKILL)
    if FAULT == "dies always":
        sys.exit("no GPU")
    if FAULT == "hangs once" and first_start:
        time.sleep(60)
    if FAULT == "half a line":
        sys.stdout.write('{"id": ')
        sys.exit()
    if FAULT == "garbage":
        for line in ("50 % done", "[1, 2]", "null", "{", '"id"', "\x00" * 70_000, ""):
            say(line)
    if FAULT == "only garbage":
        for _ in range(500):
            say("what?")
    answers = [done(each, n) for n, each in enumerate(wanted)]
    if FAULT == "out of order":
        answers.reverse()
    if FAULT == "late":
        say({"id": request["id"] - 1, "utterances": [{"id": each["id"], "error": "stale"} for each in wanted]})
    if FAULT == "forgets":
        answers.pop()
    say({"id": request["id"], "utterances": None if FAULT == "no list" else answers})
