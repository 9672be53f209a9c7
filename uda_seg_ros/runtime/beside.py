"""Threads beside inference, and the end of a process that one of them outlives.

At its end Python makes an end of threads that still run. One that is inside PyTorch just then takes the whole process down
with it: "terminate called without an active exception", exit code 134.
"""

from __future__ import annotations

import contextlib
import os
import sys
import threading
import traceback
from collections.abc import Callable
from typing import Any


class BesideThread(threading.Thread):
    """Nobody waits for it at the end of the process."""

    def __init__(self, target: Callable[..., None], name: str, *given: Any) -> None:
        super().__init__(target=target, args=given, name=name, daemon=True)


def outlived() -> bool:
    """Whether a thread beside inference still runs."""
    return any(isinstance(thread, BesideThread) for thread in threading.enumerate())


def leave(code: int) -> None:
    """Last of all: where a thread beside inference still runs, end the process under it; else return."""
    if outlived():
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError):
                stream.flush()
        os._exit(code)


def run(main: Callable[[], int]) -> int:
    """The exit code of a command, which may have had a learner."""
    try:
        code = main()
    except BaseException:
        if outlived():
            traceback.print_exc()
            leave(130 if sys.exc_info()[0] is KeyboardInterrupt else 1)
        raise
    leave(code)
    return code
