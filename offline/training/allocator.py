"""Memory that was freed is kept for the next step: asking the system for fresh pages costs a CPU a good part of a step."""

from __future__ import annotations

import ctypes

M_TRIM_THRESHOLD, M_TOP_PAD, M_MMAP_THRESHOLD = -1, -2, -3  # malloc.h of the GNU C library
MOST = 2**31 - 1


def keep_freed_memory() -> bool:
    """For this process, from now on. Returns whether it was possible: with the GNU C library it is."""
    mallopt = getattr(ctypes.CDLL(None), 'mallopt', None)
    if mallopt is None:
        return False
    wanted = {M_MMAP_THRESHOLD: MOST, M_TRIM_THRESHOLD: MOST, M_TOP_PAD: 2**26}
    done = [mallopt(option, value) for option, value in wanted.items()]
    return all(done)
