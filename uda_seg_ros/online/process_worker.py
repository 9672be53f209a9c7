"""The learner as a process of its own, of the lowest rank: for a CPU, where no other arrangement leaves inference alone.

A fresh interpreter, not a fork: this process has threads and, often, ROS. The line is a socket that keeps messages whole;
frames lie in a piece of shared memory of this process, weights in one that the learner has sealed against any change.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from .factory import Factory
from .keeper import Keeper
from .learner import Start
from .line import KeeperEnd, send
from .messages import Closed
from .pulse import Pulse
from .worker import Terms

BEGIN = ('import json, sys; given = json.loads(sys.argv[1]); sys.path[:] = given.pop("path"); '
         'from uda_seg_ros.online.learner_process import main; main(**given)')
LEAST, GRACE_S = 0.2, 0.2  # share of the time that a learner runs whatever the camera does, and by how much it may be late
ONE_THREAD = {'OMP_NUM_THREADS': '1', 'MKL_NUM_THREADS': '1', 'OMP_WAIT_POLICY': 'PASSIVE'}


class ProcessWorker(Keeper):
    """A Worker whose learner is a process. It dies with this one, whatever ends it."""

    backend = 'process'
    _learning: ProcessLearning | None = None

    def giving_way(self) -> contextlib.AbstractContextManager:
        learning = self._learning
        return learning.standing_still() if learning and self._terms.gives_way else contextlib.nullcontext()

    def _launch(self, start: Start) -> ProcessLearning:
        self._learning = ProcessLearning(self._factory, self._terms, start)
        return self._learning


class ProcessLearning:
    """This process's end of the line, and the child."""

    def __init__(self, factory: Factory, terms: Terms, start: Start) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._end = KeeperEnd(ours)
        self._still, self._owed_s, self._counted_s = False, 0.0, time.monotonic()
        with theirs:
            given = {'path': sys.path, 'line': theirs.fileno(), 'frames': self._end.frames, 'parent': os.getpid(),
                     'rank': terms.rank}
            # A session of its own: Ctrl-C in the terminal is for this process, which then says good-bye.
            self._child = subprocess.Popen(
                [sys.executable, '-c', BEGIN, json.dumps(given)], stdin=subprocess.DEVNULL, start_new_session=True,
                pass_fds=(theirs.fileno(), self._end.frames), env={**os.environ, **ONE_THREAD})
        self.pid = self._child.pid
        self._pulse = Pulse(Path(f'/proc/{self.pid}/stat'))
        send(ours, (factory, terms, Start(None, start.file, start.anchored)), start.snapshot)

    @contextlib.contextmanager
    def standing_still(self) -> Iterator[None]:
        """The process is stopped, whatever it does, and goes on afterwards.

        Beside a camera that leaves next to no pauses it would never come to anything: then it runs during some frames, too.
        """
        if not self._may_stop():
            yield
            return
        try:
            self._still = True
            self._child.send_signal(signal.SIGSTOP)
            yield
        finally:
            self._child.send_signal(signal.SIGCONT)
            self._still = False
            self._owed_s += LEAST * self._count()

    def _may_stop(self) -> bool:
        self._owed_s = max(0.0, self._owed_s - (1 - LEAST) * self._count())
        return self._owed_s < GRACE_S

    def _count(self) -> float:
        """Seconds since the last call."""
        before_s, self._counted_s = self._counted_s, time.monotonic()
        return self._counted_s - before_s

    def fileno(self) -> int:
        return self._end.line.fileno()

    def send(self, message: Any) -> bool:
        return self._end.send(message)

    def receive(self) -> list[Any]:
        messages = self._end.receive()
        if messages:
            self._pulse.heard()
        return messages

    def excuse(self, limit_s: float) -> str:
        return self._pulse.excuse(limit_s, held=lambda: self._still)

    def ended(self) -> str:
        try:
            code = self._child.wait(1.0)
        except subprocess.TimeoutExpired:
            return 'the learner closed its line'
        if code >= 0:
            return f'the learner ended with exit code {code}'
        name = signal.Signals(-code).name
        why = ': memory may have run out, or somebody ended it' if -code == signal.SIGKILL else ''
        return f'the learner was killed by {name}{why}'

    def kill(self) -> None:
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()
        self._end.line.close()

    def part(self, timeout_s: float) -> list[Any]:
        self._end.line.shutdown(socket.SHUT_WR)
        until_s, said = time.monotonic() + timeout_s, []
        with contextlib.suppress(Closed):
            while time.monotonic() < until_s:
                said += self.receive()  # it must not wait for us with a full line
                time.sleep(0.01)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._child.wait(max(0.0, until_s - time.monotonic()))
        return said
