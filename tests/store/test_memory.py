from __future__ import annotations

import ctypes
import sys
from pathlib import Path

import numpy as np
import pytest

from sottovoce.store.memory import give_back_freed_memory, keep_freed_memory

MIB = 1 << 20

glibc = pytest.mark.skipif(
    not sys.platform.startswith("linux") or not hasattr(ctypes.CDLL(None), "malloc_trim"), reason="there is no glibc"
)


def resident_mib() -> float:
    line = next(each for each in Path("/proc/self/status").read_text().splitlines() if each.startswith("VmRSS"))
    return int(line.split()[1]) / 1024


@glibc
def test_what_lies_free_between_blocks_in_use_is_kept_and_then_given_back():
    keep_freed_memory()
    give_back_freed_memory()
    large, small = [], []
    for _ in range(200):
        large.append(np.ones(MIB, np.uint8))
        small.append(np.ones(4096, np.uint8))
    full = resident_mib()
    large.clear()
    kept = resident_mib()
    give_back_freed_memory()
    assert kept > full - 50
    assert resident_mib() < full - 150
    assert all(block.all() for block in small)
