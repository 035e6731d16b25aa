"""Memory of processes that make large arrays again and again: kept between batches, given back after more of them."""

from __future__ import annotations

import ctypes
import sys
from functools import cache


@cache
def keep_freed_memory() -> None:
    """Let glibc keep large blocks for the next batch instead of returning them to the system.

    Returned blocks must be mapped and zeroed page by page again at every step, which took four fifths of the time of
    training on a virtual machine. Elsewhere than on glibc nothing happens.
    """
    if not sys.platform.startswith("linux"):
        return
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        trim_threshold, mmap_threshold, arena_max = -1, -3, -8  # M_TRIM_THRESHOLD, ... of malloc.h
        mallopt(arena_max, 1)  # the arenas of further threads are too small for these blocks
        mallopt(trim_threshold, 2**31 - 1)
        if not mallopt(mmap_threshold, 2**30):
            mallopt(mmap_threshold, 2**25)  # the most that older versions take


def give_back_freed_memory() -> None:
    """Return to the system what lies free between blocks that are in use, as after each shard and each epoch.

    Blocks of ever other sizes leave gaps that the next ones do not fit into: kept for good, they would grow with the
    corpus, to several times what is in use. Elsewhere than on glibc nothing happens.
    """
    if sys.platform.startswith("linux") and (trim := getattr(ctypes.CDLL(None), "malloc_trim", None)) is not None:
        trim(0)
