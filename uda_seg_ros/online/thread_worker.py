"""The learner as a thread of this process: for CUDA, where the GPU ranks streams of one process only.

Not for a CPU: a thread of low rank that holds the interpreter would keep the camera's thread waiting.
"""

from __future__ import annotations

import contextlib
import os
import queue
import weakref
from collections import deque
from pathlib import Path
from typing import Any

from ..runtime.beside import BesideThread
from .factory import Factory
from .keeper import Keeper
from .learner import Start, learn
from .messages import Closed, Dropped
from .pulse import Pulse
from .worker import Terms

LEAVING_S = 0.3  # for a learner that was given up to notice


class ThreadWorker(Keeper):
    """A Worker whose learner is a thread. One that hangs cannot be ended: it is left behind, and not heard any more.

    Whoever ends the process ends it with beside.leave(), for the case that one is left.
    """

    backend = 'thread'

    def _launch(self, start: Start) -> ThreadLearning:
        return ThreadLearning(self._factory, self._terms, start)


class ThreadLearning:
    """Both ends of the line, and the thread."""

    pid = None

    def __init__(self, factory: Factory, terms: Terms, start: Start) -> None:
        self._in: queue.SimpleQueue[Any] = queue.SimpleQueue()
        self._out: deque[Any] = deque()
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        weakref.finalize(self, os.close, self._bell)
        self._dropped = False
        self._thread = BesideThread(self._run, 'learner', factory, terms, start)
        self._thread.start()
        self._pulse = Pulse(Path(f'/proc/self/task/{self._thread.native_id}/stat'))

    def _run(self, factory: Factory, terms: Terms, start: Start) -> None:
        with _stream(factory.device):
            learn(_Link(self), factory, terms, start)
        os.eventfd_write(self._bell, 1)

    def fileno(self) -> int:
        return self._bell

    def send(self, message: Any) -> bool:
        self._in.put(message)
        return True

    def receive(self) -> list[Any]:
        with contextlib.suppress(BlockingIOError):
            os.eventfd_read(self._bell)
        ended = not self._thread.is_alive()
        messages = [self._out.popleft() for _ in range(len(self._out))]
        if ended and not messages:
            raise Closed
        if messages:
            self._pulse.heard()
        return messages

    def excuse(self, limit_s: float) -> str:
        return self._pulse.excuse(limit_s)

    def ended(self) -> str:
        return 'the learner ended without a word'

    def kill(self) -> None:
        self._dropped = True
        self._in.put(None)
        self._thread.join(LEAVING_S)

    def part(self, timeout_s: float) -> list[Any]:
        self._in.put(Closed())
        self._thread.join(timeout_s)
        return [self._out.popleft() for _ in range(len(self._out))]


class _Link:
    """The learner's end."""

    def __init__(self, learning: ThreadLearning) -> None:
        self._learning = learning

    def send(self, message: Any) -> None:
        if self._learning._dropped:
            raise Dropped
        self._learning._out.append(message)
        os.eventfd_write(self._learning._bell, 1)

    def receive(self, timeout_s: float) -> Any:
        try:
            message = self._learning._in.get(timeout_s > 0, timeout_s)
        except queue.Empty:
            message = None
        if self._learning._dropped:
            raise Dropped
        if isinstance(message, Closed):
            raise message
        return message


def _stream(device: str) -> contextlib.AbstractContextManager:
    """On CUDA a stream of its own, of a lower priority than the engine's: what the learner launches lets frames pass."""
    if not device.startswith('cuda'):
        return contextlib.nullcontext()
    import torch

    from ..runtime.engine import PATIENT
    return torch.cuda.stream(torch.cuda.Stream(device, priority=PATIENT))
