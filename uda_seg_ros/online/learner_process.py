"""The process that a ProcessWorker starts: takes the lowest rank, then learns until its line is closed."""

from __future__ import annotations

import contextlib
import ctypes
import dataclasses
import faulthandler
import os
import signal
import socket
import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .worker import Rank

PR_SET_PDEATHSIG = 1


def main(line: int, frames: int, parent: int, rank: Rank) -> None:
    """line: file number of the socket. frames: of the shared memory. parent: process that this one must not outlive."""
    faulthandler.enable()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    _die_with(parent)
    _take(rank)
    import cv2
    import torch

    from .learner import learn
    from .line import LearnerEnd, receive
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    end = socket.socket(fileno=line)
    try:
        (factory, terms, start), snapshot = receive(end)
    except EOFError:
        return
    learn(LearnerEnd(end, frames), factory, terms, dataclasses.replace(start, snapshot=snapshot))


def _die_with(parent: int) -> None:
    """Be killed when the process that started this one ends, however that happens."""
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != parent:
        sys.exit(1)


def _take(rank: Rank) -> None:
    """Idle: run only when nobody else would. And where memory runs out, be the one that the kernel ends."""
    try:
        if rank == 'idle':
            os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
    except OSError:
        rank = 'nice'
    if rank == 'nice':
        os.nice(19)
    with contextlib.suppress(OSError):
        Path('/proc/self/oom_score_adj').write_text('1000')
