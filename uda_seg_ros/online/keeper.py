"""Keeps a learner alive beside inference: hands it frames, takes its weights, notices when it dies and starts it again.

All that waits stands in one thread of its own. The callers' side is slots, flags and a bell.
"""

from __future__ import annotations

import contextlib
import dataclasses
import os
import select
import time
import weakref
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from ..runtime.beside import BesideThread
from ..runtime.slot import Slot
from ..structures import Frame, Weights
from .factory import Factory
from .learner import Start
from .messages import Ask, Closed, Fault, Happened, Learning, Mode, Outdated, Report, Snapshot
from .persistence import forget
from .status import Event
from .worker import Backend, Request, Terms, WorkerStatus

EVENTS, PARTING_S, LOOK_S, RETRY_S = 16, 1.5, 0.5, 10.0
TAKING_BACK = ('reset', 'rollback')  # requests


class Ended(Exception):
    """A learner's life is over. The text says why; final: another would end alike."""

    def __init__(self, text: str, final: bool = False) -> None:
        super().__init__(text)
        self.final = final


class Keeper:
    """A Worker around whatever `_launch` starts; ThreadWorker and ProcessWorker say what that is.

    prepare: run on all weights in the keeper's thread, before they are there to take; Engine.prepare, so that the camera's
    thread has only to copy. What it raises counts as the learner's failure.
    """

    backend: Backend

    def __init__(self, factory: Factory, terms: Terms, prepare: Callable[[Weights], Any]) -> None:
        self._factory, self._terms, self._prepare = factory, terms, prepare
        self._frames: Slot[Frame] = Slot()
        self._weights: Slot[Any] = Slot()
        self._asked: deque[Ask] = deque(maxlen=EVENTS)
        self._paused = self._closing = self._revive = self._hungry = False
        self._resting = ''
        self._bell = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)
        weakref.finalize(self, os.close, self._bell)
        self._events: deque[Event] = deque(maxlen=EVENTS)
        self._in_a_row, self._snapshot, self._version, self._last_stamp_ns = 0, None, 0, 0
        self._cause, self._unanswered = '', 0  # why the last learner ended; requests to take back that one was told of
        self._frozen: Mapping[str, Any] | None = None
        self._watched_s: float | None = None  # when a learner last gave a sign of life, while its weights are served
        self._status = WorkerStatus('warming', 'the learner starts', self.backend)
        self._thread = BesideThread(self._run, 'learner keeper')
        self._thread.start()

    def _launch(self, start: Start) -> Learning:
        raise NotImplementedError

    def offer(self, frame: Frame) -> None:
        self._frames.put(frame)
        if self._hungry:
            self._ring()

    def take(self) -> Any:
        return self._weights.take(0)

    def giving_way(self) -> contextlib.AbstractContextManager:
        return contextlib.nullcontext()

    def ask(self, request: Request, path: Path | None = None) -> None:
        if request in ('pause', 'resume'):
            self._paused = request == 'pause'
        else:
            self._asked.append(Ask(request, path))
            self._revive = True
        self._ring()

    def rest(self, resting: bool, why: str = 'nothing is segmented') -> None:
        self._resting = why if resting else ''
        self._ring()

    @property
    def status(self) -> WorkerStatus:
        return self._status

    def close(self) -> None:
        if not self._closing:
            self._closing = True
            self._ring()
            self._thread.join(PARTING_S + 0.5)

    def _ring(self) -> None:
        os.eventfd_write(self._bell, 1)

    def _run(self) -> None:
        while not self._closing:
            try:
                self._live()
            except Ended as end:
                self._bury(end)
            except Exception as error:  # of our own, such as no process left: as any failure of a learner
                self._bury(Ended(f'{type(error).__name__}: {error}'))
        self._forget_what_is_taken_back()
        self._tell('closed', 'adaptation is closed', alive=False, pid=None)

    def _live(self) -> None:
        """One learner from start to end. Raises Ended, but when closing."""
        self._forget_what_is_taken_back()
        self._unanswered, self._cause = 0, ''
        first = self._status.restarts == 0 and self._version == 0
        learning = self._launch(Start(self._snapshot, self._terms.file if first and self._terms.resume else None,
                                      anchored=self._version > 0))
        self._hungry = False
        self._born_s = self._heard_s = self._looked_s = time.monotonic()
        self._mode, self._reported, self._sent = None, False, 0
        self._tell('warming', 'the learner starts', alive=True, pid=learning.pid)
        with contextlib.suppress(Exception):  # now, and not between two frames of a drive; the learner will tell why not
            self._frozen = self._frozen or self._factory.bundle().tensors
        try:
            while not self._closing:
                self._serve(learning)
            if self._reported:  # or it is still loading, and has nothing to save
                self._ask(learning)
                answers = [said for said in learning.part(PARTING_S) if isinstance(said, Outdated)]
                self._unanswered -= sum(answer.asked for answer in answers)
        finally:
            self._hungry = False
            learning.kill()
            self._forget_what_is_taken_back()  # again, as what was about to be kept may have been kept since

    def _serve(self, learning: Learning) -> None:
        self._feed(learning)
        self._wait(LOOK_S, learning)
        try:
            for message in learning.receive():
                self._hear(message)
        except Closed:
            raise Ended(learning.ended()) from None
        self._check_pulse(learning)
        if self._expire():
            self._asked.append(Ask('begin anew'))  # or it would take for served what it gave out last

    def _feed(self, learning: Learning) -> None:
        """What is to be told, and the newest frame if the learner wants one. What the line cannot hold waits."""
        mode = Mode(self._paused or bool(self._resting))
        if mode != self._mode and learning.send(mode):
            self._mode = mode
            self._describe()
        self._ask(learning)
        if self._hungry and (frame := self._frames.take(0)) is not None:
            self._last_stamp_ns = frame.stamp_ns
            if learning.send(frame):
                self._sent, self._hungry = self._sent + 1, False

    def _ask(self, learning: Learning) -> None:
        while self._asked:
            takes_back = self._asked[0].request in TAKING_BACK
            if takes_back:
                self._forget()
            if not learning.send(self._asked[0]):
                break
            self._asked.popleft()
            self._unanswered += takes_back

    def _forget_what_is_taken_back(self) -> None:
        """While an Ask that takes something back has no answer, no learner may go on from the weights of now."""
        if self._unanswered or any(ask.request in TAKING_BACK for ask in tuple(self._asked)):
            self._forget()

    def _forget(self) -> None:
        self._snapshot = None
        forget(self._terms.file)

    def _hear(self, message: Any) -> None:
        self._heard_s = self._looked_s = time.monotonic()
        if isinstance(message, Report):
            self._reported = True
            if self._watched_s is not None:
                self._watched_s = self._heard_s
            self._hungry = message.hungry and message.frames == self._sent  # or it wants one that is under way
            told = dataclasses.replace(message.status, version=self._version)
            self._status = dataclasses.replace(self._status, adaptation=told, frames=message.frames)
            self._describe()
        elif isinstance(message, Weights):
            self._hand_on(message)
        elif isinstance(message, Snapshot):
            self._snapshot = None if self._unanswered else message.content
        elif isinstance(message, Outdated):
            self._snapshot = None
            self._unanswered -= message.asked
        elif isinstance(message, Happened):
            self._note(message.kind, message.text)
        elif isinstance(message, Fault):
            raise Ended(message.text, message.final)

    def _hand_on(self, weights: Weights) -> None:
        """Numbered anew, because every learner begins at 1. What could not be taken back is not served."""
        try:
            self._frozen = self._frozen or self._factory.bundle().tensors
            self._put(weights.tensors)
        except Exception as error:
            raise Ended(f'weights were refused: {error}') from error
        self._watched_s = self._heard_s

    def _put(self, tensors: Mapping[str, Any]) -> None:
        ready = self._prepare(Weights(self._version + 1, tensors))
        self._version += 1
        self._weights.put(ready)

    def _expire(self) -> bool:
        """Whether the time of weights that nobody watches is over: then the frozen ones are served."""
        if self._watched_s is None or (alone_s := time.monotonic() - self._watched_s) < self._terms.unwatched_s:
            return False
        try:
            self._put(self._frozen)
        except Exception as error:  # no memory left, say
            self._note('fault', f'the frozen weights cannot be served ({error}); a new attempt in {RETRY_S:.0f} s')
            self._watched_s += RETRY_S
            return False
        self._watched_s = self._snapshot = None
        text = f'no learner has watched the weights served for {alone_s:.0f} s: the frozen ones are served again'
        self._note('return', text)
        adaptation = self._status.adaptation
        self._tell(self._status.condition, f'{text}; {self._cause or f"before that: {self._status.text}"}',
                   adaptation=adaptation and dataclasses.replace(adaptation, why=text, scale=0.0, share=0.0))
        return True

    def _check_pulse(self, learning: Learning) -> None:
        limit_s = self._terms.heartbeat_s if self._reported else self._terms.start_s
        if (now_s := time.monotonic()) - self._looked_s > limit_s:
            self._looked_s, excuse = now_s, learning.excuse(limit_s)
            if not excuse:
                raise Ended(f'the learner hangs: not a word for {now_s - self._heard_s:.0f} s')
            self._tell(self._status.condition, excuse)
        if self._in_a_row and time.monotonic() - self._born_s > self._terms.steady_s:
            self._in_a_row = 0

    def _bury(self, end: Ended) -> None:
        """Tell what happened, and wait as long as it takes to the next attempt."""
        self._revive = False  # before it is told: whoever asks because of that must be heard
        self._in_a_row += 1
        if self._in_a_row > 1:
            self._snapshot = None  # two learners in succession ended with it
        final = end.final or self._in_a_row > self._terms.restarts
        pause_s = None if final else self._terms.back_off_s * 2 ** (self._in_a_row - 1)
        then = 'given up until ~/reset_adaptation asks for a new attempt' if final else f'a new attempt in {pause_s:.0f} s'
        while_s = f' for {self._terms.unwatched_s:.0f} s at most' if final and self._watched_s is not None else ''
        self._cause = f'{end}; {then}'
        what = f'{end}; weights version {self._version} stays in service{while_s}'
        self._note('fault', f'{what}; {then}')
        self._tell('failed' if final else 'restarting', f'{what}; {then}', alive=False, pid=None)
        self._pause(pause_s)
        if self._revive:
            self._in_a_row = 0
        self._status = dataclasses.replace(self._status, restarts=self._status.restarts + 1)

    def _pause(self, seconds: float | None) -> None:
        """Until the time is over (None: for ever), somebody asks for something, or the end."""
        until_s = float('inf') if seconds is None else time.monotonic() + seconds
        while not (self._closing or self._revive) and (left_s := until_s - time.monotonic()) > 0:
            self._wait(min(left_s, LOOK_S))
            self._expire()

    def _wait(self, seconds: float, *learning: Learning) -> None:
        """Until the bell rings or the learner has something to say."""
        poll = select.poll()  # select() knows no file number above 1023
        for file in (self._bell, *learning):
            poll.register(file, select.POLLIN)
        if self._bell in (number for number, _ in poll.poll(seconds * 1e3)):
            os.eventfd_read(self._bell)

    def _describe(self) -> None:
        """Condition and text of a learner that is well."""
        if not self._reported:
            return
        why = self._status.adaptation.why if self._status.adaptation else 'nothing known yet'
        resting = self._resting  # another thread may end it meanwhile
        if self._paused or resting:
            self._tell('paused', 'paused on request' if self._paused else f'resting: {resting}')
        else:
            self._tell('running', why)

    def _note(self, kind: str, text: str) -> None:
        self._events.append(Event(kind, self._last_stamp_ns, text))
        self._status = dataclasses.replace(self._status, events=tuple(self._events))

    def _tell(self, condition: str, text: str, **more: Any) -> None:
        self._status = dataclasses.replace(self._status, condition=condition, text=text, version=self._version, **more)
